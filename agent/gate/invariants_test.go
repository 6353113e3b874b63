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
	path   departure.Needs
	// permits given so far, with the world's changes counted then.
	permits  []string
	at       []int
	changes  int
	receipts int
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
	a, err := start(s.w, world.Rules{Needs: s.path})
	if err != nil {
		t.Fatal(err)
	}
	s.a, s.permits, s.at = a, nil, nil
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

// mutations are what other devices, people and thieves do to the world. Each
// that matters for a receipt says so.
var mutations = map[string]func(*rapid.T, *world.World) (matters bool){
	"item appears at the server": func(t *rapid.T, w *world.World) bool {
		d := rapid.SampledFrom(departure.Datasets).Draw(t, "dataset")
		w.Cloud[d][rapid.SampledFrom([]string{"new-1", "new-2", "new-3"}).Draw(t, "item")] = rapid.IntRange(1, 3).Draw(t, "revision")
		return true
	},
	"item vanishes at the server": func(t *rapid.T, w *world.World) bool {
		d := rapid.SampledFrom(departure.Datasets).Draw(t, "dataset")
		for _, item := range slices.Sorted(maps.Keys(w.Cloud[d])) {
			delete(w.Cloud[d], item)
			return true
		}
		return false
	},
	"contact made offline": func(t *rapid.T, w *world.World) bool {
		if !w.SignedIn() {
			return false
		}
		w.Book["offline"] = rapid.IntRange(1, 3).Draw(t, "revision")
		w.Trash["offline"] = w.Book["offline"]
		w.Touch("book")
		return true
	},
	"server goes or comes": func(t *rapid.T, w *world.World) bool { w.ServerUp = !w.ServerUp; return false },
	"disk goes or comes":   func(t *rapid.T, w *world.World) bool { w.Plugged = !w.Plugged; return false },
	"a file of the copy is damaged": func(t *rapid.T, w *world.World) bool {
		for _, k := range slices.Sorted(maps.Keys(w.Disk)) {
			w.Disk[k] = -1
			return true
		}
		return false
	},
	"account signed out by someone": func(t *rapid.T, w *world.World) bool {
		for _, id := range slices.Sorted(maps.Keys(w.Bindings)) {
			if w.Bindings[id] {
				w.Bindings[id] = false
				w.Touch("")
				return true
			}
		}
		return false
	},
	"account signed in again": func(t *rapid.T, w *world.World) bool {
		if w.SignedIn() {
			return false
		}
		w.SignIn()
		return true
	},
	"find my device switched": func(t *rapid.T, w *world.World) bool {
		w.Switch(rapid.SampledFrom([]string{"on", "off", "mute", ""}).Draw(t, "state"))
		return true
	},
	"keyring locked or not": func(t *rapid.T, w *world.World) bool { w.Locked = !w.Locked; return false },
	"another account comes": func(t *rapid.T, w *world.World) bool {
		if len(w.Others) < 3 {
			w.Others = append(w.Others, departure.OtherHolder{ID: fmt.Sprint("other-", len(w.Others)), Name: "other"})
		}
		return false
	},
	"time passes": func(t *rapid.T, w *world.World) bool {
		w.Time = w.Time.Add(time.Duration(rapid.SampledFrom([]int{1, 4, 11, 90, 60 * 13, 60 * 25}).Draw(t, "minutes")) * time.Minute)
		return false
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
	if mutations[name](t, s.w) {
		s.changes++
	}
}

// permit asks for one, and holds what comes of it against I1.
func (s *story) permit(t *rapid.T) {
	before := s.changes
	p, _, err := s.a.g.Issue(context.Background(), s.id, "0123456789abcdef", "rp")
	if err != nil {
		var nr *gate.NotReadyError
		if !errors.As(err, &nr) && !errors.Is(err, engine.ErrBusy) && !errors.Is(err, world.ErrCrash) {
			t.Fatal(err)
		}
		return
	}
	s.permits, s.at = append(s.permits, p.ID), append(s.at, before)
}

func (s *story) redeem(t *rapid.T) {
	if len(s.permits) == 0 {
		return
	}
	i := rapid.IntRange(0, len(s.permits)-1).Draw(t, "permit")
	_, at, err := s.a.g.Redeem(context.Background(), s.permits[i], "fedcba9876543210")
	if err != nil {
		return
	}
	s.receipts++
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
		s.w.Cloud[d]["meddled"] = s.w.Cloud[d]["meddled"] + 1
		s.changes++
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
	for range 60 {
		s.person(t)
		s.effects(t)
		rec := s.record(t)
		snap, _, err := s.a.e.Snapshot(context.Background(), s.id)
		if err != nil {
			t.Fatal(err)
		}
		if rec.State != engine.Open || (s.intent == departure.Delete && snap.Verdict.Ready) {
			break
		}
		s.w.Time = s.w.Time.Add(time.Second)
	}
	rec := s.record(t)
	snap, _, err := s.a.e.Snapshot(context.Background(), s.id)
	if err != nil {
		t.Fatal(err)
	}
	if s.intent != departure.Delete {
		if rec.State != engine.Finished {
			s.explain(t, snap)
		}
		return
	}
	if _, err := s.a.permit(s.id, "rp"); err != nil {
		t.Logf("permit: %v", err)
		s.explain(t, snap)
	}
	if why := s.w.Unsafe(s.record(t).Trackers); why != "" {
		t.Fatalf("I1: a receipt was given, but %s", why)
	}
}

func (s *story) explain(t *rapid.T, snap engine.Snapshot) {
	for _, c := range snap.Verdict.Checks.Open() {
		t.Logf("%s %s [%s]: %s", c.ID, c.Status, c.Reason.Code, c.Reason.Text)
	}
	t.Fatalf("I3: an honest person never reaches the end; waiting %v %q, seal %+v", snap.Waiting, snap.WaitingWhy, snap.Record.Seal)
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world.New()
		path := rapid.SampledFrom([]departure.Needs{departure.Web, departure.SignedInHere, departure.AskAdmin}).Draw(t, "path")
		intent := rapid.SampledFrom([]departure.Intent{departure.Delete, departure.Delete, departure.SignOut}).Draw(t, "intent")
		a, err := start(w, world.Rules{Needs: path})
		if err != nil {
			t.Fatal(err)
		}
		s := &story{w: w, a: a, intent: intent, path: path}
		defer func() { s.a.stop() }()
		if s.id, err = a.open(intent, world.Me); err != nil {
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
				_ = s.a.e.Pass(ctx, s.id) //nolint:errcheck // its end is the point
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
