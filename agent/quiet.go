package agent

import (
	"context"
	"time"
)

// Quiet is how long nothing happens before what is free is given back.
const Quiet = 5 * time.Second

// WhenQuiet calls do each time that there was no news of any departure for a
// while after there had been some, until ctx ends. It needs no time of its own
// while nothing happens.
func (s *Service) WhenQuiet(ctx context.Context, while time.Duration, do func()) {
	for {
		news := s.engine.News()
		rested, stop := s.cfg.Clock.After(while)
		select {
		case <-rested:
		case <-ctx.Done():
		}
		stop()
		select {
		case <-ctx.Done():
			return
		case <-news: // not yet
			continue
		default:
		}
		do()
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}
