package agent_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

func TestStart(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			req  agent.StartRequest
			kind agent.Kind
		}{
			"no such account": {agent.StartRequest{Account: "x", Intent: departure.Delete}, agent.KindNotFound},
			"no intent":       {agent.StartRequest{Account: world.Me.ID}, agent.KindInvalid},
			"no such fate":    {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Fate: "eaten"}, agent.KindInvalid},
			"no such way":     {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Path: "fax"}, agent.KindInvalid},
			"no such data":    {agent.StartRequest{Account: world.Me.ID, Intent: departure.Delete, Extra: []departure.Dataset{"songs"}}, agent.KindInvalid},
		} {
			_, err := d.s.StartDeparture(t.Context(), owner, c.req)
			if _ = d.kind(err, c.kind); d.copied() != 0 {
				t.Errorf("%s: something was copied", name)
			}
		}
		first := d.start(departure.SignOut)
		if again := d.start(departure.SignOut); again.Departure.ID != first.Departure.ID {
			t.Error("the same again is another")
		}
		shared, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: departure.SignOut, Shared: true})
		d.ok(err)
		if shared.Departure.ID != first.Departure.ID || !shared.Departure.Shared || first.Departure.Shared {
			t.Errorf("with what others share: %+v", shared.Departure)
		}
		raised := d.start(departure.Delete)
		if raised.Departure.ID != first.Departure.ID || raised.Departure.Intent != departure.Delete || raised.Departure.Path == "" {
			t.Errorf("raised to %+v", raised.Departure)
		}
		_, err = d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: world.Me.ID, Intent: departure.SignOut})
		if told := d.kind(err, agent.KindBusy); told.Remedy == nil {
			t.Error("nothing is said to do")
		}
		_, err = d.s.Cancel(t.Context(), owner, first.Departure.ID, false, "")
		d.ok(err)
		if next := d.start(departure.SignOut); next.Departure.ID == first.Departure.ID {
			t.Error("a cancelled one goes on")
		}
	})
}

func TestFinishedSignOutIsRaised(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.SignOut)
		if got := d.info(id); got.State != engine.Finished || got.Live != agent.LiveClosed {
			t.Fatalf("%s %s", got.State, got.Live)
		}
		if raised := d.start(departure.Delete); raised.Departure.ID != id || raised.State != engine.Open {
			t.Fatalf("raised to %+v", raised.Departure)
		}
		d.goOn(id)
	})
}
