package scan

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
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
				w.leave()
				return batch{}, false, nil
			}
			if now := w.pulse.beats.Load(); now != was {
				was = now
				timer.Reset(limit)
				continue
			}
			return batch{}, false, w.leave()
		}
	}
}

// leave leaves the workers that wait behind, and names the folders. Until they come
// back no other walk asks there.
func (w *walk) leave() []string {
	var paths []string
	deserted.Lock()
	for i := range w.pulse.at {
		if p := w.pulse.at[i].Load(); p != nil && w.pulse.at[i].CompareAndSwap(p, &behind) {
			paths = append(paths, *p)
			deserted.folders[w.absolute(*p)]++
		}
	}
	deserted.Unlock()
	if len(paths) == 0 {
		return []string{"."} // whatever holds it up, the listing is not whole
	}
	return paths
}

// behind stands where a worker was that was left behind.
var behind string

// deserted are the folders in which workers wait that were left behind, with how
// many.
var deserted = struct {
	sync.Mutex
	folders map[string]int
}{folders: make(map[string]int)}

// back ends a worker's stay in a folder.
func (w *walk) back(at *atomic.Pointer[string], from string) {
	if at.Swap(nil) != &behind {
		return
	}
	deserted.Lock()
	defer deserted.Unlock()
	from = w.absolute(from)
	if deserted.folders[from]--; deserted.folders[from] == 0 {
		delete(deserted.folders, from)
	}
}

// unanswered reports whether somebody waits in a folder in vain.
func (w *walk) unanswered(path string) bool {
	deserted.Lock()
	defer deserted.Unlock()
	return len(deserted.folders) > 0 && deserted.folders[w.absolute(path)] > 0
}

func (w *walk) absolute(path string) string { return filepath.Join(w.root.path, path) }
