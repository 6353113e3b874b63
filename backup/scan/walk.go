package scan

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Entry is one regular file.
type Entry struct {
	Path string // relative to the root, raw bytes, separated by "/"
	Stat
}

// Options of a walk. The zero value is usable.
type Options struct {
	Workers int             // how many look at once; 0 chooses by the machine
	BagIDs  map[string]bool // folders that carry one of these are skipped and found
	Now     func() time.Time
	Found   func(Finding) // called for each finding, one at a time; may be nil
	// Patience is how long the file system may give no answer; 0: [Patience].
	// Then the folders where it was asked are [Unlistable], for [ErrNoAnswer].
	Patience time.Duration
}

// Summary is what a walk saw.
type Summary struct {
	Entries  int64
	Bytes    int64
	Began    time.Time // before the first look: the moment [Stat.Unsettled] is judged by
	Ended    time.Time
	Found    int       // how many findings
	Findings []Finding // the first [MaxFindings] of them
	Hidden   int       // how many findings hide something
}

// MaxFindings is how many findings a [Summary] carries; [Options.Found] sees all.
const MaxFindings = 10_000

const (
	maxDepth   = 1024
	direntsBuf = 64 << 10
	batchSize  = 1024
)

// Walk lists the tree and hands each the files in batches, one batch at a time,
// in no order. It ends at the first error of each, or when ctx does. A listing
// that may lack files ends with [*IncompleteError], after everything else was
// handed over.
func (r *Root) Walk(ctx context.Context, o Options, each func([]Entry) error) (Summary, error) {
	if o.Workers <= 0 {
		o.Workers = min(8, 2*runtime.GOMAXPROCS(0))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patience <= 0 {
		o.Patience = Patience
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &walk{root: r, ctx: ctx, opts: o, out: make(chan batch, o.Workers)}
	w.pulse.at = make([]atomic.Pointer[string], o.Workers)
	w.wake = sync.NewCond(&w.mu)
	w.tasks, w.pending = []task{{path: "."}}, 1
	s := Summary{Began: o.Now()}
	stop := context.AfterFunc(ctx, w.wakeAll)
	defer func() {
		stop()
		cancel(nil)
		w.wakeAll() // workers that wait while another one waits in vain
	}()
	var wg sync.WaitGroup
	for i := range o.Workers {
		wg.Go(func() { w.work(&w.pulse.at[i]) })
	}
	go func() { wg.Wait(); close(w.out) }()
	var first Finding
	for {
		b, ok, waiting := w.hear(ctx, o.Patience)
		for _, p := range waiting {
			b.findings = append(b.findings, Finding{Path: p, Kind: Unlistable, Err: ErrNoAnswer})
		}
		if !ok && len(waiting) == 0 {
			break
		}
		if ctx.Err() != nil {
			continue
		}
		if err := s.take(b, o.Found, &first, each); err != nil {
			cancel(err)
		}
		if !ok {
			break
		}
	}
	s.Ended = o.Now()
	if ctx.Err() != nil {
		return s, fmt.Errorf("cannot finish listing %q: %w", r.path, context.Cause(ctx))
	}
	if s.Hidden > 0 {
		return s, &IncompleteError{Root: r.path, Count: s.Hidden, First: first}
	}
	return s, nil
}

type batch struct {
	entries  []Entry
	findings []Finding
}

func (s *Summary) take(b batch, found func(Finding), first *Finding, each func([]Entry) error) error {
	for _, f := range b.findings {
		s.Found++
		if len(s.Findings) < MaxFindings {
			s.Findings = append(s.Findings, f)
		}
		if f.Kind.Hides() {
			if s.Hidden == 0 {
				*first = f
			}
			s.Hidden++
		}
		if found != nil {
			found(f)
		}
	}
	if len(b.entries) == 0 {
		return nil
	}
	s.Entries += int64(len(b.entries))
	for i := range b.entries {
		s.Bytes += b.entries[i].Size
	}
	return each(b.entries)
}

// task is a folder to list, or names of an open folder to look at.
type task struct {
	path  string
	depth int
	names []name
	dir   *sharedDir
}

type name struct {
	text string
	kind uint8
}

// sharedDir is an open folder that several tasks read; the last one closes it.
type sharedDir struct {
	fd   int
	uses atomic.Int32
}

func (d *sharedDir) release() {
	if d.uses.Add(-1) == 0 {
		_ = unix.Close(d.fd)
	}
}

type walk struct {
	root *Root
	ctx  context.Context
	opts Options
	out  chan batch

	pulse   pulse
	mu      sync.Mutex
	wake    *sync.Cond
	tasks   []task // last in, first out: keeps the list short in deep trees
	pending int    // tasks not yet finished
	idle    int
}

func (w *walk) wakeAll() {
	w.mu.Lock()
	w.wake.Broadcast()
	w.mu.Unlock()
}

func (w *walk) work(at *atomic.Pointer[string]) {
	buf := make([]byte, direntsBuf)
	for {
		t, ok := w.next()
		if !ok {
			return
		}
		at.Store(&t.path)
		if t.dir != nil {
			w.look(t.dir, t.path, t.depth, t.names)
			t.dir.release()
		} else {
			w.list(t, buf)
		}
		w.back(at, t.path)
		w.pulse.beats.Add(1)
		w.done()
	}
}

func (w *walk) next() (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle++
	defer func() { w.idle-- }()
	for len(w.tasks) == 0 && w.pending > 0 && w.ctx.Err() == nil {
		w.wake.Wait()
	}
	if w.ctx.Err() != nil {
		for _, t := range w.tasks {
			if t.dir != nil {
				t.dir.release()
			}
		}
		w.tasks = nil
		return task{}, false
	}
	if len(w.tasks) == 0 {
		return task{}, false
	}
	t := w.tasks[len(w.tasks)-1]
	w.tasks[len(w.tasks)-1] = task{}
	w.tasks = w.tasks[:len(w.tasks)-1]
	return t, true
}

func (w *walk) done() {
	w.mu.Lock()
	w.pending--
	if w.pending == 0 {
		w.wake.Broadcast()
	}
	w.mu.Unlock()
}

func (w *walk) push(t task) {
	w.mu.Lock()
	w.tasks = append(w.tasks, t)
	w.pending++
	w.wake.Signal()
	w.mu.Unlock()
}

// share hands names to another worker, if one has nothing to do.
func (w *walk) share(dir *sharedDir, path string, depth int, names []name) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.idle == 0 || w.ctx.Err() != nil {
		return false
	}
	dir.uses.Add(1)
	w.tasks = append(w.tasks, task{path: path, depth: depth, names: names, dir: dir})
	w.pending++
	w.wake.Signal()
	return true
}

func (w *walk) send(b batch) {
	select {
	case w.out <- b:
	case <-w.ctx.Done():
	}
}
