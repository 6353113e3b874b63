package engine_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// crashes lets an honest person go through a whole departure while the agent is
// killed at one store write, and after each start anew holds that no act is done
// without a grant of its own. It returns how many writes there were.
func crashes(t *testing.T, intent departure.Intent, needs departure.Needs, at int, after bool) (writes int) {
	t.Helper()
	w := world.New()
	w.CrashIn, w.CrashAfter = at, after
	r := &rig{t: t, w: w, rules: &world.Rules{Needs: needs}}
	r.load()
	rec := w.Record(intent, world.Me)
	r.id = rec.Departure.ID
	survive := func(err error) {
		t.Helper()
		if !w.Dead {
			r.ok(err)
			return
		}
		if !errors.Is(err, world.ErrCrash) && err != nil {
			var refused *engine.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("it died with %v", err)
			}
		}
		r.e.Close()
		w.Crash()
		r.load()
	}
	survive(r.e.Open(t.Context(), rec))
	if _, err := w.Store.Load(t.Context(), r.id); errors.Is(err, engine.ErrNotFound) {
		r.ok(r.e.Open(t.Context(), rec)) // killed before it was kept: asked for again
	}
	submitted := false
	for range 60 {
		survive(w.Honest(t.Context(), r.e, r.id))
		r.grants()
		s := r.snap()
		if s.Verdict.Ready && intent == departure.Delete && !submitted {
			if why := w.Unsafe(s.Record.Trackers); why != "" {
				t.Fatalf("ready, but %s", why)
			}
			w.Deleted = "unauthorized"
			survive(r.e.Submitted(t.Context(), r.id, w.Time))
			if r.snap().Record.Submitted.IsZero() { // killed before it was kept: told again
				r.ok(r.e.Submitted(t.Context(), r.id, w.Time))
			}
			submitted = true
		}
		if finished(s) {
			if w.Tracker != "off" || w.SignedIn() {
				t.Fatalf("finished with Find My Device %s, signed in: %v", w.Tracker, w.SignedIn())
			}
			return w.Writes
		}
	}
	for _, c := range r.snap().Verdict.Checks.Open() {
		t.Logf("%s %s: %s", c.ID, c.Status, c.Reason.Text)
	}
	t.Fatalf("an honest person never reaches the end; waiting for %q", r.snap().WaitingWhy)
	return 0
}

// grants holds that there were no more acts than grants used, and that each
// intent row has a grant of its own.
func (r *rig) grants() {
	r.t.Helper()
	rec, err := r.w.Store.Load(r.t.Context(), r.id)
	r.ok(err)
	used, acts := map[bool]int{}, map[string]int{}
	for _, g := range rec.Grants {
		if _, find := g.Effect.Implementer(); !g.UsedAt.IsZero() {
			used[find]++
		}
	}
	for _, a := range rec.Acts {
		acts[a.Grant]++
		if acts[a.Grant] > 1 {
			r.t.Fatalf("two acts with the grant %s", a.Grant)
		}
	}
	if r.w.Disables > used[true] || r.w.Unbinds > used[false] {
		r.t.Fatalf("%d times off with %d grants, %d sign-outs with %d", r.w.Disables, used[true], r.w.Unbinds, used[false])
	}
}

func TestCrashAtEveryWrite(t *testing.T) {
	for _, c := range []struct {
		intent departure.Intent
		needs  departure.Needs
	}{{departure.Delete, departure.Web}, {departure.Delete, departure.SignedInHere}, {departure.SignOut, departure.Web}} {
		t.Run(fmt.Sprint(c.intent, " ", c.needs), func(t *testing.T) {
			k := crashes(t, c.intent, c.needs, 0, false)
			if k < 10 {
				t.Fatalf("a whole departure in %d writes", k)
			}
			for at := 1; at <= k; at++ {
				for _, after := range []bool{false, true} {
					t.Run(fmt.Sprintf("write %d after=%v", at, after), func(t *testing.T) {
						crashes(t, c.intent, c.needs, at, after)
					})
				}
			}
		})
	}
}

