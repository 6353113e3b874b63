package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/clearanced/doctor"
	"github.com/clearance-project/clearance/agent/clearanced/sight"
	"github.com/clearance-project/clearance/agent/clearanced/unit"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/policy"
	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/clock"
	"github.com/clearance-project/clearance/platform/findmy"
	"github.com/clearance-project/clearance/platform/findmy/detect"
	"github.com/clearance-project/clearance/platform/keys"
	"github.com/clearance-project/clearance/platform/overrides"
	"github.com/clearance-project/clearance/platform/rootfile"
	"github.com/clearance-project/clearance/platform/store"
	"github.com/clearance-project/clearance/platform/tasks"
)

// parts are the agent put together. They are closed in the order in which they
// use each other.
type parts struct {
	service *agent.Service
	store   *store.Store
	closers []func() error
	sight   sight.Sight
	log     *slog.Logger
}

func assemble(ctx context.Context, where places, log *slog.Logger) (_ *parts, err error) {
	p := &parts{log: log, sight: sight.Sight{Log: log}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.store, err = store.Open(ctx, where.state); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.store.Close)
	ring, err := keys.Open(filepath.Join(where.state, "keys"))
	if err != nil {
		return nil, err
	}
	profiles, err := overrides.Load(rootfile.System, log)
	if err != nil {
		return nil, err
	}
	boot, err := clock.BootID()
	if err != nil {
		return nil, err
	}
	tracker, err := findmy.Open(ctx, findmy.Options{Address: bus.SystemAddress()})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { tracker.Close(); return nil })
	worker, err := p.worker(ctx, where, profiles)
	if err != nil {
		return nil, err
	}
	disks, err := p.disks(ctx, worker)
	if err != nil {
		return nil, err
	}
	c := agent.Config{
		Version: version, Store: p.store, Worker: worker, Tracker: detect.Beside(tracker, detect.New(detect.Options{Bus: tracker.Bus()})), Clock: clock.Real{}, Disks: disks,
		Profiles: profiles, Rules: policy.Default(), Assured: departure.AssuredSystem, Health: p.sight.Health,
		Signer: ring, JWKS: ring.JWKS, Secret: ring.Secret(), BootID: boot,
		Closed: func() string { return "" }, Doctor: doctor.Of(p.store.Healthy, unit.PersonalClosed),
		Fault: func(id, text string) { log.Error("a fault of the agent's own", "id", id, "error", text) },
	}
	c.Restorer, _ = worker.(agent.Restorer) // nil where nobody can look at the person's data
	if where.user {
		c.Assured, c.Closed = departure.AssuredPersonal, unit.PersonalClosed
	}
	p.service = agent.NewService(c)
	p.sight.Service.Store(p.service)
	if err := p.service.Start(ctx); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { p.service.Close(); return nil })
	return p, p.watchClock(ctx)
}

// worker is what looks at the user's data: in the person's own agent it runs in
// the same process. The device's agent has none of its own.
func (p *parts) worker(ctx context.Context, where places, profiles *provider.Catalogue) (agent.Worker, error) {
	if !where.user {
		return agent.NoWorker{}, nil
	}
	address, err := bus.SessionAddress()
	if err != nil {
		p.log.Warn("no session bus: accounts cannot be seen", "error", err)
		return agent.NoWorker{}, nil
	}
	b, err := bus.Open(ctx, bus.Options{Address: address})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { b.Close(); return nil })
	sub, err := b.Subscribe(func(e bus.Event) {
		switch e.Kind {
		case bus.Up:
			p.sight.Session.Store(true)
		case bus.Down:
			p.sight.Session.Store(false)
			p.sight.Lost(ctx, "the person's session bus went away")
		}
	})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { sub.Close(); return nil })
	device, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cannot find this device's name: %w", err)
	}
	name := fmt.Sprint(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	w, err := tasks.New(tasks.Config{
		Bus: b, State: where.state, Clock: clock.Real{}, User: name, Device: device,
		Dirs: where.dirs, Provider: profiles.IDForSignIn, Finders: tasks.Finders(where.dirs),
	})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, w.Close)
	return w, nil
}

// watchClock revokes what was given whenever the clock is set.
func (p *parts) watchClock(ctx context.Context) error {
	jumps, err := clock.Real{}.Jumps(ctx)
	if err != nil {
		return fmt.Errorf("cannot watch the clock: %w", err)
	}
	p.sight.Clock.Store(true)
	go func() {
		for range jumps {
			p.sight.Lost(ctx, "the clock was set")
		}
		p.sight.Clock.Store(false)
	}()
	return nil
}

func (p *parts) close() error {
	if p == nil {
		return nil
	}
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	return errors.Join(errs...)
}
