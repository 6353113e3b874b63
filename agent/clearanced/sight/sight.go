// Package sight is what clearanced can see just now: the session's bus, the
// clock. It tells the agent when it lost sight of either.
//
// It imports agent and departure.
//
// Invariant: what was lost before the agent was put together is not told, for
// nothing was looked at, or given, by then.
package sight

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// Sight is what can be seen; the zero value sees nothing. Log is needed.
type Sight struct {
	Log            *slog.Logger
	Session, Clock atomic.Bool
	Service        atomic.Pointer[agent.Service] // nil until it is put together
}

// Lost tells the agent that something was not seen for a while.
func (s *Sight) Lost(ctx context.Context, why string) {
	service := s.Service.Load()
	if service == nil || ctx.Err() != nil {
		return
	}
	if err := service.Disturbed(ctx, why); err != nil {
		s.Log.Error("cannot revoke what was given", "why", why, "error", err)
	}
}

// Health is what the agent can see, for its verdicts.
func (s *Sight) Health() departure.Health {
	h := departure.Health{Buses: s.Session.Load(), Store: true, Clock: s.Clock.Load()}
	switch {
	case !h.Buses:
		h.Why = departure.Reason{Code: "no-session-bus", Text: "this session's services cannot be asked: nobody is logged in, or the session bus is gone"}
	case !h.Clock:
		h.Why = departure.Reason{Code: "clock", Text: "it cannot be seen whether the clock is set"}
	}
	return h
}
