package watch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Clock is the time, so that tests can hold it.
type Clock interface {
	Now() time.Time
	// After is sent to once d has passed; the function releases the timer.
	After(d time.Duration) (<-chan time.Time, func())
}

// maxSources bounds the sources of one watcher.
const maxSources = 256

// Source is one folder watched with all that is in it.
type Source struct {
	ID   string // unique within the watcher
	Root string // absolute; it need not exist yet
	// Skip reports that nothing in a folder beneath the root counts (the bag).
	// It is asked when the folder is met, from several goroutines, and must be
	// quick. Nil skips nothing.
	Skip func(dir string) bool
}

// Kind says what an event tells of a source; kinds add up.
type Kind uint8

// The kinds of events.
const (
	Files    Kind = 1 << iota // something in or under the root changed
	Rescan                    // events were lost, anything may have changed
	Gone                      // the root was removed or moved away
	Back                      // the root is there (again), or is another folder than before
	Attached                  // the way of watching changed; see Status
)

func (k Kind) String() string {
	var names []string
	for i, n := range []string{"files", "rescan", "gone", "back", "attached"} {
		if k&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "+")
}

// Event tells that a source changed. It says what may have changed, never what
// it is now: that is for a listing to find out.
type Event struct {
	Source string
	Kind   Kind
}

// Options of a watcher. Clock, Cookies and Changed are required.
type Options struct {
	Clock Clock
	// Cookies is a folder of this watcher's own, for fences: absolute, on a
	// local filesystem, made with mode 0700 where it is missing.
	Cookies string
	// Changed is called from one goroutine at a time. It may take its time, and
	// must not call the watcher's methods.
	Changed func(Event)
	// Wake is called with the ids that changed once they were quiet for Quiet,
	// at the latest Ceiling after the first change. Nil wakes nobody.
	Wake    func(sources []string)
	Quiet   time.Duration // default 200 ms
	Ceiling time.Duration // default 2 s
	Poll    time.Duration // between two looks at a polled root; default 30 s
	Recheck time.Duration // between two checks that the roots are still the same folders; default 1 min
	Retry   time.Duration // first wait after a failed watch, doubled up to RetryMax; default 1 min
	// RetryMax is the longest wait; default 1 h.
	RetryMax time.Duration
	// Patience is how long a polled root may give no answer before it counts as
	// one that gives none, by the machine's time; default 20 s.
	Patience time.Duration
}

func (o *Options) complete() error {
	if o.Clock == nil || o.Changed == nil {
		return errors.New("cannot watch: no clock or no callback given")
	}
	if !filepath.IsAbs(o.Cookies) {
		return fmt.Errorf("cannot watch: the folder for fences %q is not absolute", o.Cookies)
	}
	o.Cookies = filepath.Clean(o.Cookies)
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Quiet, 200 * time.Millisecond}, {&o.Ceiling, 2 * time.Second}, {&o.Poll, 30 * time.Second},
		{&o.Recheck, time.Minute}, {&o.Retry, time.Minute}, {&o.RetryMax, time.Hour}, {&o.Patience, 20 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return nil
}

// Mode is the way a source is watched.
type Mode string

// The modes.
const (
	Live    Mode = "live"    // by events
	Polled  Mode = "polled"  // by looking from time to time
	Missing Mode = "missing" // the root is not there; its return is noticed
	Failed  Mode = "failed"  // not at all; tried again
)

// Status is how a source is watched just now.
type Status struct {
	Source Source
	Mode   Mode
	Why    string // why it is not live, or what of it is not watched
	// Folders under watch.
	Folders int
	// Unwatched counts the folders that could not be watched; they are tried
	// again at RetryAt.
	Unwatched int
	RetryAt   time.Time // zero: nothing to try again
	Rescans   int       // how often events were lost
	PolledAt  time.Time // end of the last look, where it is polled
}

// ErrClosed is returned by calls on a closed watcher.
var ErrClosed = errors.New("the watcher is closed")

