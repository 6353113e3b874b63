package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// What nobody knows holds nothing and is done by nobody.
func TestUnknownStep(t *testing.T) {
	if ok, why := holds("dance", departure.Facts{}, departure.Verdict{Ready: true, Complete: true}); ok || why == "" {
		t.Errorf("it holds: %v, %q", ok, why)
	}
	for _, s := range departure.Steps {
		if ok, why := holds(s, departure.Facts{}, departure.Verdict{}); ok || why == "" {
			t.Errorf("%s holds over nothing: %q", s, why)
		}
	}
	e := New(Config{})
	p := &pass{e: e, r: newRun(e, "x"), rec: &Record{}, tried: map[departure.Step]bool{}, waits: map[departure.Step]waitFor{}}
	odd := &step{id: "dance", run: func(*pass, context.Context) Outcome { return nil }}
	if p.execute(t.Context(), odd) {
		t.Error("the pass goes on after an outcome that nobody knows")
	}
	if w := p.waits["dance"]; !strings.Contains(w.why, "not known") || w.remedy.Command == "" || w.retry {
		t.Errorf("waiting for %+v", w)
	}
}

// Every step of the domain either does something or only decides; each of those
// that do is known to holds.
func TestStepsAreKnown(t *testing.T) {
	for _, s := range steps {
		if s.id.Order() < 0 {
			t.Errorf("%s is no step of the domain", s.id)
		}
	}
	for i := 1; i < len(steps); i++ {
		if steps[i-1].id.Order() >= steps[i].id.Order() {
			t.Errorf("%s is tried before %s", steps[i-1].id, steps[i].id)
		}
	}
}

func TestEpochsOfTwoStartsDiffer(t *testing.T) {
	e := New(Config{})
	first, second := newRun(e, "x"), newRun(e, "x")
	if first.epoch.Load() == second.epoch.Load() {
		t.Error("the same epoch after a start anew")
	}
}

// TestEpochMovesBeforeItIsTold: an answer between the two does not stand.
func TestEpochMovesBeforeItIsTold(t *testing.T) {
	e := New(Config{})
	r := newRun(e, "x")
	e.runs["x"] = r
	r.saved = &Record{State: Open}
	r.show(&Looked{Verdict: departure.Verdict{Ready: true, At: time.Unix(1, 0)}, Epoch: r.epoch.Load()})
	s, _, err := e.Snapshot(t.Context(), "x")
	if err != nil || s.Stale {
		t.Fatalf("stale %v, %v", s.Stale, err)
	}
	r.epoch.Add(1)
	after, _, err := e.Snapshot(t.Context(), "x")
	if err != nil || !after.Stale || after.Epoch == s.Epoch {
		t.Errorf("stale %v, %v", after.Stale, err)
	}
}
