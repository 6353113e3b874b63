package enginetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// TrackerRig is a tracker with one implementer on the device, which is on, and
// what a test may do to it.
type TrackerRig struct {
	Tracker engine.Tracker
	Account departure.Account
	Name    string // the implementer's
	Proof   string // the right one
	// Turn switches it by another road than the tracker: "on" or "off".
	Turn func(t *testing.T, to departure.TrackerState)
	// Vanish takes it from the device, Return brings it back as it was.
	Vanish, Return func(t *testing.T)
}

// callLimit is the longest that one call of a tracker may take here.
const callLimit = 20 * time.Second

// TrackerContract holds a tracker against what the engine relies on. open gives a
// rig of its own to each test.
func TrackerContract(t *testing.T, open func(t *testing.T) TrackerRig) {
	state := func(t *testing.T, r TrackerRig, seen ...string) departure.Trackers {
		t.Helper()
		ts, err := r.Tracker.State(within(t), r.Account, seen)
		must(t, err)
		if !ts.Complete {
			t.Fatalf("the device could not be asked in full: %+v", ts.Why)
		}
		return ts
	}
	want := func(t *testing.T, r TrackerRig, state departure.TrackerState, ts departure.Trackers) {
		t.Helper()
		if len(ts.Seen) != 1 || ts.Seen[0].Name != r.Name || ts.Seen[0].State != state {
			t.Fatalf("seen %+v, want %s to be %s", ts.Seen, r.Name, state)
		}
	}
	t.Run("a wrong proof changes nothing", func(t *testing.T) {
		r := open(t)
		want(t, r, departure.TrackerOn, state(t, r))
		for _, proof := range []string{"guess", r.Proof + " "} {
			if err := r.Tracker.Disable(within(t), r.Name, r.Account, proof); !errors.Is(err, engine.ErrProofRefused) {
				t.Errorf("with a wrong proof: %v", err)
			}
		}
		want(t, r, departure.TrackerOn, state(t, r))
	})
	t.Run("the right proof turns it off, and on again", func(t *testing.T) {
		r := open(t)
		must(t, r.Tracker.Disable(within(t), r.Name, r.Account, r.Proof))
		want(t, r, departure.TrackerOff, state(t, r, r.Name))
		if err := r.Tracker.Enable(within(t), r.Name, r.Account, "guess"); !errors.Is(err, engine.ErrProofRefused) {
			t.Errorf("turned on with a wrong proof: %v", err)
		}
		want(t, r, departure.TrackerOff, state(t, r, r.Name))
		must(t, r.Tracker.Enable(within(t), r.Name, r.Account, r.Proof))
		want(t, r, departure.TrackerOn, state(t, r, r.Name))
	})
	t.Run("one that was never here is refused", func(t *testing.T) {
		r := open(t)
		if err := r.Tracker.Disable(within(t), r.Name+"Other", r.Account, r.Proof); err == nil {
			t.Error("turning off what is not there was said to be done")
		}
		want(t, r, departure.TrackerOn, state(t, r))
	})
	t.Run("gone after it was seen is unknown, and back it is as it says", func(t *testing.T) {
		r := open(t)
		must(t, r.Tracker.Disable(within(t), r.Name, r.Account, r.Proof))
		r.Vanish(t)
		want(t, r, departure.TrackerUnknown, state(t, r, r.Name))
		if ts := state(t, r); len(ts.Seen) != 0 {
			t.Errorf("never seen, and not there: %+v", ts.Seen)
		}
		if err := r.Tracker.Disable(within(t), r.Name, r.Account, r.Proof); err == nil {
			t.Error("turning off what is gone was said to be done")
		}
		r.Return(t)
		want(t, r, departure.TrackerOff, state(t, r, r.Name))
	})
	t.Run("every change is told before a fence ends", func(t *testing.T) {
		r := open(t)
		told := make(chan struct{}, 100)
		must(t, r.Tracker.Watch(t.Context(), func() {
			select {
			case told <- struct{}{}:
			default:
			}
		}))
		to := map[bool]departure.TrackerState{true: departure.TrackerOff, false: departure.TrackerOn}
		for i := range 6 {
			must(t, r.Tracker.Fence(within(t)))
			for len(told) > 0 {
				<-told
			}
			r.Turn(t, to[i%2 == 0])
			must(t, r.Tracker.Fence(within(t)))
			if len(told) == 0 {
				t.Fatalf("change %d was not told of before the fence ended", i)
			}
			want(t, r, to[i%2 == 0], state(t, r, r.Name))
		}
	})
	t.Run("a caller who is gone gets no answer", func(t *testing.T) {
		r := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if ts, err := r.Tracker.State(ctx, r.Account, nil); err == nil && ts.Complete {
			t.Errorf("an answer: %+v", ts)
		}
		if err := r.Tracker.Disable(ctx, r.Name, r.Account, r.Proof); err == nil {
			t.Error("it was turned off for nobody")
		}
		want(t, r, departure.TrackerOn, state(t, r))
	})
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callLimit)
	t.Cleanup(cancel)
	return ctx
}
