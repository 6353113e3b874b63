package eds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/platform/bus"
)

var (
	// ErrUnavailable: the service is not installed, crashed, was restarted,
	// or did not answer in time. Nothing is known about the items.
	ErrUnavailable = errors.New("evolution-data-server did not answer")
	// ErrNotInstalled comes with ErrUnavailable where the bus has no such service.
	ErrNotInstalled = errors.New("not installed")
	// ErrGone: the source does not exist, or was removed.
	ErrGone = errors.New("the source is gone")
	// ErrNotFound: the store has no such item.
	ErrNotFound = errors.New("no such item")
	// ErrExists: the store has an item with this UID already.
	ErrExists = errors.New("an item with this id exists already")
	// ErrReply: the answer has another type or shape than the interface says.
	ErrReply = errors.New("unexpected answer")
	// ErrTooLarge: an item, a list or a file is beyond its limit.
	ErrTooLarge = errors.New("beyond the limit")
	// ErrUnsettled: the store kept changing while it was listed.
	ErrUnsettled = errors.New("the store keeps changing")
	// ErrRefused: EDS answered with an error of its own.
	ErrRefused = errors.New("refused")
)

// failed turns an error of a call into one of the kinds above; a cancelled or
// expired context of the caller comes through as itself.
func failed(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("cannot %s: %w", doing, context.Cause(ctx))
	}
	var remote *bus.RemoteError
	var reply *bus.ReplyError
	switch {
	case errors.As(err, &remote):
		return fmt.Errorf("cannot %s: %w: %s", doing, kindOf(remote.Name), remote.Message)
	case errors.As(err, &reply):
		return fmt.Errorf("cannot %s: %w: %w", doing, ErrReply, err)
	case errors.Is(err, ErrReply), errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnsettled):
		return fmt.Errorf("cannot %s: %w", doing, err)
	default:
		// no bus, no such service, the deadline of the call itself
		return fmt.Errorf("cannot %s: %w: %w", doing, ErrUnavailable, err)
	}
}

func wrongType(what string, got, want any) error {
	return fmt.Errorf("%w: %T for %T in %s", ErrReply, got, want, what)
}

// kindOf an error's name. EDS's own errors come as GLib's unmapped ones,
// org.gtk.GDBus.UnmappedGError.Quark._<quark>.Code<n>, with the codes of
// EBookClientError, ECalClientError and EClientError (libebook, libecal,
// libedataserver) and of GIOErrorEnum.
func kindOf(name string) error {
	if short, ok := strings.CutPrefix(name, "org.freedesktop.DBus.Error."); ok {
		switch short {
		case "AccessDenied", "AuthFailed", "InvalidArgs", "InvalidSignature", "LimitsExceeded", "NotSupported", "PropertyReadOnly":
			return ErrRefused
		case "UnknownProperty":
			return ErrReply
		}
		// NoReply, ServiceUnknown, NameHasNoOwner, Disconnected, Spawn.*, and
		// UnknownObject or UnknownMethod of a restarted factory that does not
		// know the handle
		return ErrUnavailable
	}
	switch strings.TrimPrefix(name, "org.gtk.GDBus.UnmappedGError.Quark._") {
	case "e_2dbook_2dclient_2derror_2dquark.Code1", "e_2dcal_2dclient_2derror_2dquark.Code1":
		return ErrNotFound
	case "e_2dbook_2dclient_2derror_2dquark.Code2", "e_2dcal_2dclient_2derror_2dquark.Code4":
		return ErrExists
	case "g_2dio_2derror_2dquark.Code1", // factory: no such source
		"e_2dbook_2dclient_2derror_2dquark.Code3", "e_2dcal_2dclient_2derror_2dquark.Code0":
		return ErrGone
	}
	return ErrRefused
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
