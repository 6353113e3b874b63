package dav

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// What can be wrong, for errors.Is. Every error of this package is one of
// these, or the context's.
var (
	// ErrUnauthorized: the server does not take these credentials.
	ErrUnauthorized = errors.New("the server does not accept the password")
	// ErrForbidden: the account may not see this.
	ErrForbidden = errors.New("the server denies access")
	// ErrNotFound: there is nothing at this address.
	ErrNotFound = errors.New("the server has nothing at this address")
	// ErrUnavailable: the server is overloaded, in maintenance or broken; see StatusError.RetryAfter.
	ErrUnavailable = errors.New("the server is not available now")
	// ErrUnreachable: no connection, one that was dropped, or one that stalled.
	ErrUnreachable = errors.New("the server cannot be reached")
	// ErrCertificate: the server's certificate is not valid here.
	ErrCertificate = errors.New("the server's certificate is not valid")
	// ErrForeign: the answer leads to another server; no credentials went there.
	ErrForeign = errors.New("the answer leads to another server")
	// ErrMalformed: the answer is not what the protocol says.
	ErrMalformed = errors.New("the answer is not a valid one")
	// ErrPartial: the server itself says or shows that a listing lacks members.
	ErrPartial = errors.New("the server left out members")
	// ErrTooLarge: the answer goes beyond a limit.
	ErrTooLarge = errors.New("the answer is larger than the limit")
	// ErrChanged: the collection or item changed while it was looked at.
	ErrChanged = errors.New("it changed meanwhile")
	// ErrUnproved: nothing shows that the answer was for this account.
	ErrUnproved = errors.New("nothing shows that the answer was for this account")
	// ErrDamaged: the bytes do not have the checksum that the server states.
	ErrDamaged = errors.New("the bytes do not match the server's checksum")
)

// StatusError is an answer with an HTTP status that is not the wanted one. Its
// text names no path: paths are personal.
type StatusError struct {
	Method string
	Status int
	// RetryAfter is how long the server asks to wait; 0 where it does not say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s gave %d %s", e.Method, e.Status, http.StatusText(e.Status))
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", try again in %s", e.RetryAfter)
	}
	return text
}

// Is sorts the status under the errors above.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Status == http.StatusGone
	case ErrUnavailable:
		return e.Status == http.StatusTooManyRequests || e.Status >= 500
	case ErrMalformed:
		return e.Status < 400
	}
	return false
}

// RedirectError is a redirect to another server, or to less protection. It was
// not followed.
type RedirectError struct {
	From, To string // scheme, host and port only
}

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s sends on to %s, which this account does not name", e.From, e.To)
}

// Is makes it an ErrForeign.
func (e *RedirectError) Is(target error) bool { return target == ErrForeign }

// maxRetryAfter bounds what a server can ask: a day.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the header: seconds, or a date by the server's own clock, which
// its Date header tells (RFC 9110, 10.2.3); ours may be hours away.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// transportError sorts what net/http gives, without the address that its
// errors carry.
func transportError(ctx context.Context, method string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errStalled) {
			return fmt.Errorf("cannot %s: %w: %w", method, ErrUnreachable, cause)
		}
		return fmt.Errorf("cannot %s: %w", method, cause)
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) {
		return fmt.Errorf("cannot %s: %w: %v", method, ErrCertificate, untrusted.Err)
	}
	return fmt.Errorf("cannot %s: %w: %v", method, ErrUnreachable, err)
}
