package detect

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Beside is a tracker that also tells of the programs that are here. It turns
// none of them off: only the implementers that the tracker itself knows are.
func Beside(tracker engine.Tracker, d *Detector) engine.Tracker { return beside{tracker, d} }

type beside struct {
	engine.Tracker
	detector *Detector
}

// State adds what is here to what the tracker says.
func (b beside) State(ctx context.Context, account departure.Account, seen []string) (departure.Trackers, error) {
	ts, err := b.Tracker.State(ctx, account, seen)
	if err != nil {
		return ts, err
	}
	ts.Here = b.detector.Look(ctx)
	return ts, nil
}
