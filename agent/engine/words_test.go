package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// refused holds that err is a refusal of that code.
func (r *rig) refused(err error, code string) {
	r.t.Helper()
	var refusal *engine.RefusedError
	if !errors.As(err, &refusal) || refusal.Code != code || refusal.Text == "" {
		r.t.Errorf("got %v, want a refusal %q", err, code)
	}
}

func (r *rig) version() uint64 {
	rec, err := r.w.Store.Load(r.t.Context(), r.id)
	r.ok(err)
	return uint64(rec.Version)
}

func TestSay(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	word := departure.Word{Check: departure.RecordsPurchases, Kind: departure.Acknowledge, Statement: "yes"}
	r.refused(r.e.Say(t.Context(), r.id, word), "invalid") // nobody looked yet
	r.pass()
	word.List = r.check(departure.RecordsPurchases).Ask.List
	before := r.version()
	for name, c := range map[string]struct {
		change func(*departure.Word)
		code   string
	}{
		"another list":     {func(w *departure.Word) { w.List = "old" }, "stale"},
		"another subject":  {func(w *departure.Word) { w.Subject = "x" }, "stale"},
		"another kind":     {func(w *departure.Word) { w.Kind = departure.Accept }, "invalid"},
		"no statement":     {func(w *departure.Word) { w.Statement = "" }, "invalid"},
		"a negative count": {func(w *departure.Word) { w.Count = -1 }, "invalid"},
		"no such check":    {func(w *departure.Word) { w.Check = "vibes" }, "invalid"},
		"nothing asked":    {func(w *departure.Word) { w.Check = departure.PolicyAllows }, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := word
			c.change(&w)
			r.refused(r.e.Say(t.Context(), r.id, w), c.code)
		})
	}
	if r.version() != before {
		t.Error("a refused word changed the record")
	}
	r.ok(r.e.Say(t.Context(), r.id, word))
	r.pass()
	if c := r.check(departure.RecordsPurchases); c.Status.Holds() || c.Reason.Code != "awaits-authorisation" {
		t.Errorf("said: %s [%s]", c.Status, c.Reason.Code)
	}
	word.Statement = "yes, again"
	r.ok(r.e.Say(t.Context(), r.id, word))
	if n := len(r.snap().Record.Words); n != 1 {
		t.Errorf("%d words after the same was said twice", n)
	}
	if err := r.e.Say(t.Context(), "none", word); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("about no departure: %v", err)
	}
	r.ok(r.e.Cancel(t.Context(), r.id, false, ""))
	r.refused(r.e.Say(t.Context(), r.id, word), "invalid")
}

func TestLateWordCountsFromTheNextAuthorisation(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.reach(ready)
	r.rules.Consequences = []departure.Line{{ID: "new", Text: "and one thing more"}}
	r.pass()
	c := r.check(departure.ConsequencesAcknowledged)
	if c.Status.Holds() || c.Ask == nil {
		t.Fatalf("a word over the shorter list still counts: %s", c.Status)
	}
	r.ok(r.e.Say(t.Context(), r.id, departure.Word{Check: c.ID, Kind: c.Ask.Kind, List: c.Ask.List, Statement: "yes"}))
	r.pass()
	if c := r.check(departure.ConsequencesAcknowledged); c.Status.Holds() {
		t.Errorf("it counts without the owner: %s", c.Status)
	}
	r.ok(r.e.Authorize(t.Context(), r.id, "uid:1", "", departure.WordsDigest(r.snap().Record.Words), nil))
	r.pass()
	if c := r.check(departure.ConsequencesAcknowledged); c.Status != departure.Pass || !r.snap().Verdict.Ready {
		t.Errorf("authorised: %s, ready %v", c.Status, r.snap().Verdict.Ready)
	}
}

