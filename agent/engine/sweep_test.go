package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// sweeper is the world's worker, whose sweeps answer what a test wants. After
// one nobody can look any more, so that the rows stay as the sweep left them.
type sweeper struct {
	engine.Worker
	w     *world.World
	sweep func() ([]engine.Moved, error)
}

func (s *sweeper) Sweep(ctx context.Context, job engine.Job) ([]engine.Moved, error) {
	if s.sweep == nil {
		return s.Worker.Sweep(ctx, job)
	}
	s.w.Do(func() { s.w.Broken["Look"] = errors.New("the test holds still") })
	return s.sweep()
}

// swept is a rig whose sweeps are the test's.
func swept(t *testing.T, needs departure.Needs) (*rig, *sweeper) {
	t.Helper()
	r := &rig{t: t, w: world.New(), rules: &world.Rules{Needs: needs}}
	s := &sweeper{Worker: r.w.Worker(), w: r.w}
	cfg := r.w.Config(r.rules)
	cfg.Worker = s
	r.e = engine.New(cfg)
	r.ok(r.e.Load(t.Context()))
	t.Cleanup(r.e.Close)
	r.open(departure.Delete)
	return r, s
}

// broken are the rows of the seal that do not hold, with why.
func (r *rig) broken() map[departure.SourceID]string {
	r.t.Helper()
	rows := make(map[departure.SourceID]string)
	for _, row := range r.snap().Record.Seal.Rows {
		if !row.Intact {
			rows[row.Source.ID] = row.Why.Text
		}
	}
	return rows
}

// A sweep breaks the rows of what moved, and no other; whatever it finds,
// nothing is done.
func TestWhichRowsASweepBreaks(t *testing.T) {
	photos := world.CloudID(departure.Photos)
	away := departure.Reason{Code: "unreachable", Text: "the server cannot be reached"}
	changed := "address book changed after the last look"
	for name, c := range map[string]struct {
		moved []engine.Moved
		err   error
		touch bool
		rows  map[departure.SourceID]string
		why   string // that is waited for
	}{
		"one that changed":          {moved: []engine.Moved{{Source: world.BookID}}, rows: map[departure.SourceID]string{world.BookID: changed}},
		"one that cannot be listed": {moved: []engine.Moved{{Source: photos, Why: away}}, rows: map[departure.SourceID]string{photos: away.Text}},
		"two": {moved: []engine.Moved{{Source: photos, Why: away}, {Source: world.BookID}},
			rows: map[departure.SourceID]string{photos: away.Text, world.BookID: changed}},
		"the first reason stays":         {moved: []engine.Moved{{Source: photos, Why: away}, {Source: photos}}, rows: map[departure.SourceID]string{photos: away.Text}},
		"one that no row stands for":     {moved: []engine.Moved{{Source: "new"}}},
		"sources that nobody can find":   {moved: []engine.Moved{{Why: departure.Reason{Code: "eds", Text: "no books"}}}, why: "no books"},
		"an error":                       {err: errors.New("input/output error"), why: "input/output error"},
		"something else, while it swept": {touch: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, s := swept(t, departure.Web)
			r.authorised()
			s.sweep = func() ([]engine.Moved, error) {
				if c.touch {
					r.w.Do(func() { r.w.Touch("") })
				}
				return c.moved, c.err
			}
			r.pass()
			if got := r.broken(); len(got) != len(c.rows) || !slices.Equal(keysOf(got), keysOf(c.rows)) {
				t.Errorf("broken: %v, want %v", got, c.rows)
			}
			for id, why := range c.rows {
				if got := r.broken()[id]; got != why {
					t.Errorf("%s is broken because %q, want %q", id, got, why)
				}
			}
			if s := r.snap(); !strings.Contains(s.WaitingWhy, c.why) || (c.why != "" && !s.Retry) {
				t.Errorf("it waits for %q, retry %v", s.WaitingWhy, s.Retry)
			}
			if n := r.calls("Sweep") + r.w.Disables + r.w.Unbinds; n != 0 {
				t.Errorf("%d acts", n)
			}
			s.sweep = nil
			r.w.Do(func() { delete(r.w.Broken, "Look") })
			r.reach(ready)
		})
	}
}

func keysOf(m map[departure.SourceID]string) []departure.SourceID {
	var ids []departure.SourceID
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Once the deletion was asked for on the signed-in device, the server's part
// stays as it was sealed: a sweep that finds it gone breaks the device's rows
// alone.
func TestSweepAfterTheDeletionWasAskedForHere(t *testing.T) {
	r, s := swept(t, departure.SignedInHere)
	r.reach(ready)
	r.ok(r.e.Submitted(t.Context(), r.id, r.w.Clock().Now()))
	var moved []engine.Moved
	for _, d := range departure.Datasets {
		moved = append(moved, engine.Moved{Source: world.CloudID(d), Why: departure.Reason{Code: "unreachable", Text: "gone"}})
	}
	s.sweep = func() ([]engine.Moved, error) { return append(moved, engine.Moved{Source: world.BookID}), nil }
	for range 3 {
		if len(r.broken()) > 0 {
			break
		}
		r.ok(r.w.Honest(t.Context(), r.e, r.id))
	}
	if got := keysOf(r.broken()); len(got) != 1 || got[0] != world.BookID || r.w.Unbinds != 0 {
		t.Errorf("broken: %v; %d sign-outs", got, r.w.Unbinds)
	}
}

// A last look that lacks a source, or finds one that it cannot list, holds every
// act back until it is whole.
func TestSealThatIsNotWhole(t *testing.T) {
	for name, c := range map[string]struct{ begin, end func(*world.World) }{
		"a source that nobody can find":  {func(w *world.World) { w.Unseen = "the books could not be listed" }, func(w *world.World) { w.Unseen = "" }},
		"a source that cannot be listed": {func(w *world.World) { w.ServerUp = false }, func(w *world.World) { w.ServerUp = true }},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New()
			r := rigged(t, w, departure.Delete)
			r.asked()
			began := false
			w.Meddle = func(at string) {
				if at == "before seal" && !began {
					began = true
					c.begin(w)
				}
			}
			r.ok(world.Authorise(t.Context(), r.e, r.id, r.snap()))
			w.Do(func() { w.Time = w.Time.Add(departure.SealLife + 1) })
			for range 3 {
				r.pass()
			}
			if !began || w.Disables+w.Unbinds != 0 || r.snap().Verdict.Release {
				t.Errorf("begun %v; %d acts, release %v", began, w.Disables+w.Unbinds, r.snap().Verdict.Release)
			}
			w.Do(func() { c.end(w) })
			r.reach(ready)
		})
	}
}

// A last look that says of itself that it may lack sources is not kept, even
// where the looks around it are whole.
func TestSealThatMayLackSources(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.asked()
	lacking := 2
	w.Meddle = func(at string) {
		w.Unseen = ""
		if at == "before seal" && lacking > 0 {
			lacking--
			w.Unseen = "the books could not be listed"
		}
	}
	r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Seal = nil
		return nil, nil
	}))
	r.ok(world.Authorise(t.Context(), r.e, r.id, r.snap()))
	for lacking > 0 {
		r.pass()
		if s := r.snap(); s.Record.Seal != nil || w.Disables+w.Unbinds != 0 || !s.Retry || !strings.Contains(s.WaitingWhy, "the books") {
			t.Fatalf("sealed %v, %d acts, waiting %q, retry %v", s.Record.Seal != nil, w.Disables+w.Unbinds, s.WaitingWhy, s.Retry)
		}
	}
	r.reach(ready)
}
