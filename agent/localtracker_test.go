package agent_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

var prey = departure.LocalTracker{ID: "prey", Name: "Prey", Provider: "prey", Text: "Prey can find, lock and wipe this device through its own account.",
	Found: []string{"service prey-agent.service, enabled"}, Guide: []string{"Remove this device at panel.preyproject.com."}}

// TestLeavingATrackersOwnAccount: while Prey is on this device, whether it is
// still tied to a Prey account is unknown until the person says that the device
// was removed at Prey's page, over a list that names the program. What is here is
// shown, and no act of ours is asked for it.
func TestLeavingATrackersOwnAccount(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.w.Do(func() { d.w.Here, d.w.Tracker = []departure.LocalTracker{prey}, "" })
		account, err := d.s.AddAccount(t.Context(), owner, "prey", "me@example.org")
		d.ok(err)
		info, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: account.ID, Intent: departure.Delete})
		d.ok(err)
		id := info.Departure.ID
		d.job(d.s.Run(t.Context(), owner, id, departure.StepInventory))
		info = d.info(id)
		c := check(info, departure.FindMyDeviceOff)
		if c.Status != departure.Unknown || c.Ask == nil || !slices.ContainsFunc(c.Ask.Lines, func(l departure.Line) bool {
			return strings.Contains(l.Text, "prey-agent.service") && strings.Contains(l.Text, "panel.preyproject.com")
		}) {
			t.Fatalf("%+v", c)
		}
		ours := func(e departure.Effect) bool { _, is := e.Implementer(); return is }
		if len(info.TrackersHere) != 1 || slices.ContainsFunc(info.Verdict.Pending, ours) {
			t.Errorf("here %+v, to be done by us %v", info.TrackersHere, info.Verdict.Pending)
		}
		d.answer(id)
		d.job(d.s.Run(t.Context(), owner, id, departure.StepInventory))
		if c := check(d.info(id), departure.FindMyDeviceOff); c.Status != departure.Attested {
			t.Errorf("after it was said: %+v", c)
		}
	})
}

// TestTrackerOfAnotherAccount: for every other account it is information.
func TestTrackerOfAnotherAccount(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.w.Do(func() { d.w.Here = []departure.LocalTracker{prey} })
		if plan := d.job(d.s.Plan(t.Context(), owner, world.Me.ID)).Plan; len(plan.TrackersHere) != 1 {
			t.Errorf("the plan tells of %+v", plan.TrackersHere)
		}
		id := d.leave(departure.Delete)
		if info := d.info(id); info.Live != agent.LiveReady || len(info.TrackersHere) != 1 {
			t.Errorf("%s, here %+v", info.Live, info.TrackersHere)
		}
	})
}
