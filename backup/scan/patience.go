package scan

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrNoAnswer says that a call to the file system did not come back: a network
// mount whose server is gone, a file system in a program that hangs. No signal
// ends such a call; it is left behind, and ends unheard when it does.
var ErrNoAnswer = errors.New("the file system gives no answer")

// Patience is how long a call to a file system may take. A disk that spins up
// takes ten seconds.
const Patience = 2 * time.Minute

// farewell is how long the workers may take to end once nobody listens.
const farewell = time.Second

// Ask gives what call gives, or false if it does not within limit.
func Ask[T any](limit time.Duration, call func() T) (T, bool) {
	got := make(chan T, 1)
	go func() { got <- call() }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case v := <-got:
		return v, true
	case <-timer.C:
		var none T
		return none, false
	}
}

// pulse shows that a walk gets on: how often something came back from the file
// system, and for each worker the folder that it is at.
type pulse struct {
	beats atomic.Uint64
	at    []atomic.Pointer[string]
}

// hear waits for the next batch. It is false at the end of the walk; after ctx;
// or, with the folders where workers wait in vain, when nothing came back for as
// long as limit.
func (w *walk) hear(ctx context.Context, limit time.Duration) (b batch, ok bool, waiting []string) {
	select {
	case b, ok = <-w.out:
		return b, ok, nil
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	cancelled, was := ctx.Done(), w.pulse.beats.Load()
	for {
		select {
		case b, ok = <-w.out:
			return b, ok, nil
		case <-cancelled:
			cancelled = nil
			timer.Reset(farewell)
		case <-timer.C:
			if cancelled == nil {
				return batch{}, false, nil
			}
			if now := w.pulse.beats.Load(); now != was {
				was = now
				timer.Reset(limit)
				continue
			}
			return batch{}, false, w.waiting()
		}
	}
}

func (w *walk) waiting() []string {
	var paths []string
	for i := range w.pulse.at {
		if p := w.pulse.at[i].Load(); p != nil {
			paths = append(paths, *p)
		}
	}
	if len(paths) == 0 {
		return []string{"."} // whatever holds it up, the listing is not whole
	}
	return paths
}
