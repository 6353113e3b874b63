package findmy_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/godbus/dbus/v5"
)

// watched is a client whose changes are counted.
type watched struct {
	*findmy.Client
	t    *testing.T
	told chan struct{}
}

func watch(t *testing.T, b *session.SystemBus) *watched {
	t.Helper()
	w := &watched{Client: client(t, b), t: t, told: make(chan struct{}, 10_000)}
	must(t, w.Watch(t.Context(), func() { w.told <- struct{}{} }))
	w.settle()
	return w
}

// settle forgets what was told so far.
func (w *watched) settle() {
	w.t.Helper()
	must(w.t, w.Fence(within(w.t)))
	for len(w.told) > 0 {
		<-w.told
	}
}

func (w *watched) await(what string) {
	w.t.Helper()
	select {
	case <-w.told:
	case <-time.After(limit):
		w.t.Fatalf("nothing was told of: %s", what)
	}
}

func TestComingAndGoingIsTold(t *testing.T) {
	b := systemBus(t, "")
	w := watch(t, b)
	conn := dial(t, b)
	f := startFake(t, conn, "Fake", good("on"))
	w.await("a new implementer")
	w.settle()
	f.changed(t)
	w.await("a change of the new one")
	w.settle()
	_, err := conn.ReleaseName(findmy.Prefix + "Fake")
	must(t, err)
	w.await("one that went")
	w.settle()
	own(t, dial(t, b), "Fake")
	w.await("another owner")
}

func TestSignalsOfOthersAreNotTold(t *testing.T) {
	b := systemBus(t, "")
	w := watch(t, b)
	f := startFake(t, dial(t, b), "Fake", good("on"))
	w.await("a new implementer")
	w.settle()
	liar := dial(t, b)
	for range 50 {
		must(t, liar.Emit(findmy.Path, "org.freedesktop.DBus.Properties.PropertiesChanged",
			findmy.Interface, map[string]dbus.Variant{"State": dbus.MakeVariant("off")}, []string{}))
	}
	_, err := liar.RequestName("org.example.Unrelated", 0)
	must(t, err)
	must(t, w.Fence(within(t)))
	if n := len(w.told); n != 0 {
		t.Errorf("%d changes were told of by somebody who is no implementer", n)
	}
	f.changed(t)
	must(t, w.Fence(within(t)))
	if n := len(w.told); n != 1 {
		t.Errorf("%d changes were told of after one", n)
	}
}

func TestLostBusIsTold(t *testing.T) {
	b := systemBus(t, "")
	w := watch(t, b)
	must(t, b.Stop())
	w.await("the bus went")
	if _, err := w.Look(within(t), nil); err == nil {
		t.Error("a bus that is gone gave a report")
	}
	if err := w.Fence(within(t)); err == nil {
		t.Error("a fence passed without a bus")
	}
	for len(w.told) > 0 {
		<-w.told
	}
	must(t, b.Start(within(t)))
	w.await("the bus came back")
	f := startFake(t, dial(t, b), "Fake", good("on"))
	w.await("a new implementer")
	w.settle()
	f.changed(t)
	w.await("a change")
}

func TestWatchingEndsWithItsContext(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dial(t, b), "Fake", good("on"))
	c := client(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan struct{}, 100), make(chan struct{}, 100)
	must(t, c.Watch(ctx, func() { first <- struct{}{} }))
	must(t, c.Watch(t.Context(), func() { second <- struct{}{} }))
	must(t, c.Fence(within(t)))
	cancel()
	for len(second) > 0 {
		<-second
	}
	f.changed(t)
	select {
	case <-second:
	case <-time.After(limit):
		t.Fatal("the other watching ended too")
	}
	c.Close()
	if err := c.Watch(t.Context(), func() {}); err == nil {
		t.Error("a closed client watches")
	}
}

// An implementer that counts and does not answer holds a fence up; one that
// does not count cannot.
func TestSilentImplementers(t *testing.T) {
	b := systemBus(t, "")
	gate := make(chan struct{})
	defer close(gate)
	hang := func() { <-gate }
	strange := startFake(t, dialAs(t, b, stranger), "Strange", good("on"))
	strange.on(hang, nil)
	c := clientWith(t, findmy.Options{Address: b.Address, Allow: allowMe("Fake"), Timeout: 200 * time.Millisecond})
	must(t, c.Fence(within(t)))
	f := startFake(t, dial(t, b), "Fake", good("off"))
	f.on(hang, nil)
	if err := c.Fence(within(t)); err == nil {
		t.Error("a fence passed an implementer that does not answer")
	}
	wantState(t, c, "Fake", "unknown")
}

// The fence waits for the callback, not only for the signal.
func TestFenceWaitsForASlowCallback(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dial(t, b), "Fake", good("on"))
	c := client(t, b)
	held, gate := make(chan struct{}, 100), make(chan struct{})
	var slow atomic.Bool
	must(t, c.Watch(t.Context(), func() {
		if slow.Load() {
			held <- struct{}{}
			<-gate
		}
	}))
	must(t, c.Fence(within(t)))
	slow.Store(true)
	f.changed(t)
	<-held
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := c.Fence(short); err == nil {
		t.Error("the fence ended before the callback")
	}
	close(gate)
	must(t, c.Fence(within(t)))
}
