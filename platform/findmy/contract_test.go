package findmy_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/godbus/dbus/v5"
)

// TestContractFindMy holds the client, over the reference implementer on a real
// bus, to what the engine relies on, and the implementer to the interface.
func TestContractFindMy(t *testing.T) {
	t.Run("devicesim", func(t *testing.T) {
		enginetest.TrackerContract(t, rig)
		t.Run("interface", contract)
	})
}

// rig is one implementer on a bus of its own.
func rig(t *testing.T) enginetest.TrackerRig {
	b, c := systemBus(t, ""), newCloud(t)
	conn := dial(t, b)
	d := startDevice(t, conn, "One", identity, c)
	other := client(t, b)
	target := findmy.Target{Name: findmy.Prefix + "One", Provider: provider, Account: identity}
	return enginetest.TrackerRig{
		Tracker: client(t, b), Account: account, Name: target.Name, Proof: password,
		Turn: func(t *testing.T, to departure.TrackerState) {
			act := other.TurnOff
			if to == departure.TrackerOn {
				act = other.TurnOn
			}
			if r := act(within(t), target, password); r.Outcome != findmy.Done {
				t.Fatalf("%+v", r)
			}
		},
		Vanish: func(*testing.T) { d.stop() },
		Return: func(t *testing.T) { d.start(t, conn) },
	}
}

