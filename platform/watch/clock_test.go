package watch

import (
	"slices"
	"sync"
	"time"
)

// handClock is a clock that only the test moves.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*handTimer
	armed  chan struct{} // holds a token after a timer was armed
}

type handTimer struct {
	at time.Time
	c  chan time.Time
}

func newHandClock() *handClock {
	return &handClock{now: time.Unix(1_000_000, 0), armed: make(chan struct{}, 1)}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &handTimer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	c.fire()
	select {
	case c.armed <- struct{}{}:
	default:
	}
	return t.c, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timers = slices.DeleteFunc(c.timers, func(o *handTimer) bool { return o == t })
	}
}

func (c *handClock) fire() {
	c.timers = slices.DeleteFunc(c.timers, func(t *handTimer) bool {
		due := !t.at.After(c.now)
		if due {
			t.c <- c.now
		}
		return due
	})
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.fire()
}
