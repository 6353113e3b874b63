package copy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// A source can stop answering: a network mount whose server is gone, a file
// system in a program that hangs. No signal ends such a call, so whoever makes
// it is left behind with what it holds, and the item is a failure like any
// other. It ends by itself, and unheard, when the call does.

const (
	// patience is how long one call to a source may take. A disk that spins up
	// takes ten seconds, a cloud drive that fetches a block a few.
	patience = 2 * time.Minute
	// farewell is how long a call may still take once nobody wants its result.
	farewell = time.Second
	// hungAfter is how many items of a folder, or below it, get no answer before
	// the rest of it is not asked any more; hungWholly is that for a whole source.
	hungAfter, hungWholly = 3, 16
)

// worker is what one reader works with.
type worker struct {
	buf   []byte
	calls atomic.Uint64 // odd while a call to the source is under way
}

func newWorker() *worker { return &worker{buf: *buffers.Get().(*[]byte)} }

// rest gives back what a worker that nobody left behind worked with.
func (w *worker) rest() { buffers.Put(&w.buf) }

// asking is one call to the source.
func (w *worker) asking(call func()) {
	w.calls.Add(1)
	defer w.calls.Add(1)
	call()
}

// patiently gives what f does with w, or false if f waits for its source for
// longer than limit. Then w is lost with f, and late gets what f gives one day.
func patiently[T any](ctx context.Context, limit time.Duration, w *worker, f func() T, late func(T)) (T, bool) {
	ended := make(chan T, 1)
	var settled atomic.Bool
	go func() {
		v := f()
		if settled.CompareAndSwap(false, true) {
			ended <- v
			return
		}
		late(v)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	cancelled, was := ctx.Done(), w.calls.Load()
	for {
		select {
		case v := <-ended:
			return v, true
		case <-cancelled:
			cancelled, limit = nil, min(limit, farewell)
			was = w.calls.Load()
			timer.Reset(limit)
		case <-timer.C:
			now := w.calls.Load()
			if now == was && now%2 == 1 && settled.CompareAndSwap(false, true) {
				var none T
				return none, false
			}
			was = now
			timer.Reset(limit)
		}
	}
}

var errNoAnswer = errors.New("its source gives no answer")

// silence remembers where a source gave no answer.
type silence struct {
	mu    sync.Mutex
	count map[string]int
}

// places are the folders that an item lies in, the whole source last.
func places(it *source.Item) []string {
	of := it.Account + "\x00" + string(it.Dataset) + "\x00" + it.Source + "\x00"
	var dirs []string
	for d := path.Dir(it.Path); d != "." && d != "/" && it.Path != ""; d = path.Dir(d) {
		dirs = append(dirs, of+d)
	}
	return append(dirs, of)
}

func (s *silence) add(it *source.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == nil {
		s.count = map[string]int{}
	}
	for _, d := range places(it) {
		s.count[d]++
	}
}

// reigns reports whether nothing of where the item lies answers any more.
func (s *silence) reigns(it *source.Item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.count) == 0 {
		return false
	}
	dirs := places(it)
	whole := len(dirs) - 1
	for i, d := range dirs {
		if n := s.count[d]; n >= hungWholly || i < whole && n >= hungAfter {
			return true
		}
	}
	return false
}

func noAnswer(limit time.Duration) *itemError {
	return &itemError{source.Unreadable, fmt.Errorf("%w for %v", errNoAnswer, limit)}
}