func contract(t *testing.T) {
	target := findmy.Target{Name: findmy.Prefix + "One", Provider: provider, Account: identity}

	t.Run("wrong proof leaves it on", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		startDevice(t, dial(t, b), "One", identity, c)
		cl := client(t, b)
		i := wantState(t, cl, "One", departure.TrackerOn)
		if !i.Simulated || i.Provider != provider || i.Account != identity {
			t.Errorf("it says %+v", i)
		}
		if r := cl.TurnOff(within(t), target, "guess"); r.Outcome != findmy.WrongProof || r.After.State != departure.TrackerOn {
			t.Errorf("with a wrong password: %+v", r)
		}
		wantState(t, cl, "One", departure.TrackerOn)
	})

	t.Run("right proof turns it off and on", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		conn := dial(t, b)
		d := startDevice(t, conn, "One", identity, c)
		cl := client(t, b)
		if r := cl.TurnOff(within(t), target, password); r.Outcome != findmy.Done || r.After.State != departure.TrackerOff {
			t.Fatalf("turning off: %+v", r)
		}
		i := wantState(t, cl, "One", departure.TrackerOff)
		if !strings.Contains(c.URL, i.ConfirmedBy) || i.ConfirmedBy == "" || i.ObservedAt.IsZero() {
			t.Errorf("confirmed by %q at %v", i.ConfirmedBy, i.ObservedAt)
		}
		d.stop() // a restart keeps the state
		d.start(t, conn)
		wantState(t, cl, "One", departure.TrackerOff)
		asked := c.asked.Load()
		if r := cl.TurnOff(within(t), target, password); r.Outcome != findmy.Done || c.asked.Load() != asked {
			t.Errorf("turning off what is off: %+v, the server was asked %d times", r, c.asked.Load()-asked)
		}
		if r := cl.TurnOn(within(t), target, "guess"); r.Outcome != findmy.WrongProof {
			t.Errorf("turning on with a wrong password: %+v", r)
		}
		if r := cl.TurnOn(within(t), target, password); r.Outcome != findmy.Done {
			t.Errorf("turning on: %+v", r)
		}
		wantState(t, cl, "One", departure.TrackerOn)
	})

	t.Run("a provider that cannot be asked leaves it on", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		startDevice(t, dial(t, b), "One", identity, c)
		cl := client(t, b)
		for _, status := range []int{204, 301, 302, 403, 500, 503} {
			c.status.Store(int64(status))
			if r := cl.TurnOff(within(t), target, password); r.Outcome != findmy.Unreachable || r.After.State != departure.TrackerOn {
				t.Errorf("the server answers %d: %+v", status, r)
			}
		}
		if c.asked.Load() != 6 {
			t.Errorf("%d requests for six acts: a redirect was followed", c.asked.Load())
		}
		c.Close()
		if r := cl.TurnOff(within(t), target, password); r.Outcome != findmy.Unreachable {
			t.Errorf("the server is gone: %+v", r)
		}
		wantState(t, cl, "One", departure.TrackerOn)
	})

	t.Run("other users are refused", func(t *testing.T) {
		needRoot(t)
		b, c := systemBus(t, ""), newCloud(t)
		startDevice(t, dial(t, b), "One", identity, c)
		proof := map[string]dbus.Variant{findmy.ProofPassword: dbus.MakeVariant(password)}
		object := func(uid int) dbus.BusObject { return dialAs(t, b, uid).Object(findmy.Prefix+"One", findmy.Path) }
		other, owner := object(stranger), object(holder)
		for what, call := range map[string]*dbus.Call{
			"Disable": other.Call(findmy.Interface+".Disable", 0, proof),
			"Enable":  other.Call(findmy.Interface+".Enable", 0, proof),
			"GetAll":  other.Call("org.freedesktop.DBus.Properties.GetAll", 0, findmy.Interface),
			"Get":     other.Call("org.freedesktop.DBus.Properties.Get", 0, findmy.Interface, "Account"),
			"Set":     other.Call("org.freedesktop.DBus.Properties.Set", 0, findmy.Interface, "State", dbus.MakeVariant("off")),
		} {
			var e dbus.Error
			if !errors.As(call.Err, &e) || e.Name != "org.freedesktop.DBus.Error.AccessDenied" {
				t.Errorf("%s by another user: %v", what, call.Err)
			}
		}
		if c.asked.Load() != 0 {
			t.Error("the provider was asked for a caller who may not call")
		}
		wantState(t, client(t, b), "One", departure.TrackerOn)
		var answer map[string]dbus.Variant
		must(t, owner.Call(findmy.Interface+".Disable", 0, proof).Store(&answer))
		wantState(t, client(t, b), "One", departure.TrackerOff)
	})

	t.Run("gone after it was seen is unknown", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		d := startDevice(t, dial(t, b), "One", identity, c)
		cl := client(t, b)
		must(t, cl.Disable(within(t), target.Name, account, password))
		met := look(t, cl).Met()
		d.stop()
		i := look(t, cl, met...).Find(target.Name)
		if i == nil || !i.Counts || i.Present || i.State != departure.TrackerUnknown || i.Why == "" {
			t.Errorf("after it went: %+v", i)
		}
		if r := look(t, cl); len(r.Implementers) != 0 {
			t.Errorf("without memory: %+v", r)
		}
		ts, err := cl.State(within(t), account, met)
		must(t, err)
		if len(ts.Seen) != 1 || ts.Seen[0].State != departure.TrackerUnknown || ts.Seen[0].Why.Text == "" {
			t.Errorf("the engine is told %+v", ts)
		}
	})

	t.Run("activatable counts as present", func(t *testing.T) {
		dir := t.TempDir()
		binary := filepath.Join(t.TempDir(), "devicesim")
		out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/clearance-project/clearance/platform/devicesim").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		c := newCloud(t)
		service := func(name, command string) {
			must(t, os.WriteFile(filepath.Join(dir, findmy.Prefix+name+".service"),
				fmt.Appendf(nil, "[D-BUS Service]\nName=%s\nExec=%s\n", findmy.Prefix+name, command), 0o644))
		}
		b := systemBus(t, dir)
		service("Auto", fmt.Sprintf("%s --address %s --vendor Auto --provider %s --account %s --agent-uid %d --state-file %s --check-url %s",
			binary, b.Address, provider, identity, os.Geteuid(), filepath.Join(t.TempDir(), "state"), c.URL))
		service("Broken", "/bin/false")
		must(t, b.Stop()) // it reads its services when it starts
		must(t, b.Start(within(t)))
		cl := client(t, b)
		wantState(t, cl, "Auto", departure.TrackerOn)
		if i := wantState(t, cl, "Broken", departure.TrackerUnknown); !i.Present || i.Owned {
			t.Errorf("one that cannot be started: %+v", i)
		}
		ts, err := cl.State(within(t), account, nil)
		must(t, err)
		if len(ts.Seen) != 2 {
			t.Errorf("the engine is told %+v", ts)
		}
		must(t, cl.Disable(within(t), findmy.Prefix+"Auto", account, password))
		wantState(t, cl, "Auto", departure.TrackerOff)
	})

	t.Run("only the matching one changes", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		startDevice(t, dial(t, b), "One", identity, c)
		startDevice(t, dial(t, b), "Two", "bob@cloud.example", c)
		cl := client(t, b)
		two := findmy.Target{Name: findmy.Prefix + "Two", Provider: provider, Account: identity}
		if r := cl.TurnOff(within(t), two, password); r.Outcome != findmy.Refused || c.asked.Load() != 0 {
			t.Errorf("the one of another account: %+v", r)
		}
		r := cl.TurnOff(within(t), target, password)
		if r.Outcome != findmy.Done || len(r.Disturbed) != 0 {
			t.Errorf("the matching one: %+v", r)
		}
		wantState(t, cl, "One", departure.TrackerOff)
		wantState(t, cl, "Two", departure.TrackerOn)
		ts, err := cl.State(within(t), account, nil)
		must(t, err)
		if len(ts.Seen) != 1 || ts.Seen[0].Name != target.Name || len(ts.Others) != 1 || ts.Others[0].State != departure.TrackerOn {
			t.Errorf("the engine is told %+v", ts)
		}
	})

	t.Run("a change is told before a fence ends", func(t *testing.T) {
		b, c := systemBus(t, ""), newCloud(t)
		startDevice(t, dial(t, b), "One", identity, c)
		other, cl := client(t, b), client(t, b)
		told := make(chan struct{}, 100)
		must(t, cl.Watch(t.Context(), func() { told <- struct{}{} }))
		for i := range 20 {
			must(t, cl.Fence(within(t)))
			for len(told) > 0 {
				<-told
			}
			act := other.TurnOff
			if i%2 == 1 {
				act = other.TurnOn
			}
			if r := act(within(t), target, password); r.Outcome != findmy.Done {
				t.Fatalf("%+v", r)
			}
			must(t, cl.Fence(within(t)))
			if len(told) == 0 {
				t.Fatalf("change %d was not told of before the fence ended", i)
			}
		}
	})
}

