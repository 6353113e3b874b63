package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// dial connects to the first part of an address that answers, authenticates
// and says hello, all within the context's deadline. The connection takes no
// file descriptors: the transport has no way to receive them.
func dial(ctx context.Context, address string, handler dbus.SignalHandler) (*wire, error) {
	sockets, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, socket := range sockets {
		w, err := dialOne(ctx, socket, handler)
		if err == nil {
			return w, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// wire is a connection and the socket below it.
type wire struct {
	*dbus.Conn
	raw net.Conn
}

// cut ends the connection. godbus waits for a call that is being written
// before it closes the socket, so writing is broken off first.
func (w *wire) cut() {
	// Both fail only where the socket is closed already.
	_ = w.raw.SetDeadline(time.Unix(1, 0))
	_ = w.Close()
}

func dialOne(ctx context.Context, socket string, handler dbus.SignalHandler) (*wire, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the bus: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot connect to the bus: %w", err), raw.Close())
	}
	conn, err := dbus.NewConn(raw, dbus.WithSignalHandler(handler))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot connect to the bus: %w", err), raw.Close())
	}
	stop := context.AfterFunc(ctx, func() {
		// What it breaks off reports the failure.
		_ = raw.SetDeadline(time.Unix(1, 0))
	})
	err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))})
	if err == nil {
		err = conn.Hello()
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	w := &wire{Conn: conn, raw: raw}
	if err != nil {
		w.cut()
		return nil, fmt.Errorf("cannot sign in to the bus: %w", err)
	}
	return w, nil
}

// parseAddress reads the unix parts of a D-Bus address ("unix:path=/run/…"),
// which are the only ones on a device.
func parseAddress(address string) ([]string, error) {
	var sockets []string
	for _, part := range strings.Split(address, ";") {
		transport, keys, ok := strings.Cut(part, ":")
		if !ok || transport != "unix" {
			continue
		}
		for _, pair := range strings.Split(keys, ",") {
			key, value, _ := strings.Cut(pair, "=")
			value, err := dbus.UnescapeBusAddressValue(value)
			if err != nil {
				return nil, fmt.Errorf("cannot read the bus address %q: %w", address, err)
			}
			switch key {
			case "path":
				sockets = append(sockets, value)
			case "abstract":
				sockets = append(sockets, "@"+value)
			}
		}
	}
	if len(sockets) == 0 {
		return nil, fmt.Errorf("cannot read the bus address %q: it names no unix socket", address)
	}
	return sockets, nil
}
