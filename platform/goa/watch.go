package goa

import (
	"context"
	"fmt"
	"path"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

// Change is what an Event says.
type Change string

// The changes.
const (
	Added   Change = "added"
	Changed Change = "changed"
	Removed Change = "removed"
	// Rescan: something may have changed unheard (the watch began, GOA was
	// started anew, signals were dropped or made no sense): list again.
	Rescan Change = "rescan"
	// Lost: the bus is gone, and nothing is heard until the next Rescan.
	Lost Change = "lost"
)

// Event is a change of GOA's accounts.
type Event struct {
	Change Change
	// ID is the account's for Added, Changed and Removed. What was added is a
	// claim until it was listed.
	ID string
	// Why is set for Lost, and for a Rescan after a signal that made no sense.
	Why error
}

const (
	objectManagerIface = "org.freedesktop.DBus.ObjectManager"
	propertiesIface    = "org.freedesktop.DBus.Properties"
	accountsPath       = rootPath + "/Accounts"
)

// Watch calls hear for each change, one at a time and in order, until the
// subscription that it returns is closed. The first event is Rescan or Lost.
func (c *Client) Watch(hear func(Event)) (*bus.Subscription, error) {
	sub, err := c.bus.Subscribe(func(e bus.Event) { translate(e, hear) },
		bus.Rule{Sender: Service, Interface: objectManagerIface, Under: rootPath},
		bus.Rule{Sender: Service, Interface: propertiesIface, Member: "PropertiesChanged", Under: accountsPath})
	if err != nil {
		return nil, fmt.Errorf("cannot watch the online accounts: %w", err)
	}
	return sub, nil
}

// Fence returns once every change that GOA made before the call has been heard
// by the watchers. GOA collects changes of properties and sends them from its
// main loop, so the round trip goes through that loop and not through a ping.
func (c *Client) Fence(ctx context.Context) error {
	if _, err := c.managed(ctx); err != nil {
		return err
	}
	return c.bus.Drain(ctx)
}

func translate(e bus.Event, hear func(Event)) {
	switch e.Kind {
	case bus.Down:
		hear(Event{Change: Lost, Why: e.Err})
	case bus.Signal:
		if event, ok := readSignal(e.Signal); ok {
			hear(event)
		}
	default:
		hear(Event{Change: Rescan})
	}
}

// readSignal makes an event of one of GOA's signals; ok is false for one that
// is about no account.
func readSignal(s *dbus.Signal) (Event, bool) {
	object, interfaces, ok := subject(s)
	if !ok {
		return Event{Change: Rescan, Why: fmt.Errorf("cannot use a signal of GOA: %s is not as its interface has it", s.Name)}, true
	}
	id := path.Base(string(object))
	if path.Dir(string(object)) != string(accountsPath) {
		return Event{}, false
	}
	has := false
	for _, name := range interfaces {
		has = has || name == accountIface
	}
	switch {
	case s.Name == propertiesIface+".PropertiesChanged", !has:
		// A service switched on or off is a change of its account.
		return Event{Change: Changed, ID: id}, true
	case s.Name == objectManagerIface+".InterfacesAdded":
		return Event{Change: Added, ID: id}, true
	}
	return Event{Change: Removed, ID: id}, true
}

// subject returns the object that a signal is about and the interfaces that it
// names.
func subject(s *dbus.Signal) (object dbus.ObjectPath, interfaces []string, ok bool) {
	switch s.Name {
	case propertiesIface + ".PropertiesChanged":
		return s.Path, nil, true
	case objectManagerIface + ".InterfacesAdded":
		if len(s.Body) != 2 {
			return "", nil, false
		}
		object, isPath := s.Body[0].(dbus.ObjectPath)
		added, isMap := s.Body[1].(map[string]map[string]dbus.Variant)
		for name := range added {
			interfaces = append(interfaces, name)
		}
		return object, interfaces, isPath && isMap
	case objectManagerIface + ".InterfacesRemoved":
		if len(s.Body) != 2 {
			return "", nil, false
		}
		object, isPath := s.Body[0].(dbus.ObjectPath)
		interfaces, isList := s.Body[1].([]string)
		return object, interfaces, isPath && isList
	}
	return "", nil, false
}