func TestPortErrors(t *testing.T) {
	b, c := systemBus(t, ""), newCloud(t)
	startDevice(t, dial(t, b), "One", identity, c)
	cl := client(t, b)
	name := findmy.Prefix + "One"
	if err := cl.Disable(within(t), name, account, "guess"); !errors.Is(err, engine.ErrProofRefused) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := cl.Disable(within(t), name, departure.Account{Provider: provider, Identity: "eve"}, password); err == nil {
		t.Error("another account was accepted")
	}
	if err := cl.Disable(within(t), findmy.Prefix+"Absent", account, password); err == nil {
		t.Error("an implementer that is not there was accepted")
	}
	c.status.Store(http.StatusServiceUnavailable)
	if err := cl.Disable(within(t), name, account, password); err == nil || errors.Is(err, engine.ErrProofRefused) {
		t.Errorf("a provider that cannot be asked: %v", err)
	}
	c.status.Store(0)
	must(t, cl.Disable(within(t), name, account, password))
	must(t, cl.Enable(within(t), name, account, password))
	upper := departure.Account{Provider: provider, Identity: "Alice@Cloud.Example"}
	must(t, cl.Disable(within(t), name, upper, password))
}

// A program on the session bus that says "off" has no effect whatever it does.
func TestSquatterOnTheSessionBus(t *testing.T) {
	system, sessionBus := systemBus(t, ""), systemBus(t, "")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", sessionBus.Address)
	squatter := startFake(t, dial(t, sessionBus), "Fake", good("off"))
	cl := client(t, system)
	ts, err := cl.State(within(t), account, nil)
	must(t, err)
	if len(ts.Seen) != 0 || !ts.Complete {
		t.Errorf("with a squatter alone: %+v", ts)
	}
	ts, err = cl.State(within(t), account, []string{findmy.Prefix + "Fake"})
	must(t, err)
	if len(ts.Seen) != 1 || ts.Seen[0].State != departure.TrackerUnknown {
		t.Errorf("one that was met on the system bus, and is now on the session bus: %+v", ts)
	}
	startFake(t, dial(t, system), "Fake", good("on"))
	wantState(t, cl, "Fake", departure.TrackerOn)
	if squatter.reads.Load() != 0 {
		t.Error("the squatter was asked")
	}
	if _, err := findmy.Open(within(t), findmy.Options{Address: sessionBus.Address}); err == nil {
		t.Error("the session bus was accepted as system bus")
	}
}

