package findmy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/godbus/dbus/v5"
)

const (
	maxImplementers = 32
	maxAtOnce       = 8
	maxText         = 256 // bytes of a text property

	// silent begins the Why of an implementer that counts and did not answer.
	silent = "it does not answer: "
)

// Implementer is what one implementer says, and whether that counts.
type Implementer struct {
	Name    string // its bus name
	Present bool   // on the bus, or the bus can start it
	// OwnerUID is whose process it is; only where Owned is true is it a uid.
	OwnerUID uint32
	Owned    bool
	// Counts: what it says may be relied on. One that the bus can start and
	// that cannot be asked counts, as unknown: root put it there.
	Counts      bool
	State       departure.TrackerState
	Why         string // why unknown, or why it does not count
	Provider    string
	Account     string
	ConfirmedBy string // its own claim
	ObservedAt  time.Time
	Simulated   bool
}

// Report is one look at all implementers.
type Report struct {
	Complete     bool // all of them were found and could be judged
	Why          string
	Implementers []Implementer // by name
}

// Find returns the implementer of a name, nil where there is none.
func (r Report) Find(name string) *Implementer {
	for i := range r.Implementers {
		if r.Implementers[i].Name == name {
			return &r.Implementers[i]
		}
	}
	return nil
}

// Met are the names that counted in this look, those remembered included: what
// the next Look is to be given.
func (r Report) Met() []string {
	var names []string
	for _, i := range r.Implementers {
		if i.Counts {
			names = append(names, i.Name)
		}
	}
	return names
}

// Look asks every implementer that counts. Met are names that counted before:
// one that is gone, or runs as somebody else now, is unknown. An error means
// that the bus could not be asked at all.
func (c *Client) Look(ctx context.Context, met []string) (Report, error) {
	names, activatable, err := c.names(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("cannot ask for Find My Device: %w", err)
	}
	report := Report{Complete: true}
	allowed, err := c.opts.Allow()
	if err != nil {
		report.Complete, report.Why = false, err.Error()
	}
	if len(names) > maxImplementers {
		report.Complete, report.Why = false, fmt.Sprintf("%d services say that they are Find My Device", len(names))
		names = names[:maxImplementers]
	}
	for _, name := range met {
		if !slices.Contains(names, name) && validName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	_ = c.follow(ctx, names) // the fence after this look tries again, and fails if it must
	report.Implementers = make([]Implementer, len(names))
	slots := make(chan struct{}, maxAtOnce)
	var asking sync.WaitGroup
	for i, name := range names {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			one := c.ask(ctx, name, slices.Contains(activatable, name), allowed)
			report.Implementers[i] = remembered(one, slices.Contains(met, name))
		})
	}
	asking.Wait()
	report.Implementers = slices.DeleteFunc(report.Implementers, func(i Implementer) bool { return !i.Present && !i.Counts })
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("cannot ask for Find My Device: %w", err)
	}
	return report, nil
}

// remembered judges an implementer by the memory of it: once it counted, it
// cannot make itself not count.
func remembered(i Implementer, met bool) Implementer {
	if !met || i.Counts {
		return i
	}
	i.Counts, i.State = true, departure.TrackerUnknown
	if !i.Present {
		i.Why = "it was there and is gone"
	}
	return i
}

