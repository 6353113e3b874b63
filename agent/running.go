package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Run lets the engine go on up to a step; none is all the way. The job is done
// when nothing more can be done without the person.
func (s *Service) Run(ctx context.Context, by Caller, id string, until departure.Step) (JobInfo, error) {
	if until == "" {
		until = departure.StepTrack
	}
	if until.Order() < 0 {
		return JobInfo{}, invalid(fmt.Sprintf("there is no step %q", until))
	}
	if _, err := s.Departure(ctx, by, id); err != nil {
		return JobInfo{}, err
	}
	return s.jobs.start(by, "run", func(ctx context.Context, report engine.Report, into *JobInfo) error {
		err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Until = until
			return nil, nil
		})
		if err != nil {
			return err
		}
		stop := s.follow(ctx, id, report)
		_, err = s.engine.Settle(ctx, id)
		stop()
		switch {
		case ctx.Err() != nil && s.jobs.closing():
			return ctx.Err() // the next start goes on from there
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), s.halt(context.WithoutCancel(ctx), id))
		}
		if err != nil {
			return err
		}
		info, err := s.Departure(ctx, by, id)
		into.Departure = &info
		return err
	})
}

// halt ends what runs, and keeps the engine from going on by itself until it is
// asked to again.
func (s *Service) halt(ctx context.Context, id string) error {
	err := s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Until = departure.StepInventory
		return nil, nil
	})
	s.engine.Interrupt(id)
	return err
}

// follow passes the engine's progress on to a job until it is stopped.
func (s *Service) follow(ctx context.Context, id string, report engine.Report) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			p, news := s.engine.Progress(id)
			if p.Step != "" {
				report(p)
			}
			select {
			case <-news:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}