func TestImplementersThatDoNotCount(t *testing.T) {
	b := systemBus(t, "")
	f := startFake(t, dialAs(t, b, stranger), "Fake", good("off"))
	name := findmy.Prefix + "Fake"
	nobody := clientWith(t, findmy.Options{Address: b.Address, Allow: func() ([]findmy.Allowed, error) {
		return []findmy.Allowed{{Name: findmy.Prefix + "Other", UID: stranger}, {Name: name, UID: holder}}, nil
	}})
	i := look(t, nobody).Find(name)
	if i == nil || i.Counts || !i.Owned || i.OwnerUID != stranger || i.State != departure.TrackerUnknown || i.Why == "" {
		t.Errorf("one of uid %d: %+v", stranger, i)
	}
	r := nobody.TurnOff(within(t), findmy.Target{Name: name, Provider: provider, Account: identity}, password)
	if r.Outcome != findmy.Refused || f.reads.Load() != 0 || f.acts.Load() != 0 {
		t.Errorf("%+v; it was read %d times and got the proof %d times", r, f.reads.Load(), f.acts.Load())
	}
	ts, err := nobody.State(within(t), account, nil)
	must(t, err)
	if len(ts.Seen) != 0 || len(ts.Others) != 0 {
		t.Errorf("the engine is told %+v", ts)
	}
	// Once it counted, it cannot drop out by running as somebody else.
	ts, err = nobody.State(within(t), account, []string{name})
	must(t, err)
	if len(ts.Seen) != 1 || ts.Seen[0].State != departure.TrackerUnknown {
		t.Errorf("one that counted before: %+v", ts)
	}
	listed := clientWith(t, findmy.Options{Address: b.Address, Allow: func() ([]findmy.Allowed, error) {
		return []findmy.Allowed{{Name: name, UID: stranger}}, nil
	}})
	wantState(t, listed, "Fake", departure.TrackerOff)
	broken := clientWith(t, findmy.Options{Address: b.Address, Allow: func() ([]findmy.Allowed, error) {
		return nil, errors.New("the list is broken")
	}})
	if r, err := broken.Look(within(t), nil); err != nil || r.Complete || r.Find(name).Counts {
		t.Errorf("with a broken list: %+v, %v", r, err)
	}
	if err := broken.Fence(within(t)); err == nil {
		t.Error("a fence passed with a broken list")
	}
}

// An implementer that changes others as a side effect is caught.
func TestDisturbedImplementers(t *testing.T) {
	b := systemBus(t, "")
	f, other := startFake(t, dial(t, b), "Fake", good("on")), startFake(t, dial(t, b), "Two", good("on"))
	other.set("Account", "bob")
	f.on(nil, func() (map[string]dbus.Variant, *dbus.Error) {
		f.set("State", "off")
		other.set("State", "off")
		return result(findmy.ResultOK)()
	})
	r := client(t, b).TurnOff(within(t), findmy.Target{Name: findmy.Prefix + "Fake", Provider: provider, Account: identity}, password)
	if r.Outcome != findmy.Done || !slices.Equal(r.Disturbed, []string{findmy.Prefix + "Two"}) {
		t.Errorf("%+v", r)
	}
}
