package cli

import (
	"context"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

// live shows readiness as it changes, until the session ends, done is closed
// or the leaving is closed. It ends with 1 unless deletion was allowed last.
func (s *session) live(info agent.DepartureInfo, done <-chan line) error {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if done != nil {
		go func() {
			select {
			case <-done:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	view := &liveView{s: s}
	for update, err := range s.client.Watch(ctx, info.Departure.ID) {
		switch {
		case err != nil && api.Tell(err).Kind == agent.KindUnavailable:
			view.lost(err)
		case err != nil:
			return err
		case update.Departure != nil:
			view.see(*update.Departure)
		}
		if view.closed {
			break
		}
	}
	if view.good {
		return nil
	}
	return exit(api.ExitNotReady)
}

// liveView remembers what was shown, so that who read READY reads STOP.
type liveView struct {
	s        *session
	shown    string
	why      string
	wasReady bool
	good     bool
	closed   bool
}

func (v *liveView) see(info agent.DepartureInfo) {
	if v.s.json {
		v.s.document("departure", info)
	}
	v.closed = info.State != engine.Open
	v.good = info.Live == agent.LiveReady || info.State == engine.Finished || info.Verdict.Complete
	state, why := string(info.Live), reasonOf(info)
	if v.wasReady && !v.good && info.Live != agent.LiveBlind && !v.closed {
		state = string(agent.LiveStop)
	}
	if state == v.shown && (why == v.why || state == string(agent.LiveReady)) {
		return
	}
	v.shown, v.why = state, why
	v.tell(info, agent.Live(state), why)
	v.wasReady = v.wasReady || info.Live == agent.LiveReady
}

func (v *liveView) tell(info agent.DepartureInfo, state agent.Live, why string) {
	now := v.s.clock(v.s.now())
	switch state {
	case agent.LiveReady:
		v.s.say("%s READY. You may delete this account now; this holds until %s, and is watched.", now, v.s.clock(info.Verdict.Until))
		v.s.showSeen(info)
		v.s.showWhere(info)
	case agent.LiveStop:
		v.s.say("%s STOP, do not delete: %s", now, why)
	case agent.LiveBlind:
		v.s.say("%s The agent cannot look now, so nothing that was said before holds.", now)
	case agent.LiveClosed:
		v.s.say("%s %s", now, v.s.standing(info))
	case agent.LiveChecking:
		v.s.say("%s Looking ...", now)
	default:
		v.s.say("%s %s: %s", now, v.s.standing(info), why)
	}
}

// showSeen says how long a look at a server holds that cannot tell by itself
// whether something changed.
func (s *session) showSeen(info agent.DepartureInfo) {
	if c, ok := info.Verdict.Checks.Get(departure.ServerSeen); ok && c.Reason.Code == "seen-in-full" {
		s.say("  (%s)", printable(c.Reason.Text))
	}
}

// lost: what the agent said before holds no longer.
func (v *liveView) lost(err error) {
	v.good, v.shown = false, ""
	if v.s.json {
		v.s.document("error", api.Tell(err))
		return
	}
	v.s.say("%s The agent cannot be heard, so nothing that it said before holds. Do not delete.", v.s.clock(v.s.now()))
}

// reasonOf is the first thing that does not hold.
func reasonOf(info agent.DepartureInfo) string {
	open := info.Verdict.Checks.Open()
	ready := open
	for i, c := range open { // what changed is the cause, not what has to be done anew for it
		if c.ID == departure.SealIntact {
			ready = open[i:]
		}
	}
	if len(ready) == 0 {
		return "something changed just now; it is being looked at"
	}
	return printable(ready[0].Reason.Text)
}
