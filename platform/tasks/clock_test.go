package tasks

import (
	"sync"
	"time"
)

// hands is a clock that a test moves.
type hands struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*handsTimer]bool
}

type handsTimer struct {
	at time.Time
	c  chan time.Time
}

// newHands begins at the machine's time, which other programs stamp with.
func newHands() *hands { return &hands{now: time.Now(), timers: make(map[*handsTimer]bool)} }

func (h *hands) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) After(d time.Duration) (<-chan time.Time, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &handsTimer{h.now.Add(d), make(chan time.Time, 1)}
	if d <= 0 {
		t.c <- h.now
		return t.c, func() {}
	}
	h.timers[t] = true
	return t.c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.timers, t)
	}
}

// move lets time pass, and what waits for it go on.
func (h *hands) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	for t := range h.timers {
		if !t.at.After(h.now) {
			t.c <- h.now
			delete(h.timers, t)
		}
	}
}

// due is how long it is until what waits for about so long is due.
func (h *hands) due(d time.Duration) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for t := range h.timers {
		if left := t.at.Sub(h.now); left > d*9/10 && left <= d {
			return left, true
		}
	}
	return 0, false
}

// run lets time pass as it does outside, until it is stopped.
func (h *hands) run() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		const step = 20 * time.Millisecond
		tick := time.NewTicker(step)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				h.move(step)
			}
		}
	}()
	return func() { close(end); <-ended }
}
