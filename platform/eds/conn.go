package eds

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

const (
	dotted   = "org.gnome.evolution.dataserver."
	slashed  = "/org/gnome/evolution/dataserver/"
	propsAll = "org.freedesktop.DBus.Properties.GetAll"
	omFace   = "org.freedesktop.DBus.ObjectManager"
)

// target is an object of a service.
type target struct {
	dest string
	path dbus.ObjectPath
}

// call calls a method of an object with a deadline of its own.
func (c *Client) call(ctx context.Context, limit time.Duration, at target, method string, args []any, out ...any) error {
	return c.conn.Call(ctx, bus.Method{Service: at.dest, Path: at.path, Name: method, Timeout: limit}, args, out...)
}

// hear subscribes and waits until the rules are in force.
func (c *Client) hear(ctx context.Context, f func(bus.Event), rules ...bus.Rule) (*bus.Subscription, error) {
	up := make(chan struct{}, 1)
	sub, err := c.conn.Subscribe(func(e bus.Event) {
		if e.Kind == bus.Up || e.Kind == bus.Down {
			select {
			case up <- struct{}{}:
			default:
			}
		}
		f(e)
	}, rules...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	select {
	case <-up:
		return sub, nil
	case <-ctx.Done():
		sub.Close()
		return nil, ctx.Err()
	}
}

// only returns the single value of a signal as T.
func only[T any](sig *dbus.Signal, i int) (T, bool) {
	var zero T
	if i >= len(sig.Body) {
		return zero, false
	}
	v, ok := sig.Body[i].(T)
	return v, ok
}

// prop returns a property as T, the zero value where it is missing.
func prop[T any](props map[string]dbus.Variant, name string) (T, error) {
	var zero T
	v, ok := props[name]
	if !ok {
		return zero, nil
	}
	t, ok := v.Value().(T)
	if !ok {
		return zero, wrongType(name, v.Value(), zero)
	}
	return t, nil
}
