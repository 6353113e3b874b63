package agent

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// SetDestination chooses the folder for the copy.
func (s *Service) SetDestination(ctx context.Context, by Caller, id, folder string) (DepartureInfo, error) {
	job, err := s.engine.Job(ctx, id)
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	seen, dest, err := s.cfg.Worker.InspectDestination(ctx, job, folder)
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	if seen.Place != departure.PlaceApart && seen.Place != departure.PlaceSameDisk {
		why := seen.PlaceWhy.Text
		if why == "" {
			why = "it is not known where that folder lies"
		}
		return DepartureInfo{}, invalid("your copy cannot lie there: " + why)
	}
	err = s.engine.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Destination = dest
		return []engine.Event{{At: s.cfg.Clock.Now(), Departure: id, Kind: "destination", Text: "a place for the copy was chosen"}}, nil
	})
	if err != nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.settled(ctx, by, id)
}

// settled is the departure after the pass that a change asked for. A caller who
// cannot wait for it reads it again later.
func (s *Service) settled(ctx context.Context, by Caller, id string) (DepartureInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := s.engine.Settle(ctx, id); err != nil && ctx.Err() == nil {
		return DepartureInfo{}, s.told(err)
	}
	return s.Departure(context.WithoutCancel(ctx), by, id)
}

// Items pages through the items of the copy.
func (s *Service) Items(ctx context.Context, by Caller, id string, filter engine.ItemFilter) (engine.ItemPage, error) {
	if filter.Limit < 0 || filter.Limit > 1000 {
		return engine.ItemPage{}, invalid("a page has 1 to 1,000 items")
	}
	job, err := s.engine.Job(ctx, id)
	if err != nil {
		return engine.ItemPage{}, s.told(err)
	}
	page, err := s.cfg.Worker.Items(ctx, job, filter)
	if err != nil {
		return page, s.told(err)
	}
	return page, nil
}
