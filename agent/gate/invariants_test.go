package gate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

// story is one random order of events, held against the invariants:
//
//	I1 a receipt means that at that moment every item that is lost or leaves is
//	   in the ledger and at the destination
//	I2 irreversible effects are never more than the grants used
//	I3 an honest person who does everything asked reaches the end
//	I4 no permit outlives a change that matters, and one that does not matter
//	   never blocks for ever
type story struct {
	w      *world.World
	a      *agent
	id     string
	intent departure.Intent
	rules  world.Rules
	// permits given in this run of the agent, with the world as it was when each
	// was signed.
	permits []string
	at      map[string]departure.Digest
	signed  departure.Digest // the world at the last signature
}

func (s *story) fatal(t *rapid.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, world.ErrCrash) {
		return
	}
	t.Fatal(err)
}

// restart is what happens after a crash, and at any time by hand.
func (s *story) restart(t *rapid.T) {
	s.a.stop()
	s.w.Crash()
	if err := s.begin(); err != nil {
		t.Fatal(err)
	}
}

// begin starts an agent over the world as it is.
func (s *story) begin() (err error) {
	s.a, err = start(s.w, s.rules)
	s.a.signing = func() { s.signed = s.w.Now() }
	return err
}

func (s *story) reviveIfDead(t *rapid.T) {
	if s.w.Dead {
		s.restart(t)
	}
}

