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

// ErrNoService means that nobody on the bus answers to a name, or that who did
// went away during the call.
var ErrNoService = errors.New("the D-Bus service is not there")

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
	case "org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.NoReply",
		"org.freedesktop.DBus.Error.Disconnected":
		return fmt.Errorf("%s: %w: %w", what, ErrNoService, refusal)
	}
	return fmt.Errorf("%s: %w", what, refusal)
}
