package gate_test

import (
	"context"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// reach lets an honest person go on until the agent says that the end is there.
func reach(t *testing.T, a *agent, id string, done func(engine.Snapshot) bool) {
	t.Helper()
	for range 40 {
		if err := a.honest(id); err != nil {
			t.Fatal(err)
		}
		s, _, err := a.e.Snapshot(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if done(s) {
			return
		}
	}
	s, _, _ := a.e.Snapshot(context.Background(), id)
	for _, c := range s.Verdict.Checks.Open() {
		t.Logf("%s %s: %s", c.ID, c.Status, c.Reason.Text)
	}
	t.Fatalf("an honest person never reaches the end: waiting %v %q", s.Waiting, s.WaitingWhy)
}

func ready(s engine.Snapshot) bool    { return s.Verdict.Ready }
func complete(s engine.Snapshot) bool { return s.Verdict.Complete }

func TestHonestPersonReachesTheEnd(t *testing.T) {
	declared := departure.Account{ID: "mi", Provider: "cloud", Identity: "1926", Name: "1926", Declared: true}
	for name, c := range map[string]struct {
		intent  departure.Intent
		path    departure.Needs
		account departure.Account
		done    func(engine.Snapshot) bool
		prepare func(*world)
	}{
		"delete on the web": {departure.Delete, departure.Web, me, ready, nil},
		"delete here":       {departure.Delete, departure.SignedInHere, me, ready, nil},
		"sign-out":          {departure.SignOut, departure.Web, me, complete, nil},
		"nothing to lose":   {departure.Delete, departure.Web, me, ready, func(w *world) { clear(w.cloud); clear(w.cacheOf) }},
		"failures accepted": {departure.Delete, departure.Web, me, ready, func(w *world) { w.fails["photos-a"] = true }},
		"declared": {departure.Delete, departure.Web, declared, ready, func(w *world) {
			clear(w.bindings)
			clear(w.cloud)
			w.tracker = ""
			w.folder["a.jpg"] = 1
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if c.prepare != nil {
				c.prepare(w)
			}
			a, err := start(w, c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer a.stop()
			id, err := a.open(c.intent, c.account)
			if err != nil {
				t.Fatal(err)
			}
			if c.account.Declared {
				given(t, a, id)
			}
			reach(t, a, id, c.done)
			if c.intent != departure.Delete {
				if _, err := a.permit(id, "rp"); err == nil {
					t.Error("a permit was given for a sign-out")
				}
				return
			}
			audience := "rp"
			if c.account.Declared {
				if _, err := a.permit(id, "rp"); err == nil {
					t.Error("an audience that does not take attested permits got one")
				}
				audience = "rp+attested"
			}
			receipt, err := a.permit(id, audience)
			if err != nil {
				t.Fatal(err)
			}
			if why := w.unsafe([]string{implementer}); why != "" && !c.account.Declared {
				t.Errorf("receipt given, but %s", why)
			}
			claims, err := claimsOf(receipt)
			if err != nil {
				t.Fatal(err)
			}
			want := map[departure.Needs]string{departure.Web: "signed-out", departure.SignedInHere: "signed-in"}[c.path]
			if claims.State != want {
				t.Errorf("state %q, want %q", claims.State, want)
			}
		})
	}
}

func given(t *testing.T, a *agent, id string) {
	t.Helper()
	err := a.e.Update(context.Background(), id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Given = []engine.GivenSource{{ID: "given", Dataset: departure.Photos, Path: "/export"}}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readied is an agent whose departure an honest person brought to ready.
func readied(t *testing.T) (*agent, string) {
	t.Helper()
	a, err := start(newWorld(), departure.Web)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.stop)
	id, err := a.open(departure.Delete, me)
	if err != nil {
		t.Fatal(err)
	}
	reach(t, a, id, ready)
	return a, id
}
