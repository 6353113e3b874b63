package sight_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/clearanced/sight"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
)

// The buses and the clock may tell of a loss while the agent is still being put
// together.
func TestLostWhileStarting(t *testing.T) {
	profiles, err := provider.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world.New()
	s := agent.NewService(agent.Config{
		Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(), Profiles: profiles, Rules: policy.Default(),
		Health: func() departure.Health { return departure.Health{} }, Closed: func() string { return "" },
	})
	p := &sight.Sight{Log: slog.New(slog.DiscardHandler)}
	var told sync.WaitGroup
	for range 4 {
		told.Go(func() { p.Lost(t.Context(), "a bus went away") })
	}
	p.Service.Store(s)
	if err := s.Start(context.Background()); err != nil {
		t.Error(err)
	}
	told.Wait()
	s.Close()
}

// Each thing that cannot be seen has its own reason.
func TestHealth(t *testing.T) {
	for why, c := range map[string]struct{ session, clock bool }{"": {true, true}, "no-session-bus": {false, true}, "clock": {true, false}} {
		var s sight.Sight
		s.Session.Store(c.session)
		s.Clock.Store(c.clock)
		h := s.Health()
		if h.Why.Code != why || h.Buses != c.session || h.Clock != c.clock || (h.Why.Text == "") != (why == "") {
			t.Errorf("%+v: %+v", c, h)
		}
	}
}
