package findmy_test

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/godbus/dbus/v5"
)

// The name passes to somebody else between the check and the answer.
func TestOwnerChangesDuringTheCall(t *testing.T) {
	needRoot(t)
	b := systemBus(t, "")
	evil := dialAs(t, b, stranger)
	conn := dial(t, b)
	f := startFake(t, conn, "Fake", good("off"))
	f.on(func() {
		if _, err := conn.ReleaseName(findmy.Prefix + "Fake"); err != nil {
			t.Error(err)
		}
		if got, err := evil.RequestName(findmy.Prefix+"Fake", 0); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
			t.Error(got, err)
		}
	}, nil)
	i := look(t, client(t, b)).Find(findmy.Prefix + "Fake")
	if i == nil || i.Counts || i.State != departure.TrackerUnknown || i.OwnerUID != stranger {
		t.Errorf("after the name was passed on: %+v", i)
	}
	// It goes back and forth for ever: never off.
	f.on(func() {
		_, _ = conn.ReleaseName(findmy.Prefix + "Fake")
		_, _ = conn.RequestName(findmy.Prefix+"Two", 0)
		_, _ = evil.RequestName(findmy.Prefix+"Fake", 0)
	}, nil)
	met := []string{findmy.Prefix + "Fake"}
	if i := look(t, client(t, b), met...).Find(met[0]); i.State != departure.TrackerUnknown || !i.Counts {
		t.Errorf("one that counted before: %+v", i)
	}
}

func TestPropertiesThatAreNotTheInterfaces(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dial(t, b), "Fake", good("off"))
	cl := client(t, b)
	wantState(t, cl, "Fake", departure.TrackerOff)
	for _, c := range []struct {
		name  string
		value any
	}{
		{"State", nil}, {"State", true}, {"State", int32(0)}, {"State", "OFF"}, {"State", ""}, {"State", "unknown"},
		{"State", []string{"off"}}, {"State", strings.Repeat("off", 1000)},
		{"Provider", nil}, {"Provider", 1}, {"Provider", ""}, {"Provider", "a\nb"}, {"Account", nil}, {"Account", []byte("alice")},
		{"Account", ""}, {"Account", strings.Repeat("a", 257)}, {"ConfirmedBy", nil}, {"ConfirmedBy", "\x1b[2J"},
		{"ObservedAt", nil}, {"ObservedAt", "now"}, {"ObservedAt", uint64(1)}, {"ObservedAt", int64(-1)}, {"ObservedAt", 1.5},
		{"Simulated", nil}, {"Simulated", "no"}, {"Simulated", uint32(0)},
	} {
		f.reset(good("off"))
		f.set(c.name, c.value)
		i := look(t, cl).Find(findmy.Prefix + "Fake")
		if i.State != departure.TrackerUnknown || !i.Counts || i.Why == "" {
			t.Errorf("%s = %v: %+v", c.name, c.value, *i)
		}
		ts, err := cl.State(within(t), account, []string{i.Name})
		must(t, err)
		if len(ts.Seen) != 1 || ts.Seen[0].State != departure.TrackerUnknown {
			t.Errorf("%s = %v: the engine is told %+v", c.name, c.value, ts)
		}
	}
	f.reset(good("off"))
	f.set("Further", "additions are no fault")
	wantState(t, cl, "Fake", departure.TrackerOff)
}

func TestAnswersThatAreNotTheInterfaces(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dial(t, b), "Fake", good("on"))
	cl := client(t, b)
	target := findmy.Target{Name: findmy.Prefix + "Fake", Provider: provider, Account: identity}
	type answer = func() (map[string]dbus.Variant, *dbus.Error)
	refuse := func(name string) answer {
		return func() (map[string]dbus.Variant, *dbus.Error) { return nil, dbus.NewError(name, []any{"no\x1b[2J"}) }
	}
	for _, c := range []struct {
		what   string
		answer answer
		want   findmy.Outcome
	}{
		{"ok, and stays on", result(findmy.ResultOK), findmy.NotDone},
		{"another word", result("maybe"), findmy.NotDone},
		{"nothing", func() (map[string]dbus.Variant, *dbus.Error) { return nil, nil }, findmy.NotDone},
		{"access denied", refuse("org.freedesktop.DBus.Error.AccessDenied"), findmy.NotAllowed},
		{"another error", refuse("org.example.Error"), findmy.NotDone},
		{"failed", result(findmy.ResultFailed), findmy.NotDone},
		{"unreachable", result(findmy.ResultUnreachable), findmy.Unreachable},
		{"wrong proof", result(findmy.ResultWrongProof), findmy.WrongProof},
		{"ok, and unknown afterwards", func() (map[string]dbus.Variant, *dbus.Error) {
			f.set("State", "unknown")
			return result(findmy.ResultOK)()
		}, findmy.Unclear},
		{"garbage, and off afterwards", func() (map[string]dbus.Variant, *dbus.Error) {
			f.set("State", "off")
			return nil, nil
		}, findmy.Done},
		{"ok, off, and forgets the account", func() (map[string]dbus.Variant, *dbus.Error) {
			f.set("State", "off")
			f.set("Account", "")
			f.set("Provider", "")
			return result(findmy.ResultOK)()
		}, findmy.Done},
		{"ok, off, and speaks for another", func() (map[string]dbus.Variant, *dbus.Error) {
			f.set("State", "off")
			f.set("Account", "eve")
			return result(findmy.ResultOK)()
		}, findmy.NotDone},
	} {
		f.reset(good("on"))
		f.on(nil, c.answer)
		r := cl.TurnOff(within(t), target, password)
		if r.Outcome != c.want || strings.Contains(r.Why, "\x1b") {
			t.Errorf("%s: %+v, want %s", c.what, r, c.want)
		}
	}
	f.reset(good("on"))
	acts := f.acts.Load()
	if r := cl.TurnOff(within(t), target, ""); r.Outcome != findmy.Refused || f.acts.Load() != acts {
		t.Errorf("without a proof: %+v", r)
	}
}