func TestAuthorize(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	find, unbind := departure.FindMyEffect(world.Implementer), departure.UnbindEffect("goa-1")
	both := []departure.Effect{find, unbind}
	words := func() departure.Digest { return departure.WordsDigest(r.snap().Record.Words) }
	authorize := func(words departure.Digest, effects ...departure.Effect) error {
		return r.e.Authorize(t.Context(), r.id, "uid:1", "wrong", words, effects)
	}
	r.refused(authorize(words()), "not-ready")
	r.pass()
	before := r.version()
	r.refused(authorize("old", both...), "stale")
	r.refused(authorize(words(), departure.UnbindEffect("goa-2")), "stale")
	r.refused(authorize(words(), find, "format:disk"), "stale")
	if r.version() != before {
		t.Error("a refused authorisation changed the record")
	}
	r.ok(authorize(words(), unbind, find, unbind, find))
	if g := r.snap().Record.Grants; len(g) != 2 || g[0].Effect == g[1].Effect {
		t.Errorf("granted %+v", g)
	}
	r.ok(authorize(words(), find))
	grants := r.snap().Record.Grants
	usable := slices.DeleteFunc(slices.Clone(grants), func(g departure.Grant) bool { return !g.Usable(r.w.Time) })
	if len(grants) != 3 || len(usable) != 1 || usable[0].Effect != find {
		t.Errorf("usable after a later authorisation: %+v", usable)
	}
	if err := r.e.Authorize(t.Context(), "none", "uid:1", "", "", nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("of no departure: %v", err)
	}
	r.ok(r.e.Cancel(t.Context(), r.id, false, ""))
	r.refused(authorize(words()), "invalid")
}

func TestDelay(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.rules.Delay = time.Hour
	r.authorised()
	r.pass()
	if c := r.check(departure.AuthorizeGranted); c.Reason.Code != "delay" || r.w.Disables+r.w.Unbinds != 0 {
		t.Fatalf("%s [%s] %q, %d acts", c.Status, c.Reason.Code, c.Reason.Text, r.w.Disables+r.w.Unbinds)
	}
	r.w.Time = r.w.Time.Add(time.Hour - 1)
	r.pass()
	if r.w.Disables+r.w.Unbinds != 0 {
		t.Error("acted before the delay ended")
	}
	r.w.Time = r.w.Time.Add(1)
	r.reach(ready)
	if n := len(r.snap().Record.Authorisations); n != 1 {
		t.Errorf("authorised %d times", n)
	}
}

func TestGrantEndsAfterADay(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.authorised()
	r.w.Locked = true
	r.pass() // off, but not signed out: the keyring is locked
	s := r.snap()
	if r.w.Disables != 1 || r.w.Unbinds != 0 || s.Waiting == nil || s.Waiting.Code != "unlock" {
		t.Fatalf("%d times off, %d sign-outs, waiting for %v", r.w.Disables, r.w.Unbinds, s.Waiting)
	}
	r.w.Time = r.w.Time.Add(departure.GrantLife)
	r.w.Locked = false
	r.pass()
	r.pass()
	if r.w.Unbinds != 0 {
		t.Error("signed out with a grant of yesterday")
	}
	r.reach(ready)
}

func TestSubmitted(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.reach(ready)
	r.refused(r.e.Submitted(t.Context(), r.id, time.Time{}), "invalid")
	r.refused(r.e.Submitted(t.Context(), r.id, r.w.Time.Add(2*time.Minute)), "invalid")
	r.ok(r.e.Submitted(t.Context(), r.id, r.w.Time))
	r.refused(r.e.Cancel(t.Context(), r.id, true, "right"), "invalid")
	r.pass()
	if s := r.snap(); s.Record.State != engine.Finished {
		t.Errorf("%s after the deletion was asked for", s.Record.State)
	}
	r.refused(r.e.Submitted(t.Context(), r.id, r.w.Time), "invalid")

	out := rigged(t, world.New(), departure.SignOut)
	out.refused(out.e.Submitted(t.Context(), out.id, out.w.Time), "invalid")
}

