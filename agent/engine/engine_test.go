package engine_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an engine over a world, and a departure in it.
type rig struct {
	t     testing.TB
	w     *world.World
	rules *world.Rules
	e     *engine.Engine
	id    string
}

// rigged is an engine that is loaded and not started: a test runs its passes.
func rigged(t testing.TB, w *world.World, intent departure.Intent) *rig {
	r := &rig{t: t, w: w, rules: &world.Rules{Needs: departure.Web}}
	r.load()
	r.open(intent)
	return r
}

func (r *rig) load() {
	r.t.Helper()
	r.e = engine.New(r.w.Config(r.rules))
	r.ok(r.e.Load(r.t.Context()))
	r.t.Cleanup(r.e.Close)
}

// started is an engine whose departures run by themselves, in a bubble of
// synctest: the test closes it.
func started(t testing.TB, w *world.World, intent departure.Intent) *rig {
	w.Live = true
	r := &rig{t: t, w: w, rules: &world.Rules{Needs: departure.Web}}
	r.e = engine.New(r.w.Config(r.rules))
	r.ok(r.e.Start(context.Background()))
	r.open(intent)
	return r
}

func (r *rig) open(intent departure.Intent) {
	rec := r.w.Record(intent, world.Me)
	r.id = rec.Departure.ID
	r.ok(r.e.Open(r.t.Context(), rec))
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) pass() {
	r.t.Helper()
	r.ok(r.e.Pass(r.t.Context(), r.id))
}

func (r *rig) snap() engine.Snapshot {
	r.t.Helper()
	s, _, err := r.e.Snapshot(r.t.Context(), r.id)
	r.ok(err)
	return s
}

func (r *rig) check(id departure.CheckID) departure.Check {
	c, _ := r.snap().Verdict.Checks.Get(id)
	return c
}

func (r *rig) settle() engine.Snapshot {
	r.t.Helper()
	s, err := r.e.Settle(r.t.Context(), r.id)
	r.ok(err)
	return s
}

// reach lets an honest person go on until the departure is where the test wants
// it.
func (r *rig) reach(done func(engine.Snapshot) bool) {
	r.t.Helper()
	for range 40 {
		if done(r.snap()) {
			return
		}
		r.ok(r.w.Honest(r.t.Context(), r.e, r.id))
	}
	for _, c := range r.snap().Verdict.Checks.Open() {
		r.t.Logf("%s %s: %s", c.ID, c.Status, c.Reason.Text)
	}
	r.t.Fatalf("it is never reached; waiting for %q", r.snap().WaitingWhy)
}

// settled is reach for an engine that runs by itself.
func (r *rig) settled(done func(engine.Snapshot) bool) {
	r.t.Helper()
	for range 40 {
		if done(r.settle()) {
			return
		}
		r.ok(r.w.Answer(r.t.Context(), r.e, r.id))
	}
	r.t.Fatalf("it is never reached; waiting for %q", r.snap().WaitingWhy)
}

func ready(s engine.Snapshot) bool    { return s.Verdict.Ready }
func finished(s engine.Snapshot) bool { return s.Record.State == engine.Finished }

// asked brings a new departure to where only the owner's leave is missing.
func (r *rig) asked() {
	r.t.Helper()
	r.ok(r.e.Update(r.t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Destination.Folder = "/media/disk"
		return nil, nil
	}))
	r.pass()
	r.ok(r.w.Say(r.t.Context(), r.e, r.id, r.snap()))
	if s := r.snap(); len(s.Record.Words) < 4 || len(s.Record.Authorisations) > 0 || r.check(departure.BackupVerified).Status != departure.Pass {
		r.t.Fatalf("%d words, %d authorisations", len(s.Record.Words), len(s.Record.Authorisations))
	}
}

// authorised is asked, and then the owner's leave for both acts.
func (r *rig) authorised() {
	r.t.Helper()
	r.asked()
	r.ok(world.Authorise(r.t.Context(), r.e, r.id, r.snap()))
}

func (r *rig) calls(name string) (n int) {
	r.w.Do(func() { n = r.w.Calls[name] })
	return n
}
