package gate_test

import (
	"context"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// TestAProofIsNotLent: whoever authorises without the password turns nothing off
// with the one that was typed for an earlier authorisation.
func TestAProofIsNotLent(t *testing.T) {
	ctx := context.Background()
	for proof, want := range map[string]int{"right": 1, "": 0} {
		w := world.New()
		a, err := start(w, world.Rules{Needs: departure.Web})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.stop)
		id, err := a.open(departure.Delete, world.Me)
		if err != nil {
			t.Fatal(err)
		}
		until := func(step departure.Step) {
			t.Helper()
			err := a.e.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
				rec.Until = step
				return nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		until(departure.StepSeal)
		reach(t, a, id, func(s engine.Snapshot) bool { return s.Verdict.Release })
		s, _, err := a.e.Snapshot(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.e.Authorize(ctx, id, "uid:1000", proof, departure.WordsDigest(s.Record.Words), s.Verdict.Pending); err != nil {
			t.Fatal(err)
		}
		until(departure.StepTrack)
		if err := a.e.Pass(ctx, id); err != nil {
			t.Fatal(err)
		}
		if w.Do(func() {}); w.Disables != want {
			t.Errorf("authorised with the proof %q: Find My Device was turned off %d times, want %d", proof, w.Disables, want)
		}
	}
}