// The deletion is asked for on this device, still signed in: the server then
// shows nothing any more, and the sign-out takes a grant and a last look of its
// own.
func TestSubmittedFromHere(t *testing.T) {
	for _, after := range []string{"unauthorized", "empty"} {
		t.Run(after, func(t *testing.T) {
			r := rigged(t, world.New(), departure.Delete)
			r.rules.Needs = departure.SignedInHere
			r.reach(ready)
			if r.w.Unbinds != 0 || r.w.Disables != 1 {
				t.Fatalf("%d sign-outs, %d times off while the account is still needed here", r.w.Unbinds, r.w.Disables)
			}
			sealed := r.snap().Record.Seal.Row(world.CloudID(departure.Notes)).Keys
			r.w.Deleted = after
			r.w.Time = r.w.Time.Add(20 * time.Minute)
			r.ok(r.e.Submitted(t.Context(), r.id, r.w.Time))
			r.pass()
			if r.w.Unbinds != 0 {
				t.Fatal("signed out without a grant")
			}
			r.reach(finished)
			if got := r.snap().Record.Seal.Row(world.CloudID(departure.Notes)).Keys; r.w.Unbinds != 1 || got != sealed {
				t.Errorf("%d sign-outs; the server's part is sealed anew: %v", r.w.Unbinds, got != sealed)
			}
		})
	}
	t.Run("a contact made here is still saved", func(t *testing.T) {
		r := rigged(t, world.New(), departure.Delete)
		r.rules.Needs = departure.SignedInHere
		r.reach(ready)
		r.w.Deleted = "unauthorized"
		r.ok(r.e.Submitted(t.Context(), r.id, r.w.Time))
		r.w.Book["offline"] = 1
		r.reach(finished)
		if r.w.Disk["book/offline"] != 1 {
			t.Error("a contact is lost")
		}
	})
	t.Run("the system signs out by itself", func(t *testing.T) {
		r := rigged(t, world.New(), departure.Delete)
		r.rules.Needs = departure.SignedInHere
		r.reach(ready)
		r.w.Deleted = "unauthorized"
		r.ok(r.e.Submitted(t.Context(), r.id, r.w.Time))
		r.w.SignOut()
		r.pass()
		if !finished(r.snap()) || r.w.Unbinds != 0 {
			t.Errorf("%s, %d sign-outs", r.snap().Record.State, r.w.Unbinds)
		}
	})
}

func TestRaise(t *testing.T) {
	r := rigged(t, world.New(), departure.SignOut)
	r.reach(finished)
	r.ok(r.e.Raise(t.Context(), r.id, "x"))
	s := r.snap()
	if s.Record.State != engine.Open || s.Record.Departure.Intent != departure.Delete || !s.Record.Closed.IsZero() {
		t.Errorf("raised: %+v", s.Record)
	}
	before := r.version()
	r.ok(r.e.Raise(t.Context(), r.id, "x"))
	if r.version() != before {
		t.Error("raised twice")
	}
	r.w.Credential = false
	r.reach(ready)

	again := rigged(t, world.New(), departure.SignOut)
	again.reach(finished)
	old := again.id
	again.w.SignIn()
	again.open(departure.SignOut)
	if err := again.e.Raise(t.Context(), old, "x"); !errors.Is(err, engine.ErrAlreadyOpen) {
		t.Errorf("raised while the account is left anew: %v", err)
	}
	again.ok(again.e.Cancel(t.Context(), again.id, false, ""))
	again.refused(again.e.Raise(t.Context(), again.id, "x"), "invalid")
	if err := again.e.Raise(t.Context(), "none", "x"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("of no departure: %v", err)
	}
}

