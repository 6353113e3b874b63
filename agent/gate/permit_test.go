package gate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

const (
	nonce  = "0123456789abcdef"
	second = "fedcba9876543210"
)

func issue(t *testing.T, a *agent, id, audience string) engine.Permit {
	t.Helper()
	p, _, err := a.g.Issue(t.Context(), id, nonce, audience)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readied is an agent whose departure an honest person brought to ready.
func readied(t *testing.T) (*agent, string) {
	t.Helper()
	a, err := start(world.New(), world.Rules{Needs: departure.Web})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.stop() })
	id, err := a.open(departure.Delete, world.Me)
	if err != nil {
		t.Fatal(err)
	}
	reach(t, a, id, ready)
	return a, id
}

func refused[T error](t *testing.T, err error, why string) {
	t.Helper()
	var want T
	if !errors.As(err, &want) {
		t.Fatalf("got %v, want a %T", err, want)
	}
	if !strings.Contains(err.Error(), why) {
		t.Errorf("got %q, want it to say %q", err, why)
	}
}

func pass(t *testing.T, a *agent, id string) {
	t.Helper()
	if err := a.e.Pass(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func record(t *testing.T, a *agent, id string) *engine.Record {
	t.Helper()
	rec, err := a.w.Store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestSameReceiptOnlyWhileNothingChanged(t *testing.T) {
	for name, change := range map[string]func(*agent){
		"a change, and back": func(a *agent) { a.w.Touch("") },
		"a new photo":        func(a *agent) { a.w.Cloud[departure.Photos]["new"] = 1 },
		"started anew": func(a *agent) {
			a.stop()
			a.w.Crash()
			a.w.Credential = true
			b, err := start(a.w, *a.rules)
			if err != nil {
				panic(err)
			}
			*a = *b
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, id := readied(t)
			p := issue(t, a, id, "rp")
			if _, _, err := a.g.Redeem(t.Context(), p.ID, second); err != nil {
				t.Fatal(err)
			}
			change(a)
			_, _, err := a.g.Redeem(t.Context(), p.ID, second)
			refused[*gate.StaleError](t, err, "redeemed already")
			a.stop()
		})
	}
}

func TestPermitNoLongerCounts(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *agent, string)
		why    string
	}{
		"expired":        {func(_ *testing.T, a *agent, _ string) { a.w.Time = a.w.Time.Add(gate.PermitLife) }, "good until"},
		"clock set back": {func(_ *testing.T, a *agent, _ string) { a.w.Time = a.w.Time.Add(-time.Minute) }, "clock was set back"},
		"revoked": {func(t *testing.T, a *agent, _ string) {
			if err := a.e.RevokeAll(t.Context(), "the test revokes"); err != nil {
				t.Fatal(err)
			}
		}, "the test revokes"},
		"a bus was gone for a moment": {func(t *testing.T, a *agent, _ string) {
			if err := a.e.Disturbed(t.Context(), "the bus was gone"); err != nil {
				t.Fatal(err)
			}
		}, "the bus was gone"},
		"started anew": {func(t *testing.T, a *agent, _ string) {
			a.stop()
			a.w.Crash()
			a.w.Credential = true
			b, err := start(a.w, *a.rules)
			if err != nil {
				t.Fatal(err)
			}
			*a = *b
		}, "started anew"},
		"a pass saw Find My Device on, and it is off again": {func(t *testing.T, a *agent, id string) {
			a.w.Switch("on")
			pass(t, a, id)
			a.w.Switch("off")
			pass(t, a, id)
		}, "Find My Device"},
		"a look of the gate saw Find My Device on, and it is off again": {func(t *testing.T, a *agent, id string) {
			a.w.Switch("on")
			if _, _, err := a.g.Issue(t.Context(), id, nonce, "rp"); err == nil {
				t.Fatal("a permit with Find My Device on")
			}
			a.w.Switch("off")
		}, "Find My Device"},
		"a redemption was refused, and all is as before": {func(t *testing.T, a *agent, id string) {
			a.w.ServerUp = false
			rec := record(t, a, id)
			if _, _, err := a.g.Redeem(t.Context(), rec.Permits[0].ID, second); err == nil {
				t.Fatal("redeemed without the server")
			}
			a.w.ServerUp = true
		}, "server"},
		"a new photo, copied and read back by now": {func(t *testing.T, a *agent, id string) {
			a.w.Cloud[departure.Photos]["new"] = 1
			reach(t, a, id, ready)
		}, ""},
		"another word": {func(t *testing.T, a *agent, id string) {
			a.rules.Consequences = []departure.Line{{ID: "d", Text: "and more"}}
			reach(t, a, id, ready)
		}, ""},
		"signed in here again": {func(t *testing.T, a *agent, id string) { a.w.SignIn(); pass(t, a, id) }, "came back"},
		"cancelled": {func(t *testing.T, a *agent, id string) {
			if err := a.e.Cancel(t.Context(), id, false, ""); err != nil {
				t.Fatal(err)
			}
		}, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			a, id := readied(t)
			defer func() { a.stop() }()
			p := issue(t, a, id, "rp")
			c.change(t, a, id)
			_, _, err := a.g.Redeem(t.Context(), p.ID, second)
			refused[*gate.StaleError](t, err, c.why)
		})
	}
}

