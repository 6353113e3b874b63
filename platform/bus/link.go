package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// busName is the bus's own name, which nobody else can send under.
const busName = "org.freedesktop.DBus"

// link is one connection to the bus, from sign-in to break. It sorts the
// signals on the goroutine that reads them, so that their order holds.
type link struct {
	parent *Conn
	wire   *wire

	mu     sync.Mutex
	closed bool
	active map[*Subscription]bool // whose rules are in force
	names  map[string]*name       // well-known senders that are followed
}

// name follows who owns a well-known name.
type name struct {
	owner string
	heard bool // an owner was heard of, so what was asked for is older
	uses  int
}

func newLink(c *Conn) *link {
	return &link{parent: c, active: map[*Subscription]bool{}, names: map[string]*name{}}
}

func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wire.cut()
}

// adjust brings the rules at the bus in line with the subscriptions, and tells
// those whose rules have come into force.
func (l *link) adjust() error {
	c := l.parent
	c.mu.Lock()
	wanted := append([]*Subscription(nil), c.subs...)
	c.mu.Unlock()
	if err := l.drop(wanted); err != nil {
		return err
	}
	var fresh []*Subscription
	for _, sub := range wanted {
		l.mu.Lock()
		active := l.active[sub]
		l.mu.Unlock()
		if active {
			continue
		}
		if err := l.enforce(sub); err != nil {
			return err
		}
		fresh = append(fresh, sub)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Held while Up is queued, so that no signal comes before it.
	l.mu.Lock()
	defer l.mu.Unlock()
	c.link, c.err = l, nil
	for _, sub := range fresh {
		l.active[sub], sub.down = true, false
	}
	if len(fresh) > 0 {
		c.queue.state(Event{Kind: Up}, fresh)
	}
	return nil
}

// drop takes the rules of ended subscriptions back.
func (l *link) drop(wanted []*Subscription) error {
	keep := map[*Subscription]bool{}
	for _, sub := range wanted {
		keep[sub] = true
	}
	var ended []*Subscription
	l.mu.Lock()
	for sub := range l.active {
		if !keep[sub] {
			ended = append(ended, sub)
			delete(l.active, sub)
		}
	}
	l.mu.Unlock()
	for _, sub := range ended {
		for _, rule := range sub.rules {
			if err := l.call("RemoveMatch", rule.text()); err != nil {
				return err
			}
			if err := l.unfollow(rule.Sender); err != nil {
				return err
			}
		}
	}
	return nil
}

// enforce puts a subscription's rules in force.
func (l *link) enforce(sub *Subscription) error {
	for _, rule := range sub.rules {
		if err := l.follow(rule.Sender); err != nil {
			return err
		}
		if err := l.call("AddMatch", rule.text()); err != nil {
			return err
		}
	}
	return nil
}

func ownerRule(wellKnown string) Rule {
	return Rule{Sender: busName, Interface: busName, Member: "NameOwnerChanged", Path: "/org/freedesktop/DBus", Arg0: wellKnown}
}

// follow learns who owns a well-known name, and hears of each change.
func (l *link) follow(sender string) error {
	if sender == busName || strings.HasPrefix(sender, ":") {
		return nil
	}
	l.mu.Lock()
	known := l.names[sender]
	if known == nil {
		known = &name{}
		l.names[sender] = known
	}
	known.uses++
	first := known.uses == 1
	l.mu.Unlock()
	if !first {
		return nil
	}
	if err := l.call("AddMatch", ownerRule(sender).text()); err != nil {
		return err
	}
	var owner string
	err := l.ask("GetNameOwner", []any{sender}, &owner)
	if err != nil && !errors.Is(err, ErrNoService) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !known.heard {
		known.owner = owner
	}
	return nil
}

func (l *link) unfollow(sender string) error {
	l.mu.Lock()
	known := l.names[sender]
	last := false
	if known != nil {
		known.uses--
		if last = known.uses == 0; last {
			delete(l.names, sender)
		}
	}
	l.mu.Unlock()
	if !last {
		return nil
	}
	return l.call("RemoveMatch", ownerRule(sender).text())
}

func (l *link) call(member string, args ...any) error { return l.ask(member, args) }

// ask calls the bus itself.
func (l *link) ask(member string, args []any, out ...any) error {
	ctx, cancel := context.WithTimeout(l.parent.ctx, l.parent.opts.Timeout)
	defer cancel()
	if err := invoke(ctx, l.parent.slots, l.wire.Conn, Method{Service: busName, Path: "/org/freedesktop/DBus", Name: busName + "." + member}, args, out); err != nil {
		return fmt.Errorf("cannot set up what the bus tells: %w", err)
	}
	return nil
}

// DeliverSignal is called by godbus for each signal, in the order of arrival.
func (l *link) DeliverSignal(iface, member string, signal *dbus.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if signal.Sender == busName && iface == busName && member == "NameOwnerChanged" {
		l.ownerChanged(signal)
	}
	var to []*Subscription
	for sub := range l.active {
		for _, rule := range sub.rules {
			if rule.matches(signal, l.ownerOf(rule.Sender)) {
				to = append(to, sub)
				break
			}
		}
	}
	if len(to) > 0 {
		l.parent.queue.signal(Event{Kind: Signal, Signal: signal}, to)
	}
}

// ownerOf returns the unique name behind a rule's sender, empty for nobody.
func (l *link) ownerOf(sender string) string {
	if known := l.names[sender]; known != nil {
		return known.owner
	}
	if sender == busName || strings.HasPrefix(sender, ":") {
		return sender
	}
	return ""
}

func (l *link) ownerChanged(signal *dbus.Signal) {
	var wellKnown, old, owner string
	if err := store(busName, "NameOwnerChanged", signal.Body, []any{&wellKnown, &old, &owner}); err != nil {
		return // The bus cannot send this; whoever did is not the bus.
	}
	known := l.names[wellKnown]
	if known == nil {
		return
	}
	known.owner, known.heard = owner, true
	var to []*Subscription
	for sub := range l.active {
		for _, rule := range sub.rules {
			if rule.Sender == wellKnown {
				to = append(to, sub)
				break
			}
		}
	}
	if len(to) > 0 {
		l.parent.queue.signal(Event{Kind: Owner, Name: wellKnown, Unique: owner}, to)
	}
}