// ErrNoSource means that no source has that id.
var ErrNoSource = errors.New("no such source")

// Watcher watches sources until it is closed.
type Watcher struct {
	loop    *loop
	cancel  context.CancelFunc
	done    chan struct{} // closed once every goroutine but hung looks has ended
	closing sync.Once
}

// New starts a watcher without sources. The error tells of wrong options or of
// a folder for fences that cannot be used; want of inotify is no error: sources
// are polled then.
func New(o Options) (*Watcher, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := prepareCookies(o.Cookies); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	deliver := newDelivery(o.Changed)
	var wakes *throttle
	if o.Wake != nil {
		wakes = newThrottle(o.Clock, o.Quiet, o.Ceiling, o.Wake)
		deliver.delivered = wakes.poke
	}
	w := &Watcher{loop: newLoop(ctx, o, deliver), cancel: cancel, done: make(chan struct{})}
	var running sync.WaitGroup
	running.Go(func() { deliver.run(ctx) })
	if wakes != nil {
		running.Go(func() { wakes.run(ctx) })
	}
	running.Go(w.loop.run)
	go func() {
		running.Wait()
		close(w.done)
	}()
	return w, nil
}

// Add begins to watch a source. It returns once every folder under the root is
// watched, or, where the source is polled, was looked at once: a change after
// Add is reported. A root that is missing, cannot be watched or gives no answer is
// no error: its Status tells, no fence passes for the last two, and one that
// answers again is an event. An event of kind Attached follows.
func (w *Watcher) Add(ctx context.Context, s Source) error {
	if s.ID == "" || !filepath.IsAbs(s.Root) {
		return fmt.Errorf("cannot watch %q: a source needs an id and an absolute root", s.Root)
	}
	s.Root = filepath.Clean(s.Root)
	type added struct {
		first <-chan struct{}
		err   error
	}
	a, err := do(ctx, w.loop, func() (a added) { a.first, a.err = w.loop.add(s); return a })
	if err != nil {
		w.loop.post(func() { w.loop.remove(s.ID) })
		return fmt.Errorf("cannot watch %s: %w", s.Root, err)
	}
	if a.err != nil || a.first == nil {
		return a.err
	}
	patience := time.NewTimer(w.loop.opts.Patience)
	defer patience.Stop()
	select {
	case <-a.first:
		return nil
	case <-patience.C:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-w.done:
		err = ErrClosed
	}
	w.loop.post(func() { w.loop.remove(s.ID) })
	return fmt.Errorf("cannot look at %s: %w", s.Root, err)
}

// Remove ends the watching of a source. An event of it may still be on its way.
func (w *Watcher) Remove(ctx context.Context, id string) error {
	found, err := do(ctx, w.loop, func() bool { return w.loop.remove(id) })
	if err != nil {
		return fmt.Errorf("cannot end watching: %w", err)
	}
	if !found {
		return fmt.Errorf("cannot end watching %q: %w", id, ErrNoSource)
	}
	return nil
}

// Status tells how every source is watched, in the order in which they were
// added.
func (w *Watcher) Status(ctx context.Context) ([]Status, error) {
	list, err := do(ctx, w.loop, w.loop.status)
	if err != nil {
		return nil, fmt.Errorf("cannot tell what is watched: %w", err)
	}
	return list, nil
}

// Close ends all watching. It waits for a callback in progress, and no longer
// than 5 s: a look at a dead network mount cannot be ended by anyone, and is
// named by the error then.
func (w *Watcher) Close() error {
	w.closing.Do(w.cancel)
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	select {
	case <-w.done:
	case <-deadline.C:
		return errors.New("cannot end watching: a callback did not return within 5 s")
	}
	select {
	case <-w.loop.looks.ended():
		return nil
	case <-deadline.C:
		return errors.New("cannot end watching: a polled folder did not answer within 5 s")
	}
}
