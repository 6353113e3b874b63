package copy

import (
	"runtime/debug"
	"sync"
)

// A ledger of a million items is 36 MB without a pointer in it, which the
// collector passes over in no time. By itself it would come by only when the
// process has grown by as much again.
const (
	manyItems    = 100_000
	oftenPercent = 30 // of what lives, grown since the last time; in place of 100
)

var collecting struct {
	mu   sync.Mutex
	runs int
	was  int
}

// collectOften has the collector come by more often until the last run that
// asked for it ends. It concerns the whole process: an agent that copies a
// million items is small at the price of some of one processor's time.
func collectOften() (end func()) {
	c := &collecting
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs++; c.runs == 1 {
		c.was = debug.SetGCPercent(oftenPercent)
		if c.was >= 0 && c.was < oftenPercent {
			debug.SetGCPercent(c.was) // somebody asked for less
		}
	}
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.runs--; c.runs == 0 {
			debug.SetGCPercent(c.was)
		}
	})
}