// names lists the implementers' names, those among them that can be started too.
func (c *Client) names(ctx context.Context) (all, activatable []string, err error) {
	present, err := c.bus.Names(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	activatable, err = c.bus.Names(ctx, true)
	if err != nil {
		return nil, nil, err
	}
	ours := func(list []string) []string {
		return slices.DeleteFunc(list, func(n string) bool { return !validName(n) })
	}
	present, activatable = ours(present), ours(activatable)
	all = append(slices.Clone(present), activatable...)
	slices.Sort(all)
	return slices.Compact(all), activatable, nil
}

// ask asks one implementer. Where its owner changes meanwhile it asks again,
// once.
func (c *Client) ask(ctx context.Context, name string, activatable bool, allowed []Allowed) Implementer {
	var i Implementer
	for range 2 {
		var settled bool
		if i, settled = c.askOnce(ctx, name, activatable, allowed); settled {
			return i
		}
	}
	i.State, i.Why = departure.TrackerUnknown, "its owner on the bus keeps changing"
	return i
}

func (c *Client) askOnce(ctx context.Context, name string, activatable bool, allowed []Allowed) (i Implementer, settled bool) {
	i = Implementer{Name: name, Present: activatable, Counts: activatable, State: departure.TrackerUnknown}
	unique, uid, err := c.owner(ctx, name, activatable)
	if errors.Is(err, bus.ErrNoService) && !activatable {
		i.Why = "it is not there"
		return i, true
	}
	i.Present = true
	if err != nil {
		i.Counts, i.Why = true, "its owner cannot be told: "+err.Error()
		return i, true
	}
	i.OwnerUID, i.Owned = uid, true
	i.Counts = uid == 0 || slices.Contains(allowed, Allowed{name, uid})
	if !i.Counts {
		i.Why = fmt.Sprintf("it runs as uid %d, which this device does not rely on", uid)
		return i, true
	}
	var values map[string]dbus.Variant
	m := bus.Method{Service: unique, Path: Path, Name: "org.freedesktop.DBus.Properties.GetAll", NoStart: true}
	err = c.bus.Call(ctx, m, []any{Interface}, &values)
	if again, uidAgain, ownErr := c.owner(ctx, name, false); ownErr != nil || again != unique || uidAgain != uid {
		return i, false
	}
	if err != nil {
		i.Why = silent + err.Error()
		return i, true
	}
	i.read(values)
	return i, true
}

// owner returns who owns a name: the unique name, and the uid behind that very
// one. A name that nobody owns is bus.ErrNoService.
func (c *Client) owner(ctx context.Context, name string, start bool) (unique string, uid uint32, err error) {
	unique, ok, err := c.bus.Owner(ctx, name)
	if err == nil && !ok && start {
		var code uint32 // 1 started, 2 was running: all the same
		m := bus.Method{Service: "org.freedesktop.DBus", Path: "/org/freedesktop/DBus", Name: "org.freedesktop.DBus.StartServiceByName"}
		if err = c.bus.Call(ctx, m, []any{name, uint32(0)}, &code); err == nil {
			unique, ok, err = c.bus.Owner(ctx, name)
		}
	}
	if err != nil {
		return "", 0, err
	}
	if !ok {
		return "", 0, bus.ErrNoService
	}
	uid, ok, err = c.bus.OwnerUID(ctx, unique)
	if err != nil {
		return "", 0, err
	}
	if !ok {
		return "", 0, bus.ErrNoService
	}
	return unique, uid, nil
}

// read takes the properties; any that is missing or not as wire.go has it makes
// the state unknown.
func (i *Implementer) read(values map[string]dbus.Variant) {
	var state string
	var observed int64
	var bad []string
	text := func(name string, to *string) {
		s, ok := values[name].Value().(string)
		if !ok || len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			bad = append(bad, name)
			return
		}
		*to = s
	}
	text("State", &state)
	text("Provider", &i.Provider)
	text("Account", &i.Account)
	text("ConfirmedBy", &i.ConfirmedBy)
	var ok bool
	if observed, ok = values["ObservedAt"].Value().(int64); !ok || observed < 0 {
		bad = append(bad, "ObservedAt")
	} else if observed > 0 {
		i.ObservedAt = time.Unix(observed, 0).UTC()
	}
	if i.Simulated, ok = values["Simulated"].Value().(bool); !ok {
		bad = append(bad, "Simulated")
	}
	nobody := i.Provider == "" && i.Account == ""
	switch {
	case len(bad) > 0:
		i.Why = "it does not keep to the interface: " + strings.Join(bad, ", ")
	case state == string(departure.TrackerOff) && (nobody || i.Provider != "" && i.Account != ""):
		i.State = departure.TrackerOff
	case i.Provider == "" || i.Account == "":
		i.Why = "it does not say for which account"
	case state == string(departure.TrackerOn):
		i.State = departure.TrackerOn
	default:
		i.Why = "it says that it does not know"
	}
}
