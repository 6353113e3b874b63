package world

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Phone is the world as the engine's tracker.
func (w *World) Phone() engine.Tracker { return phone{w} }

type phone struct{ *World }

func (p phone) State(ctx context.Context, _ departure.Account, seen []string) (departure.Trackers, error) {
	if err := p.begin(ctx, "State"); err != nil {
		return departure.Trackers{}, err
	}
	defer p.mu.Unlock()
	if ctx.Err() != nil {
		return departure.Trackers{}, ctx.Err()
	}
	ts := departure.Trackers{Complete: true, Here: slices.Clone(p.Here)}
	t := departure.Tracker{Name: Implementer, State: departure.TrackerState(p.Tracker), Simulated: p.Simulated}
	switch p.Tracker {
	case "":
		for _, name := range seen {
			ts.Seen = append(ts.Seen, departure.Tracker{Name: name, State: departure.TrackerUnknown})
		}
		return ts, nil
	case "mute":
		t.State = departure.TrackerUnknown
	}
	ts.Seen = []departure.Tracker{t}
	return ts, nil
}

func (p phone) Disable(ctx context.Context, implementer string, _ departure.Account, proof string) error {
	if err := p.begin(ctx, "Disable"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if err := p.acts(ctx, implementer); err != nil {
		return err
	}
	if p.NotOwner {
		return engine.ErrNotOwner
	}
	if proof != p.Proof {
		return engine.ErrProofRefused
	}
	p.meddled("before disable")
	if err := p.alive(); err != nil {
		return err
	}
	p.Disables++
	p.Switch("off")
	p.meddled("after disable")
	return p.alive()
}

// acts refuses an act for nobody, or on what is not there; the world is locked.
func (p phone) acts(ctx context.Context, implementer string) error {
	if implementer != Implementer || p.Tracker == "" {
		return errors.New("it is not there")
	}
	return ctx.Err()
}

func (p phone) Enable(ctx context.Context, implementer string, _ departure.Account, proof string) error {
	if err := p.begin(ctx, "Enable"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	if err := p.acts(ctx, implementer); err != nil {
		return err
	}
	if proof != p.Proof {
		return engine.ErrProofRefused
	}
	p.Enables++
	p.Switch("on")
	return nil
}

func (p phone) Watch(ctx context.Context, changed func()) error {
	if err := p.begin(ctx, "TrackerWatch"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	p.moved = changed
	return nil
}

func (p phone) Fence(ctx context.Context) error {
	if err := p.begin(ctx, "TrackerFence"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	return p.alive()
}

// Clock is the world's time; with Live it is the system's.
func (w *World) Clock() engine.Clock { return clock{w} }

type clock struct{ *World }

func (c clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c clock) After(d time.Duration) (<-chan time.Time, func()) {
	if !c.Live {
		return make(chan time.Time), func() {}
	}
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