func (s *story) record(t *rapid.T) *engine.Record {
	rec, err := s.w.Store.Load(context.Background(), s.id)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// effects is I2, held after every event.
func (s *story) effects(t *rapid.T) {
	rec := s.record(t)
	used := map[bool]int{}
	for _, g := range rec.Grants {
		if !g.UsedAt.IsZero() {
			_, find := g.Effect.Implementer()
			used[find]++
		}
	}
	if s.w.Disables > used[true] || s.w.Unbinds > used[false] {
		t.Fatalf("I2: %d times off with %d grants used, %d sign-outs with %d", s.w.Disables, used[true], s.w.Unbinds, used[false])
	}
}

// mutations are what other devices, people and thieves do to the world.
var mutations = map[string]func(*rapid.T, *world.World){
	"item appears at the server": func(t *rapid.T, w *world.World) {
		d := rapid.SampledFrom(departure.Datasets).Draw(t, "dataset")
		w.Cloud[d][rapid.SampledFrom([]string{"new-1", "new-2", "new-3"}).Draw(t, "item")] = rapid.IntRange(1, 3).Draw(t, "revision")
	},
	"item vanishes at the server": func(t *rapid.T, w *world.World) {
		d := rapid.SampledFrom(departure.Datasets).Draw(t, "dataset")
		for _, item := range slices.Sorted(maps.Keys(w.Cloud[d])) {
			delete(w.Cloud[d], item)
			return
		}
	},
	"contact made offline": func(t *rapid.T, w *world.World) {
		if !w.SignedIn() {
			return
		}
		w.Book["offline"] = rapid.IntRange(1, 3).Draw(t, "revision")
		w.Trash["offline"] = w.Book["offline"]
		w.Touch("book")
	},
	"server goes or comes": func(t *rapid.T, w *world.World) { w.ServerUp = !w.ServerUp },
	"the server's mark":    func(t *rapid.T, w *world.World) { w.Unmarked = !w.Unmarked },
	"disk goes or comes":   func(t *rapid.T, w *world.World) { w.Plugged = !w.Plugged },
	"a file of the copy is damaged": func(t *rapid.T, w *world.World) {
		for _, k := range slices.Sorted(maps.Keys(w.Disk)) {
			w.Disk[k] = -1
			return
		}
	},
	"account signed out by someone": func(t *rapid.T, w *world.World) {
		for _, id := range slices.Sorted(maps.Keys(w.Bindings)) {
			if w.Bindings[id] {
				w.Bindings[id] = false
				w.Touch("")
				return
			}
		}
	},
	"account signed in again": func(t *rapid.T, w *world.World) {
		if !w.SignedIn() && !w.Given {
			w.SignIn()
		}
	},
	"a program keeps the password, or forgets it": func(_ *rapid.T, w *world.World) {
		w.Bindings[world.ByHand] = !w.Bindings[world.ByHand]
		w.Touch("")
	},
	"find my device switched": func(t *rapid.T, w *world.World) {
		w.Switch(rapid.SampledFrom([]string{"on", "off", "mute", ""}).Draw(t, "state"))
	},
	"keyring locked or not": func(t *rapid.T, w *world.World) { w.Locked = !w.Locked },
	"another account comes": func(t *rapid.T, w *world.World) {
		if len(w.Others) < 3 {
			w.Others = append(w.Others, departure.OtherHolder{ID: fmt.Sprint("other-", len(w.Others)), Name: "other"})
		}
	},
	"a folder that was given fills": func(t *rapid.T, w *world.World) {
		w.Folder[rapid.SampledFrom([]string{"b.jpg", "c.jpg"}).Draw(t, "item")] = rapid.IntRange(1, 3).Draw(t, "revision")
		w.Touch(world.GivenID)
	},
	"an item that cannot be copied": func(t *rapid.T, w *world.World) {
		w.Fails[rapid.SampledFrom([]string{"new-1", "new-2"}).Draw(t, "item")] = true
	},
	"the clock is set back": func(t *rapid.T, w *world.World) { w.Time = w.Time.Add(-2 * time.Minute) },
	"time passes": func(t *rapid.T, w *world.World) {
		w.Time = w.Time.Add(time.Duration(rapid.SampledFrom([]int{1, 4, 11, 90, 60 * 13, 60 * 25}).Draw(t, "minutes")) * time.Minute)
	},
}

var mutationNames = func() []string {
	var names []string
	for name := range mutations {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

func (s *story) mutate(t *rapid.T) {
	name := rapid.SampledFrom(mutationNames).Draw(t, "event")
	mutations[name](t, s.w)
}

// permit asks for one, and holds what comes of it against I1.
func (s *story) permit(t *rapid.T) {
	p, _, err := s.a.g.Issue(context.Background(), s.id, "0123456789abcdef", "rp")
	if err != nil {
		var nr *gate.NotReadyError
		if !errors.As(err, &nr) && !errors.Is(err, engine.ErrBusy) && !errors.Is(err, world.ErrCrash) {
			t.Fatal(err)
		}
		return
	}
	s.permits = append(s.permits, p.ID)
	s.at[p.ID] = s.signed
}

func (s *story) redeem(t *rapid.T) {
	if len(s.permits) == 0 {
		return
	}
	permit := rapid.SampledFrom(s.permits).Draw(t, "permit")
	_, at, err := s.a.g.Redeem(context.Background(), permit, "fedcba9876543210")
	if err != nil {
		return
	}
	if now := s.w.Now(); s.at[permit] != now {
		t.Fatalf("I4: a permit was redeemed although the world changed after it was given")
	}
	if why := s.w.Unsafe(s.record(t).Trackers); why != "" {
		t.Fatalf("I1: a receipt was given at %s, but %s", at, why)
	}
}

func (s *story) person(t *rapid.T) {
	err := s.a.honest(s.id)
	var refused *engine.RefusedError
	if errors.As(err, &refused) {
		return // what they answered had changed; they are shown it anew
	}
	if err != nil && !errors.Is(err, world.ErrCrash) && s.record(t).State == engine.Open {
		t.Fatal(err)
	}
}

// meddler lets another device write at some point within a look, once.
func (s *story) meddler(t *rapid.T) {
	where := rapid.SampledFrom([]string{"after listing", "after seal", "before fence", "before unbind", "after unbind", "after disable"}).Draw(t, "where")
	d := rapid.SampledFrom(departure.Datasets).Draw(t, "dataset")
	kill := rapid.Bool().Draw(t, "kill")
	s.w.Meddle = func(at string) {
		if at != where {
			return
		}
		s.w.Meddle = nil
		if kill && at != "before fence" {
			s.w.Dead = true
			return
		}
		s.w.Cloud[d]["meddled"]++
	}
}

// calm is the world after everything settled: I3 must hold from here.
func (s *story) calm(t *rapid.T) {
	s.w.Meddle, s.w.CrashIn = nil, 0
	s.w.ServerUp, s.w.Plugged, s.w.Locked = true, true, false
	if s.w.Tracker != "off" {
		s.w.Tracker = "on"
	}
	s.reviveIfDead(t)
	if s.intent == departure.SignOut {
		s.reach(t, func(rec *engine.Record, _ engine.Snapshot) bool { return rec.State == engine.Finished })
		if !rapid.Bool().Draw(t, "raised") {
			return
		}
		s.w.Credential = false // it went when the departure closed
		if err := s.a.e.Raise(context.Background(), s.id, "x"); err != nil {
			t.Fatal(err)
		}
	}
	s.reach(t, func(_ *engine.Record, snap engine.Snapshot) bool { return snap.Verdict.Ready })
	audience := "rp"
	if s.record(t).Departure.Account.Declared {
		audience += gate.AcceptsAttested
	}
	if _, err := s.a.permit(s.id, audience); err != nil {
		t.Fatalf("I3: ready, but no permit: %v", err)
	}
	if why := s.w.Unsafe(s.record(t).Trackers); why != "" {
		t.Fatalf("I1: a receipt was given, but %s", why)
	}
	s.w.Deleted = rapid.SampledFrom([]string{"unauthorized", "empty"}).Draw(t, "after the deletion")
	if err := s.a.e.Submitted(context.Background(), s.id, s.w.Time); err != nil {
		t.Fatal(err)
	}
	s.reach(t, func(rec *engine.Record, _ engine.Snapshot) bool { return rec.State == engine.Finished })
}

// reach lets an honest person go on, and holds that they get there.
func (s *story) reach(t *rapid.T, done func(*engine.Record, engine.Snapshot) bool) {
	for range 60 {
		s.person(t)
		s.effects(t)
		snap, _, err := s.a.e.Snapshot(context.Background(), s.id)
		if err != nil {
			t.Fatal(err)
		}
		if done(snap.Record, snap) {
			return
		}
		s.w.Time = s.w.Time.Add(10 * time.Second)
	}
	snap, _, err := s.a.e.Snapshot(context.Background(), s.id)
	if err != nil {
		t.Fatal(err)
	}
	s.explain(t, snap)
}

func (s *story) explain(t *rapid.T, snap engine.Snapshot) {
	for _, c := range snap.Verdict.Checks.Open() {
		t.Logf("%s %s [%s]: %s", c.ID, c.Status, c.Reason.Code, c.Reason.Text)
	}
	t.Fatalf("I3: an honest person never reaches the end; waiting %v %q, seal %+v", snap.Waiting, snap.WaitingWhy, snap.Record.Seal)
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &story{w: world.New(), at: map[string]departure.Digest{}}
		s.rules.Needs = rapid.SampledFrom([]departure.Needs{departure.Web, departure.SignedInHere, departure.AskAdmin}).Draw(t, "path")
		s.intent = rapid.SampledFrom([]departure.Intent{departure.Delete, departure.Delete, departure.SignOut}).Draw(t, "intent")
		account := rapid.SampledFrom([]departure.Account{world.Me, world.Me, world.Me, world.Declared}).Draw(t, "account")
		if account.Declared {
			s.w, s.intent = world.NewDeclared(), departure.Delete
		}
		err := s.begin()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { s.a.stop() }()
		if s.id, err = s.a.open(s.intent, account); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			switch rapid.SampledFrom([]string{"person", "person", "person", "pass", "world", "world", "permit", "redeem", "crash", "kill", "meddle", "cancelled pass"}).Draw(t, "who") {
			case "person":
				s.person(t)
			case "pass":
				s.fatal(t, s.a.e.Pass(context.Background(), s.id))
			case "world":
				s.mutate(t)
			case "permit":
				s.permit(t)
			case "redeem":
				s.redeem(t)
			case "crash":
				s.restart(t)
			case "kill":
				s.w.CrashIn = rapid.IntRange(1, 6).Draw(t, "writes until the kill")
				s.w.CrashAfter = rapid.Bool().Draw(t, "after the commit")
			case "meddle":
				s.meddler(t)
			case "cancelled pass":
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = s.a.e.Pass(ctx, s.id) // its end is the point
			}
			s.reviveIfDead(t)
			s.effects(t)
			if s.record(t).State != engine.Open {
				break
			}
		}
		s.calm(t)
	})
}