// The agent is killed within an act: before it took effect, and right after. What
// became of it is read back, and it is never done again by itself.
func TestCrashWithinAnAct(t *testing.T) {
	for _, at := range []string{"before disable", "after disable", "before unbind", "after unbind"} {
		t.Run(at, func(t *testing.T) {
			w := world.New()
			r := rigged(t, w, departure.Delete)
			r.authorised()
			w.Meddle = func(now string) {
				if now == at {
					w.Meddle, w.Dead = nil, true
				}
			}
			for range 3 {
				err := r.e.Pass(t.Context(), r.id)
				if w.Dead {
					break
				}
				r.ok(err)
			}
			if !w.Dead {
				t.Fatal("it never came to the act")
			}
			r.e.Close()
			w.Crash()
			r.load()
			disables, unbinds := w.Disables, w.Unbinds
			var open int
			for _, a := range r.snap().Record.Acts {
				if a.State == departure.ActIntended {
					open++
				}
			}
			if open != 1 {
				t.Errorf("%d intent rows without an end", open)
			}
			r.pass()
			last := r.snap().Record.Acts[len(r.snap().Record.Acts)-1]
			want := departure.ActInterrupted
			if at == "after disable" || at == "after unbind" {
				want = departure.ActDone
			}
			var state departure.ActState
			for _, a := range r.snap().Record.Acts {
				if (at == "before disable" || at == "after disable") == (a.Effect == departure.FindMyEffect(world.Implementer)) {
					state = a.State
				}
			}
			if state != want {
				t.Errorf("read back as %q, want %q; last %+v", state, want, last)
			}
			if at != "after disable" && (w.Disables != disables || w.Unbinds != unbinds) {
				t.Errorf("done again by itself: %d, %d", w.Disables-disables, w.Unbinds-unbinds)
			}
			r.grants()
			r.reach(ready)
			r.grants()
		})
	}
}

// Between the sign-out and the permit, a start anew is an honest "not known": the
// password was in memory alone.
func TestStartAfterTheSignOut(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.reach(ready)
	r.e.Close()
	w.Crash()
	r.load()
	r.pass()
	c := r.check(departure.ServerSeen)
	if r.snap().Verdict.Ready || c.Status != departure.Unknown || c.Reason.Code != "cloud-last-seen" || c.Remedy.Code != "password" || c.Ask == nil {
		t.Fatalf("ready %v, %s [%s], remedy %v, ask %v", r.snap().Verdict.Ready, c.Status, c.Reason.Code, c.Remedy, c.Ask)
	}
	t.Run("the password once more", func(t *testing.T) {
		if err := r.e.Credential(t.Context(), r.id, "wrong"); err == nil {
			t.Error("a wrong password was taken")
		}
		r.ok(r.e.Credential(t.Context(), r.id, "right"))
		r.pass()
		if !r.snap().Verdict.Ready {
			t.Errorf("open: %v", r.snap().Verdict.Checks.Open())
		}
	})
	t.Run("or accepted by name", func(t *testing.T) {
		r.e.Close()
		w.Crash()
		r.load()
		r.pass()
		c := r.check(departure.ServerSeen)
		r.ok(r.e.Say(t.Context(), r.id, departure.Word{Check: c.ID, Kind: departure.Accept, List: c.Ask.List, Statement: "nobody else writes to it"}))
		r.pass()
		if r.snap().Verdict.Ready {
			t.Error("it counts without the owner")
		}
		r.ok(world.Authorise(t.Context(), r.e, r.id, r.snap()))
		r.pass()
		if c := r.check(departure.ServerSeen); c.Status != departure.Waived || !r.snap().Verdict.Ready {
			t.Errorf("%s, ready %v", c.Status, r.snap().Verdict.Ready)
		}
	})
}
