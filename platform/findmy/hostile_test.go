package findmy_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/godbus/dbus/v5"
)

// crowd owns n names that begin with prefix; a connection of a system bus may
// own 512.
func crowd(t *testing.T, b *session.SystemBus, prefix string, n int) {
	t.Helper()
	var conn *dbus.Conn
	for i := range n {
		if i%500 == 0 {
			conn = dial(t, b)
		}
		if got, err := conn.RequestName(fmt.Sprint(prefix, i), dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
			t.Fatalf("name %d: %v, %v", i, got, err)
		}
	}
}

// TestTenThousandNames: names of others change nothing; as many that say that
// they are Find My Device make the answer incomplete, in bounded time.
func TestTenThousandNames(t *testing.T) {
	b := systemBus(t, "")
	crowd(t, b, "org.example.Unrelated.N", 10_000)
	f := startFake(t, dial(t, b), "Fake", good("off"))
	c := client(t, b)
	wantState(t, c, "Fake", departure.TrackerOff)
	must(t, c.Fence(within(t)))
	crowd(t, b, findmy.Prefix+"N", 5_000)
	began, reads := time.Now(), f.reads.Load()
	ts, err := c.State(within(t), account, []string{findmy.Prefix + "Fake"})
	must(t, err)
	if ts.Complete || ts.Why.Text == "" {
		t.Errorf("with 5,000 implementers: %+v", ts)
	}
	if took := time.Since(began); took > limit/2 || f.reads.Load()-reads > 2 {
		t.Errorf("it took %v, and one was read %d times", took, f.reads.Load()-reads)
	}
}

// TestBusVanishesWhileItAnswers: the answer that never came is no "off", and
// once the bus is back the client goes on.
func TestBusVanishesWhileItAnswers(t *testing.T) {
	b := systemBus(t, "")
	w := watch(t, b)
	f := startFake(t, dial(t, b), "Fake", good("off"))
	w.await("a new implementer")
	var once sync.Once
	f.on(func() {
		once.Do(func() {
			if err := b.Stop(); err != nil {
				t.Error(err)
			}
		})
	}, nil)
	if ts, err := w.State(within(t), account, []string{findmy.Prefix + "Fake"}); err == nil {
		for _, s := range ts.Seen {
			if s.State != departure.TrackerUnknown {
				t.Errorf("a bus that vanished said %+v", s)
			}
		}
	}
	w.await("the bus went")
	if err := w.Disable(within(t), findmy.Prefix+"Fake", account, password); err == nil {
		t.Error("turned off without a bus")
	}
	must(t, b.Start(within(t)))
	again := startFake(t, dial(t, b), "Fake", good("on"))
	for end := time.Now().Add(limit); again.reads.Load() == 0; {
		w.await("the bus came back")
		if ts, err := w.State(within(t), account, nil); err == nil && len(ts.Seen) == 1 && ts.Seen[0].State == departure.TrackerOn {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the client did not go on")
		}
	}
}

// TestSlowActs: who does not answer in time may have done it or not.
func TestSlowActs(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dial(t, b), "Fake", good("on"))
	gate := make(chan struct{})
	defer close(gate)
	f.on(nil, func() (map[string]dbus.Variant, *dbus.Error) { <-gate; return nil, nil })
	c := clientWith(t, findmy.Options{Address: b.Address, Allow: allowMe("Fake"), ActTimeout: 200 * time.Millisecond})
	began := time.Now()
	r := c.TurnOff(within(t), findmy.Target{Name: findmy.Prefix + "Fake", Provider: provider, Account: identity}, password)
	if r.Outcome == findmy.Done || r.After.State != departure.TrackerOn || time.Since(began) > limit/2 {
		t.Errorf("after %v: %+v", time.Since(began), r)
	}
	f.reset(nil) // now it does not even say its state
	r = c.TurnOff(within(t), findmy.Target{Name: findmy.Prefix + "Fake", Provider: provider, Account: identity}, password)
	if r.Outcome == findmy.Done {
		t.Errorf("an implementer that says nothing: %+v", r)
	}
}

// TestNamesReappear: the name passes back and forth between one that counts and
// says "on" and one that does not and says "off", while the client looks. It is
// never off.
func TestNamesReappear(t *testing.T) {
	needRoot(t)
	b := systemBus(t, "")
	honest, liar := dial(t, b), dialAs(t, b, stranger)
	startFake(t, honest, "Fake", good("on"))
	lie := &fake{conn: liar, values: good("off"), answer: result(findmy.ResultOK)}
	must(t, liar.Export(lie, findmy.Path, findmy.Interface))
	must(t, liar.Export(lie, findmy.Path, "org.freedesktop.DBus.Properties"))
	name := findmy.Prefix + "Fake"
	ended, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for from, to := honest, liar; ; from, to = to, from {
			select {
			case <-stop:
				return
			default:
			}
			_, err := from.ReleaseName(name)
			_, other := to.RequestName(name, dbus.NameFlagDoNotQueue)
			if err := errors.Join(err, other); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	c := client(t, b)
	states := map[departure.TrackerState]int{}
	for range 200 {
		ts, err := c.State(within(t), account, []string{name})
		must(t, err)
		if len(ts.Seen) != 1 {
			t.Fatalf("seen %+v", ts.Seen)
		}
		states[ts.Seen[0].State]++
		if r := c.TurnOff(within(t), findmy.Target{Name: name, Provider: provider, Account: identity}, ""); r.Outcome == findmy.Done {
			t.Fatalf("turned off without a proof: %+v", r)
		}
	}
	close(stop)
	<-ended
	if states[departure.TrackerOff] != 0 || lie.reads.Load() != 0 || lie.acts.Load() != 0 {
		t.Errorf("states %v; the one that does not count was read %d times and asked to act %d times", states, lie.reads.Load(), lie.acts.Load())
	}
}

// TestSignalsOfAnotherForm: what a signal carries is not read, so nothing in it
// can break the watching.
func TestSignalsOfAnotherForm(t *testing.T) {
	b := systemBus(t, "")
	w := watch(t, b)
	f := startFake(t, dial(t, b), "Fake", good("on"))
	w.await("a new implementer")
	w.settle()
	for _, body := range [][]any{
		{findmy.Interface},
		{findmy.Interface, "off", uint32(7)},
		{findmy.Interface, map[string]dbus.Variant{"State": dbus.MakeVariant([]string{"off"})}, []string{}},
	} {
		must(t, f.conn.Emit(findmy.Path, "org.freedesktop.DBus.Properties.PropertiesChanged", body...))
		w.await("a change told in another form")
		w.settle()
		wantState(t, w.Client, "Fake", departure.TrackerOn)
	}
	must(t, f.conn.Emit(findmy.Path, "org.freedesktop.DBus.Properties.PropertiesChanged"))
	f.changed(t)
	w.await("a change after a signal without a body")
}
