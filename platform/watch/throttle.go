package watch

import (
	"context"
	"slices"
	"sync"
	"time"
)

// throttle wakes once the sources were quiet for a while, at the latest a
// ceiling after the first change: a folder that never rests is still served.
type throttle struct {
	clock          Clock
	quiet, ceiling time.Duration
	wake           func([]string)

	mu     sync.Mutex
	dirty  []string
	first  time.Time
	last   time.Time
	signal chan struct{}
}

func newThrottle(c Clock, quiet, ceiling time.Duration, wake func([]string)) *throttle {
	return &throttle{clock: c, quiet: quiet, ceiling: ceiling, wake: wake, signal: make(chan struct{}, 1)}
}

func (t *throttle) poke(source string) {
	now := t.clock.Now()
	t.mu.Lock()
	if len(t.dirty) == 0 {
		t.first = now
	}
	t.last = now
	if !slices.Contains(t.dirty, source) {
		t.dirty = append(t.dirty, source)
	}
	t.mu.Unlock()
	select {
	case t.signal <- struct{}{}:
	default:
	}
}

// due returns what to wake now, or how long to wait; both are zero where
// nothing waits.
func (t *throttle) due() (sources []string, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.dirty) == 0 {
		return nil, 0
	}
	at := t.last.Add(t.quiet)
	if end := t.first.Add(t.ceiling); end.Before(at) {
		at = end
	}
	if wait = at.Sub(t.clock.Now()); wait > 0 {
		return nil, wait
	}
	sources, t.dirty = t.dirty, nil
	return sources, 0
}

// run keeps one timer: it is not moved by each change, but looked at when it
// fires, so a burst of a million events arms a handful of timers.
func (t *throttle) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.signal:
		}
		for {
			sources, wait := t.due()
			if len(sources) > 0 {
				t.wake(sources)
			}
			if wait == 0 {
				break
			}
			fired, release := t.clock.After(wait)
			select {
			case <-ctx.Done():
				release()
				return
			case <-fired:
			}
			release()
		}
	}
}
