package main

import (
	"context"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/disks"
)

// disks asks the system which disks come and go, and lets the worker look again
// whenever one does.
func (p *parts) disks(ctx context.Context, worker agent.Worker) (*disks.Client, error) {
	system, err := bus.Open(ctx, bus.Options{Address: bus.SystemAddress()})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { system.Close(); return nil })
	c := disks.New(system)
	looks, ok := worker.(interface{ DisksChanged() })
	if !ok {
		return c, nil
	}
	sub, err := c.Watch(looks.DisksChanged)
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { sub.Close(); return nil })
	return c, nil
}
