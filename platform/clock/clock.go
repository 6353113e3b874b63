package clock

import (
	"time"
)

// Real is the machine's clock. The zero value is ready.
type Real struct {
	open func() (source, error) // nil: a timerfd of the kernel
}

// Now is the wall time, with the monotonic reading of time.Now.
func (Real) Now() time.Time { return time.Now() }

// After returns a channel that receives the time once d has passed, and a
// function that releases the timer. It counts on the monotonic clock, so a jump
// of the wall clock does not move it.
func (Real) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
