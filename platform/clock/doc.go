// Package clock is the agent's clock: the wall time, timers, this boot's id and
// word of every jump of the wall clock. It fills the Clock port of the engine.
//
// It imports nothing of ours.
//
// Invariants: a jump is never swallowed: a receiver that is slow gets one
// notice for any number of jumps; when jumps can no longer be seen, the channel
// is closed, and whoever holds it must treat the clock as unsound. Nothing here
// ever sets the machine's clock.
package clock
