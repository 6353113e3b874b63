package engine_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// TestContractFindMy holds the tracker of the simulated world, on which the
// engine's tests rest, to what the real one is held to (platform/findmy).
func TestContractFindMy(t *testing.T) {
	t.Run("world", func(t *testing.T) {
		enginetest.TrackerContract(t, func(*testing.T) enginetest.TrackerRig {
			w := world.New()
			before := ""
			return enginetest.TrackerRig{
				Tracker: w.Phone(), Account: world.Me, Name: world.Implementer, Proof: w.Proof,
				Turn:   func(_ *testing.T, to departure.TrackerState) { w.Do(func() { w.Switch(string(to)) }) },
				Vanish: func(*testing.T) { w.Do(func() { before = w.Tracker; w.Switch("") }) },
				Return: func(*testing.T) { w.Do(func() { w.Switch(before) }) },
			}
		})
	})
}
