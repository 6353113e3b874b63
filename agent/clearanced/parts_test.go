package main

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
)

// The buses and the clock may tell of a loss while the agent is still being put
// together.
func TestDisturbedWhileStarting(t *testing.T) {
	profiles, err := provider.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := world.New()
	s := agent.NewService(agent.Config{
		Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(), Profiles: profiles, Rules: policy.Default(),
		Health: func() departure.Health { return departure.Health{} }, Closed: func() string { return "" },
	})
	p := &parts{log: slog.New(slog.DiscardHandler)}
	var told sync.WaitGroup
	for range 4 {
		told.Go(func() { p.disturbed(t.Context(), "a bus went away") })
	}
	p.service.Store(s)
	if err := s.Start(context.Background()); err != nil {
		t.Error(err)
	}
	told.Wait()
	s.Close()
}
