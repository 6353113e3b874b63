package agent_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

func TestWhenQuiet(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		const while = 5 * time.Second
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var mu sync.Mutex
		var called []time.Time
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.s.WhenQuiet(ctx, while, func() {
				mu.Lock()
				defer mu.Unlock()
				called = append(called, time.Now())
			})
		}()
		calls := func(after time.Duration, want int) {
			t.Helper()
			elapse(after)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(called) != want {
				t.Errorf("called %d times, want %d", len(called), want)
			}
		}
		calls(while-1, 0)
		calls(time.Second, 1)
		calls(time.Hour, 1) // nothing was new
		id := d.start(departure.SignOut).Departure.ID
		began := time.Now()
		for range 10 {
			_, err := d.s.SetDestination(t.Context(), owner, id, "/media/disk")
			d.ok(err)
			calls(time.Second, 1) // it is never quiet for so long
		}
		calls(2*while, 2)
		if quiet := called[1].Sub(began); quiet < 9*time.Second+while {
			t.Errorf("called after %v", quiet)
		}
		stop()
		<-ended
	})
}
