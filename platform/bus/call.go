package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Method names a method of an object of a service.
type Method struct {
	Service string
	Path    dbus.ObjectPath
	Name    string // with its interface: org.freedesktop.DBus.Peer.Ping
	// NoStart keeps the bus from starting the service for this call.
	NoStart bool
	// Timeout bounds this call. Zero: the connection's.
	Timeout time.Duration
}

// Call calls a method and stores its answer in out, which must be pointers to
// exactly the types that the interface names. Errors are ErrUnavailable,
// ErrNoService, ErrVanished, *RemoteError, *ReplyError and those of the context; a call that
// takes too long is context.DeadlineExceeded.
func (c *Conn) Call(ctx context.Context, m Method, args []any, out ...any) error {
	conn, err := c.live()
	if err != nil {
		return fmt.Errorf("cannot call %s of %s: %w", m.Name, m.Service, err)
	}
	timeout := m.Timeout
	if timeout <= 0 {
		timeout = c.opts.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = invoke(ctx, c.slots, conn, m, args, out)
	if errors.Is(err, ErrNoService) && m.Service != busName {
		return c.absent(ctx, m, err)
	}
	return err
}

// absent asks the bus whether a name that is said to be nobody's is so. Any
// service can answer with the bus's own errors; and who had a unique name was
// there when it was learnt.
func (c *Conn) absent(ctx context.Context, m Method, said error) error {
	there := strings.HasPrefix(m.Service, ":")
	if !there {
		var err error
		if _, there, err = c.Owner(ctx, m.Service); err != nil {
			return err
		}
	}
	if there {
		return fmt.Errorf("cannot call %s of %s: %w", m.Name, m.Service, ErrVanished)
	}
	return said
}

func invoke(ctx context.Context, slots chan struct{}, conn *dbus.Conn, m Method, args, out []any) error {
	if !validName(m.Service) || !m.Path.IsValid() {
		return fmt.Errorf("cannot call %s of %q at %q: not a bus name and an object path", m.Name, m.Service, m.Path)
	}
	var flags dbus.Flags
	if m.NoStart {
		flags |= dbus.FlagNoAutoStart
	}
	// godbus blocks, whatever the context says, while it writes to a bus that
	// does not read.
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("cannot call %s of %s: the bus takes no calls: %w", m.Name, m.Service, ctx.Err())
	}
	done := make(chan *dbus.Call, 1)
	go func() {
		defer func() { <-slots }()
		conn.Object(m.Service, m.Path).GoWithContext(ctx, m.Name, flags, done, args...)
	}()
	var call *dbus.Call
	select {
	case call = <-done:
	case <-ctx.Done():
		return fmt.Errorf("cannot call %s of %s: %w", m.Name, m.Service, ctx.Err())
	}
	if call.Err != nil {
		return callError(ctx, m.Service, m.Name, call.Err)
	}
	if len(out) == 0 {
		return nil
	}
	return store(m.Service, m.Name, call.Body, out)
}

// Property reads a property into out, a pointer to exactly its type.
func (c *Conn) Property(ctx context.Context, service string, path dbus.ObjectPath, iface, name string, out any) error {
	var value dbus.Variant
	m := Method{Service: service, Path: path, Name: "org.freedesktop.DBus.Properties.Get"}
	if err := c.Call(ctx, m, []any{iface, name}, &value); err != nil {
		return err
	}
	return store(service, iface+"."+name, []any{value.Value()}, []any{out})
}

// Owner returns the unique name behind a name. ok is false where nobody owns
// it; no service is started for it.
func (c *Conn) Owner(ctx context.Context, service string) (unique string, ok bool, err error) {
	err = c.askOwner(ctx, "GetNameOwner", service, &unique)
	if errors.Is(err, ErrNoService) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return unique, true, nil
}

// OwnerUID returns the user behind a name, as the bus itself knows it. Only
// where ok is true is uid one: 0 is root. Nobody owning the name is no error.
func (c *Conn) OwnerUID(ctx context.Context, service string) (uid uint32, ok bool, err error) {
	err = c.askOwner(ctx, "GetConnectionUnixUser", service, &uid)
	if errors.Is(err, ErrNoService) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return uid, true, nil
}

func (c *Conn) askOwner(ctx context.Context, member, service string, out any) error {
	if !validName(service) {
		return fmt.Errorf("cannot ask for the owner of %q: not a bus name", service)
	}
	return c.Call(ctx, busMethod(member), []any{service}, out)
}

// Names lists the names on the bus, or those that it could start a service for.
func (c *Conn) Names(ctx context.Context, activatable bool) ([]string, error) {
	member := "ListNames"
	if activatable {
		member = "ListActivatableNames"
	}
	var names []string
	err := c.Call(ctx, busMethod(member), nil, &names)
	return names, err
}

func busMethod(member string) Method {
	return Method{Service: busName, Path: "/org/freedesktop/DBus", Name: busName + "." + member}
}

// Fence returns once every signal that the service sent before the call has
// been given to the subscribers. It is one round trip to the service on the
// connection that carries its signals. A service that is not there is
// ErrNoService; it is not started.
//
// A service that collects its changes and sends them later answers a ping
// first: use a call that it answers from where it sends its signals, and then
// Drain.
func (c *Conn) Fence(ctx context.Context, service string) error {
	m := Method{Service: service, Path: "/", Name: "org.freedesktop.DBus.Peer.Ping", NoStart: true}
	var refused *RemoteError
	err := c.Call(ctx, m, nil)
	// A service that refuses to be pinged has answered too, and of one that
	// vanished the bus says so after its last signal.
	if err != nil && !errors.Is(err, ErrVanished) && (errors.Is(err, ErrNoService) || !errors.As(err, &refused)) {
		return err
	}
	return c.Drain(ctx)
}

// Drain returns once everything heard before the call has been given to the
// subscribers.
func (c *Conn) Drain(ctx context.Context) error {
	if _, err := c.live(); err != nil {
		return fmt.Errorf("cannot wait for the bus's signals: %w", err)
	}
	mark, ok := c.queue.mark()
	if !ok {
		return ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	select {
	case <-mark:
		return nil
	case <-c.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the bus's signals: %w", ctx.Err())
	}
}