func TestAudience(t *testing.T) {
	a, id := readied(t)
	a.w.Simulated = true
	for audience, ok := range map[string]bool{"rp": false, "demo": true, "demo+attested": true, "demo2": false, "Demo": false, "xdemo": false} {
		p, token, err := a.g.Issue(t.Context(), id, nonce, audience)
		if ok != (err == nil) {
			t.Errorf("a simulated device for %q: %v", audience, err)
		}
		if err != nil {
			refused[*gate.NotReadyError](t, err, "simulated")
			continue
		}
		if c, err := claimsOf(token); err != nil || !c.Simulated {
			t.Errorf("the permit for %q does not say sim: %+v %v", audience, c, err)
		}
		receipt, _, err := a.g.Redeem(t.Context(), p.ID, second)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := claimsOf(receipt); err != nil || !c.Simulated {
			t.Errorf("the proof for %q does not say sim", audience)
		}
	}
	// One that was given before the simulator was known is not redeemed.
	a, id = readied(t)
	p := issue(t, a, id, "rp")
	a.w.Simulated = true
	_, _, err := a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.NotReadyError](t, err, "simulated")
}

func TestRequests(t *testing.T) {
	a, id := readied(t)
	for _, c := range []struct{ nonce, audience string }{
		{"short", "rp"}, {strings.Repeat("x", 15), "rp"}, {strings.Repeat("x", 129), "rp"}, {"", "rp"}, {nonce, ""}, {nonce, strings.Repeat("a", 201)},
	} {
		_, _, err := a.g.Issue(t.Context(), id, c.nonce, c.audience)
		refused[*engine.RefusedError](t, err, "")
	}
	if _, _, err := a.g.Redeem(t.Context(), "no-such-permit", second); !errors.Is(err, gate.ErrUnknownPermit) {
		t.Errorf("an unknown permit: %v", err)
	}
	_, _, err := a.g.Redeem(t.Context(), "no-such-permit", "short")
	refused[*engine.RefusedError](t, err, "nonce")
	p := issue(t, a, id, "rp")
	a.closed = "the system's agent is installed"
	_, _, err = a.g.Issue(t.Context(), id, nonce, "rp")
	refused[*gate.NotReadyError](t, err, "installed")
	_, _, err = a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.NotReadyError](t, err, "installed")
}

func TestFailedSignature(t *testing.T) {
	a, id := readied(t)
	g := gate.New(gate.Config{Engine: a.e, Signer: mute{}, Closed: func() string { return "" }})
	if _, _, err := g.Issue(t.Context(), id, nonce, "rp"); err == nil {
		t.Error("a permit without a signature")
	}
	if n := len(record(t, a, id).Permits); n != 0 {
		t.Errorf("%d permits are kept", n)
	}
	p := issue(t, a, id, "rp")
	if _, _, err := g.Redeem(t.Context(), p.ID, second); err == nil {
		t.Error("a proof without a signature")
	}
	if _, _, err := a.g.Redeem(t.Context(), p.ID, second); err != nil {
		t.Errorf("it was burnt by a failed signature: %v", err)
	}
}

type mute struct{}

func (mute) Sign(string, []byte) (string, error) { return "", errors.New("the key is away") }

// The store fails as the permit is burnt: nobody gets the proof.
func TestBurningIsDurableFirst(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	a.w.Broken["Save"] = errors.New("the disk is full")
	if token, _, err := a.g.Redeem(t.Context(), p.ID, second); err == nil {
		t.Fatalf("redeemed: %s", token)
	}
	delete(a.w.Broken, "Save")
	if _, _, err := a.g.Redeem(t.Context(), p.ID, second); err != nil {
		t.Errorf("it was not burnt, but: %v", err)
	}
}

func TestKeptPermitsAreBounded(t *testing.T) {
	a, id := readied(t)
	for range 25 {
		issue(t, a, id, "rp")
	}
	if n := len(record(t, a, id).Permits); n != 20 {
		t.Errorf("%d permits are kept", n)
	}
}
