package agent

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// TestShownOnlyWhileItIsSo: a departure is put together anew as soon as anything
// that it hangs on is other than before, the time among it.
func TestShownOnlyWhileItIsSo(t *testing.T) {
	var s shown
	looks := 0
	look := func(snap engine.Snapshot, live Live) DepartureInfo {
		looks++
		return DepartureInfo{Departure: snap.Record.Departure, Live: live, Epoch: snap.Epoch, Step: departure.Steps[looks%len(departure.Steps)]}
	}
	rec := &engine.Record{State: engine.Open, Departure: departure.Departure{ID: "one"}}
	other := &engine.Record{State: engine.Open, Departure: departure.Departure{ID: "other"}}
	for i, c := range []struct {
		rec    *engine.Record
		v, e   uint64
		live   Live
		looked bool
	}{
		{rec, 1, 1, LiveReady, true},
		{rec, 1, 1, LiveReady, false},
		{other, 1, 1, LiveReady, true},
		{rec, 1, 1, LiveReady, false},
		{rec, 1, 2, LiveReady, true}, // it moved, and nobody was told yet
		{rec, 1, 2, LiveBlind, true}, // its time is over
		{rec, 2, 2, LiveBlind, true},
		{rec, 2, 2, LiveBlind, false},
		{rec, 0, 2, LiveBlind, true}, // like no other
		{rec, 0, 2, LiveBlind, true},
	} {
		before := looks
		info := s.of(engine.Snapshot{Version: c.v, Epoch: c.e, Record: c.rec}, c.live, look)
		if (looks > before) != c.looked {
			t.Errorf("%d: looked %v", i, looks > before)
		}
		if info.Live != c.live || info.Epoch != c.e || info.Departure.ID != c.rec.Departure.ID {
			t.Errorf("%d: %+v", i, info)
		}
		got, err := info.Encoded()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(info)
		if err != nil || string(got) != string(want) {
			t.Errorf("%d: %s", i, cmp.Diff(string(want), string(got)))
		}
	}
	rec.State = engine.Finished
	s.of(engine.Snapshot{Record: rec}, LiveClosed, look)
	if len(s.views) != 1 {
		t.Errorf("%d are kept, and one is open", len(s.views))
	}
}
