package findmy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/godbus/dbus/v5"
)

const properties = "org.freedesktop.DBus.Properties"

// Watch calls changed, in order and from one goroutine, whenever an implementer
// may have changed: it appeared, went, has another owner, changed a property, or
// the bus was lost or came back. It returns once the watching began; the
// watching ends with ctx.
func (c *Client) Watch(ctx context.Context, changed func()) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return fmt.Errorf("cannot watch Find My Device: %w", bus.ErrClosed)
	}
	c.serial++
	id := c.serial
	c.watchers[id] = changed
	c.mu.Unlock()
	context.AfterFunc(ctx, func() { c.unwatch(id) })
	if err := c.followNames(ctx); err != nil {
		c.unwatch(id)
		return fmt.Errorf("cannot watch Find My Device: %w", err)
	}
	// While the bus is away nothing can be followed; its return is told of.
	if names, _, err := c.names(ctx); err == nil {
		if err := c.follow(ctx, names); err != nil {
			c.unwatch(id)
			return fmt.Errorf("cannot watch Find My Device: %w", err)
		}
	}
	return ctx.Err()
}

// unwatch ends one watching; after the last one nothing wakes us any more.
func (c *Client) unwatch(id int) {
	c.adjusting.Lock()
	defer c.adjusting.Unlock()
	c.mu.Lock()
	delete(c.watchers, id)
	var ended []*bus.Subscription
	if len(c.watchers) == 0 {
		for name, sub := range c.subs {
			ended = append(ended, sub)
			delete(c.subs, name)
		}
		if c.base != nil {
			ended = append(ended, c.base)
			c.base = nil
		}
	}
	c.mu.Unlock()
	for _, sub := range ended {
		sub.Close()
	}
}

func (c *Client) notify() {
	c.mu.Lock()
	var told []func()
	for id := 1; id <= c.serial; id++ {
		if f := c.watchers[id]; f != nil {
			told = append(told, f)
		}
	}
	c.mu.Unlock()
	for _, f := range told {
		f()
	}
}

// followNames hears of names that come and go.
func (c *Client) followNames(ctx context.Context) error {
	c.adjusting.Lock()
	defer c.adjusting.Unlock()
	if c.base != nil {
		return nil
	}
	rule := bus.Rule{
		Sender: "org.freedesktop.DBus", Path: "/org/freedesktop/DBus", Interface: "org.freedesktop.DBus", Member: "NameOwnerChanged",
	}
	sub, err := c.subscribe(ctx, rule, func(e bus.Event) {
		if e.Kind != bus.Signal {
			c.notify()
			return
		}
		if name, ok := changedName(e.Signal); ok {
			c.notify()
			c.followSoon(name)
		}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base = sub
	return err
}

func changedName(s *dbus.Signal) (string, bool) {
	if len(s.Body) == 0 {
		return "", false
	}
	name, ok := s.Body[0].(string)
	return name, ok && strings.HasPrefix(name, Prefix) && validName(name)
}

// followSoon follows a new name without holding up the delivery of events.
func (c *Client) followSoon(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.subs[name] != nil {
		return
	}
	c.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.opts.Timeout)
		defer cancel()
		_ = c.follow(ctx, []string{name}) // a fence tries again, and fails if it must
	})
}

// follow hears of the changes of some names and returns once that is in force:
// what is read afterwards cannot change unheard. Without watchers it does
// nothing. A name that is new to those who watch is told of. An error means that
// some name is not heard of; it is tried again by the next look and by Fence.
func (c *Client) follow(ctx context.Context, names []string) error {
	c.adjusting.Lock()
	defer c.adjusting.Unlock()
	var failed error
	for _, name := range names {
		c.mu.Lock()
		skip := len(c.watchers) == 0 || c.subs[name] != nil || c.closed || len(c.subs) >= 2*maxImplementers
		c.mu.Unlock()
		if skip {
			continue
		}
		rule := bus.Rule{Sender: name, Path: Path, Interface: properties, Member: "PropertiesChanged", Arg0: Interface}
		sub, err := c.subscribe(ctx, rule, func(bus.Event) { c.notify() })
		if err != nil {
			failed = fmt.Errorf("cannot hear of changes of %s: %w", name, err)
			continue
		}
		c.mu.Lock()
		c.subs[name] = sub
		c.mu.Unlock()
	}
	return failed
}

// subscribe waits until the rule is in force or the bus is down.
func (c *Client) subscribe(ctx context.Context, rule bus.Rule, hear func(bus.Event)) (*bus.Subscription, error) {
	begun := make(chan struct{}, 1)
	sub, err := c.bus.Subscribe(func(e bus.Event) {
		select {
		case begun <- struct{}{}:
		default:
		}
		hear(e)
	}, rule)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	select {
	case <-begun:
		return sub, nil
	case <-ctx.Done():
		sub.Close()
		return nil, ctx.Err()
	}
}

// Fence returns nil once every change that an implementer had told of before
// the call has reached Watch's callback: a round trip to each that counts, on
// the connection that carries its signals. An error means that this is not
// known.
func (c *Client) Fence(ctx context.Context) error {
	if err := c.fence(ctx); err != nil {
		return fmt.Errorf("cannot be sure to have seen every change of Find My Device: %w", err)
	}
	return nil
}

func (c *Client) fence(ctx context.Context) error {
	names, _, err := c.names(ctx)
	if err != nil {
		return err
	}
	if err := c.follow(ctx, names); err != nil {
		return err
	}
	allowed, err := c.opts.Allow()
	if err != nil {
		return err
	}
	for _, name := range names[:min(len(names), maxImplementers)] {
		i := c.ask(ctx, name, false, allowed)
		if i.Owned && i.Counts && ctx.Err() != nil {
			return ctx.Err()
		}
		if i.Owned && i.Counts && strings.HasPrefix(i.Why, silent) {
			return errors.New(name + ": " + i.Why)
		}
	}
	return c.bus.Drain(ctx)
}
