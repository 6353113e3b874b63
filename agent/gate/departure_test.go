package gate_test

import (
	"context"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
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
	for name, c := range map[string]struct {
		intent  departure.Intent
		path    departure.Needs
		account departure.Account
		done    func(engine.Snapshot) bool
		prepare func(*world.World)
	}{
		"delete on the web": {departure.Delete, departure.Web, world.Me, ready, nil},
		"delete here":       {departure.Delete, departure.SignedInHere, world.Me, ready, nil},
		"sign-out":          {departure.SignOut, departure.Web, world.Me, complete, nil},
		"nothing to lose":   {departure.Delete, departure.Web, world.Me, ready, func(w *world.World) { clear(w.Cloud); clear(w.Book) }},
		"failures accepted": {departure.Delete, departure.Web, world.Me, ready, func(w *world.World) { w.Fails["photos-a"] = true }},
		"declared":          {departure.Delete, departure.Web, world.Declared, ready, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New()
			if c.account.Declared {
				w = world.NewDeclared()
			}
			if c.prepare != nil {
				c.prepare(w)
			}
			a, err := start(w, world.Rules{Needs: c.path})
			if err != nil {
				t.Fatal(err)
			}
			defer a.stop()
			id, err := a.open(c.intent, c.account)
			if err != nil {
				t.Fatal(err)
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
			if why := w.Unsafe([]string{world.Implementer}); why != "" && !c.account.Declared {
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
