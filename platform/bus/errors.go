package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/godbus/dbus/v5"
)

// ErrUnavailable means that the bus cannot be reached just now. Nothing is
// known of any service on it.
var ErrUnavailable = errors.New("the D-Bus bus cannot be reached")

// ErrNoService means that nobody on the bus has a name, by the bus's own word.
var ErrNoService = errors.New("the D-Bus service is not there")

// ErrVanished means that who was asked went away before it answered, or that it
// says so while it is there. What it would have said is not known: it is never
// ErrNoService.
var ErrVanished = errors.New("the D-Bus service went away before it answered")

// WasThere is the error of a service that answered before, in the same look:
// where it is not there any more it is ErrVanished, and not ErrNoService.
func WasThere(err error) error {
	if errors.Is(err, ErrNoService) {
		return fmt.Errorf("%w (%s)", ErrVanished, err)
	}
	return err
}

// ErrClosed is what a closed connection answers.
var ErrClosed = errors.New("the D-Bus connection was closed")

// RemoteError is a service's own refusal. Its text comes from the service: it is
// shortened and has no control characters, and still is nobody's word but its.
type RemoteError struct {
	Name    string // org.freedesktop.DBus.Error.Failed
	Message string
}

func (e *RemoteError) Error() string {
	if e.Message == "" {
		return e.Name
	}
	return e.Name + ": " + e.Message
}

// ReplyError means that a service answered with something else than its
// interface says.
type ReplyError struct {
	Service, Method string
	Want, Got       string // D-Bus types as Go writes them
}

func (e *ReplyError) Error() string {
	return fmt.Sprintf("cannot use the answer of %s to %s: it is %s, not %s", e.Service, e.Method, e.Got, e.Want)
}

// maxText bounds what is kept of a service's error text, in characters.
const maxText = 200

func clean(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n == maxText {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteByte(' ')
		}
		n++
	}
	return strings.TrimSpace(b.String())
}

// callError turns what godbus says of a failed call into our errors.
func callError(ctx context.Context, service, method string, err error) error {
	what := fmt.Sprintf("cannot call %s of %s", method, service)
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("%s: %w", what, ctxErr)
	}
	var invalid dbus.InvalidMessageError
	var format dbus.FormatError
	var kind dbus.InvalidTypeError
	if errors.As(err, &invalid) || errors.As(err, &format) || errors.As(err, &kind) {
		return fmt.Errorf("%s: the call cannot be written: %w", what, err)
	}
	var remote dbus.Error
	if !errors.As(err, &remote) {
		// The connection broke.
		return fmt.Errorf("%s: %w: %w", what, ErrUnavailable, err)
	}
	message := ""
	if len(remote.Body) > 0 {
		message, _ = remote.Body[0].(string)
	}
	refusal := &RemoteError{Name: clean(remote.Name), Message: clean(message)}
	switch remote.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return fmt.Errorf("%s: %w: %w", what, ErrNoService, refusal)
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected":
		return fmt.Errorf("%s: %w (%s)", what, ErrVanished, refusal)
	}
	return fmt.Errorf("%s: %w", what, refusal)
}