func TestOneDepartureOfAnAccount(t *testing.T) {
	r := rigged(t, world.New(), departure.SignOut)
	if err := r.e.Open(t.Context(), r.w.Record(departure.Delete, world.Me)); !errors.Is(err, engine.ErrAlreadyOpen) {
		t.Errorf("a second one: %v", err)
	}
	r.ok(r.e.Open(t.Context(), r.w.Record(departure.Delete, world.Declared)))
	r.reach(finished)
	r.ok(r.e.Open(t.Context(), r.w.Record(departure.Delete, world.Me)))
}

func TestCancel(t *testing.T) {
	for name, c := range map[string]struct {
		notSubmitted bool
		proof        string
		change       func(*world.World)
		enabled      int
		refused      bool // the leaving is cancelled, but this is told
	}{
		"switches it on again":                  {true, "right", nil, 1, false},
		"not asked to":                          {false, "right", nil, 0, false},
		"without proof":                         {true, "", nil, 0, false},
		"wrong proof":                           {true, "wrong", nil, 0, true},
		"the account is gone at the server":     {true, "right", func(w *world.World) { w.Deleted = "unauthorized" }, 0, true},
		"the server has nothing of it any more": {true, "right", func(w *world.World) { w.Deleted = "empty" }, 0, true},
		"the server is away":                    {true, "right", func(w *world.World) { w.ServerUp = false }, 0, true},
		"nobody can look":                       {true, "right", func(w *world.World) { w.Broken["Look"] = engine.ErrNoWorker }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := rigged(t, world.New(), departure.Delete)
			r.reach(ready)
			if c.change != nil {
				c.change(r.w)
			}
			err := r.e.Cancel(t.Context(), r.id, c.notSubmitted, c.proof)
			if c.refused {
				r.refused(err, "unavailable")
			} else {
				r.ok(err)
			}
			if s := r.snap(); s.Record.State != engine.Cancelled || s.Record.Closed.IsZero() || r.w.Enables != c.enabled {
				t.Errorf("%s, switched on %d times", s.Record.State, r.w.Enables)
			}
			if len(r.w.Disk) == 0 {
				t.Error("the copy is gone")
			}
			r.refused(r.e.Cancel(t.Context(), r.id, true, "right"), "invalid")
			looks := r.w.Calls["Look"]
			r.pass()
			if r.w.Calls["Look"] != looks {
				t.Error("a cancelled departure is looked at")
			}
		})
	}
	t.Run("what was off before stays off", func(t *testing.T) {
		w := world.New()
		w.Tracker = "off"
		r := rigged(t, w, departure.Delete)
		r.reach(ready)
		r.ok(r.e.Cancel(t.Context(), r.id, true, "right"))
		if w.Enables != 0 {
			t.Error("switched on what the person had switched off")
		}
	})
	t.Run("before anything was done", func(t *testing.T) {
		r := rigged(t, world.New(), departure.Delete)
		r.ok(r.e.Cancel(t.Context(), r.id, true, "right"))
		if err := r.e.Cancel(t.Context(), "none", true, ""); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("of no departure: %v", err)
		}
	})
	t.Run("while something runs", func(t *testing.T) {
		r := rigged(t, world.New(), departure.Delete)
		held := make(chan struct{})
		r.w.Block["Look"] = held
		done := make(chan error)
		go func() { done <- r.e.Pass(context.WithoutCancel(t.Context()), r.id) }()
		<-r.w.Entered
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.e.Cancel(ctx, r.id, false, ""); !errors.Is(err, engine.ErrBusy) {
			t.Errorf("got %v", err)
		}
		close(held)
		r.ok(<-done)
	})
}

func TestWhatOthersShareCanBeAskedForLater(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	for range 2 {
		r.ok(r.e.AddShared(t.Context(), r.id))
		if !r.snap().Record.Departure.Shared {
			t.Error("it was asked for and is not known")
		}
	}
	r.ok(r.e.Cancel(t.Context(), r.id, false, ""))
	r.refused(r.e.AddShared(t.Context(), r.id), "invalid")
}
