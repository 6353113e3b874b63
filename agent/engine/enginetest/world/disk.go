package world

import (
	"context"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
)

// Storage is the world's store, in which the agent may be killed at a write.
func (w *World) Storage() engine.Store { return disk{w.Store, w} }

type disk struct {
	*enginetest.Memory
	w *World
}

// write is one store write: it may be the one in which the agent is killed,
// before or after the commit.
func (d disk) write(commit func() error) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if d.w.Dead {
		return ErrCrash
	}
	d.w.Writes++
	if d.w.CrashIn > 0 {
		d.w.CrashIn--
		d.w.Dead = d.w.CrashIn == 0
	}
	if d.w.Dead && !d.w.CrashAfter {
		return ErrCrash
	}
	if err := d.w.Broken["Save"]; err != nil {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	return d.w.alive()
}

func (d disk) Create(ctx context.Context, rec *engine.Record, evs ...engine.Event) error {
	return d.write(func() error { return d.Memory.Create(ctx, rec, evs...) })
}

func (d disk) Save(ctx context.Context, rec *engine.Record, evs ...engine.Event) error {
	return d.write(func() error { return d.Memory.Save(ctx, rec, evs...) })
}
