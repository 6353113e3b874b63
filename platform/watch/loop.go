package watch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// tracked is one source and how it is watched. The loop alone touches it.
type tracked struct {
	Source
	mode     Mode
	why      string
	resolved string // the root without symbolic links
	id       fileID
	far      string // where the far mount is that it is polled because of
	mounted  string // what touched the tree when it was attached
	folders  int
	// unwatched are the folders that could not be watched, with the reason of
	// the first; beyond a bound they are only counted.
	unwatched  map[string]struct{}
	unmore     int
	firstFault string
	skipped    map[string]struct{} // folders that Skip left out
	anchor     string              // the folder whose events tell of a missing root's return
	near       string              // the nearest existing folder when it went missing

	retryAt   time.Time
	retryWait time.Duration
	rescans   int
	poll      pollState
}

// loop owns the state of all sources and the inotify instance.
type loop struct {
	ctx      context.Context
	opts     Options
	deliver  *delivery
	commands chan func()

	notify  *notifier // nil while there is no inotify instance
	tree    tree
	sources []*tracked
	anchors map[string]int
	fences  map[string]chan<- struct{} // name of the cookie → who waits
	serial  uint64
	looks   looks
	looked  chan lookDone

	recheckAt time.Time
	storm     storm
}

func newLoop(ctx context.Context, o Options, d *delivery) *loop {
	l := &loop{
		ctx: ctx, opts: o, deliver: d, commands: make(chan func()), tree: newTree(),
		anchors: map[string]int{}, fences: map[string]chan<- struct{}{}, looked: make(chan lookDone),
	}
	l.recheckAt = o.Clock.Now().Add(o.Recheck)
	l.openNotifier() // its failure shows in every source
	return l
}

// do runs f in the loop and gives what it gives. The loop touches no far mount, but
// a disk of this machine that fails may hold it too: nobody waits for that longer
// than they want.
func do[T any](ctx context.Context, l *loop, f func() T) (got T, err error) {
	ran := make(chan T, 1)
	select {
	case l.commands <- func() { ran <- f() }:
	case <-ctx.Done():
		return got, ctx.Err()
	case <-l.ctx.Done():
		return got, ErrClosed
	}
	select {
	case got = <-ran:
		return got, nil
	case <-ctx.Done():
		return got, ctx.Err()
	}
}

// post runs f in the loop at some time, and not at all once it has ended.
func (l *loop) post(f func()) {
	go func() {
		select {
		case l.commands <- f:
		case <-l.ctx.Done():
		}
	}()
}

func (l *loop) run() {
	defer l.closeNotifier()
	var armed time.Time
	var fired <-chan time.Time
	release := func() {}
	defer func() { release() }()
	for {
		if next := l.nextDue(); next != armed {
			release()
			armed = next
			fired, release = l.opts.Clock.After(next.Sub(l.opts.Clock.Now()))
		}
		select {
		case <-l.ctx.Done():
			return
		case f := <-l.commands:
			f()
		case ev, ok := <-l.notify.events():
			if !ok {
				l.rescan("inotify ended")
				continue
			}
			l.event(ev)
		case <-l.notify.troubled():
			l.trouble()
		case done := <-l.looked:
			l.lookEnded(done)
		case <-fired:
			armed = time.Time{}
			l.tick(l.opts.Clock.Now())
		}
	}
}

// nextDue is when the loop next has something to do by itself.
func (l *loop) nextDue() time.Time {
	next := l.recheckAt
	for _, s := range l.sources {
		for _, at := range []time.Time{s.retryAt, s.poll.next} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

func (l *loop) tick(now time.Time) {
	if !now.Before(l.recheckAt) {
		l.recheckAt = now.Add(l.opts.Recheck)
		if l.notify != nil {
			l.watchCookies()
		}
		for _, s := range l.sources {
			l.recheck(s)
		}
	}
	for _, s := range l.sources {
		if !s.retryAt.IsZero() && !now.Before(s.retryAt) {
			l.retry(s)
		}
		if !s.poll.next.IsZero() && !now.Before(s.poll.next) {
			l.look(s, nil)
		}
	}
}

// add returns a channel that is closed after the first look at a polled source.
func (l *loop) add(s Source) (<-chan struct{}, error) {
	if len(l.sources) >= maxSources {
		return nil, fmt.Errorf("cannot watch %s: there are %d sources already", s.Root, maxSources)
	}
	if l.source(s.ID) != nil {
		return nil, fmt.Errorf("cannot watch %s: id %q is taken", s.Root, s.ID)
	}
	if within(s.Root, l.opts.Cookies) {
		return nil, fmt.Errorf("cannot watch %s: it lies in the folder for fences", s.Root)
	}
	t := &tracked{Source: s}
	l.sources = append(l.sources, t)
	l.attach(t)
	if t.mode != Polled {
		return nil, nil
	}
	if l.silent(t) {
		return nil, nil
	}
	first := make(chan struct{})
	l.look(t, func() { close(first) })
	return first, nil
}

func (l *loop) remove(id string) bool {
	t := l.source(id)
	if t == nil {
		return false
	}
	l.detach(t)
	t.poll.release()
	l.sources = slices.DeleteFunc(l.sources, func(s *tracked) bool { return s == t })
	return true
}

func (l *loop) source(id string) *tracked {
	for _, s := range l.sources {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (l *loop) mark(s *tracked, k Kind) { l.deliver.put(s.ID, k) }

func (l *loop) markAll(owners []*tracked, k Kind) {
	for _, o := range owners {
		l.mark(o, k)
	}
}

// trouble handles what the notifier could not report as an event.
func (l *loop) trouble() {
	if lost := l.notify.takeTrouble(); lost != "" {
		l.rescan(lost)
	}
}

// event handles one event of inotify.
func (l *loop) event(ev fsnotify.Event) {
	folder := filepath.Dir(ev.Name)
	if folder == l.opts.Cookies || ev.Name == l.opts.Cookies {
		l.cookie(ev)
		if folder == l.opts.Cookies {
			return
		}
	}
	parent, self := l.tree.byPath[folder], l.tree.byPath[ev.Name]
	if parent == nil && self == nil {
		l.stray(ev.Name)
	}
	var owners []*tracked // of what may have appeared
	if parent != nil {
		owners = slices.Clone(parent.owners)
		for _, o := range owners {
			if _, skip := o.skipped[ev.Name]; !skip || ev.Op != fsnotify.Chmod {
				l.mark(o, Files)
			}
		}
	}
	if self != nil {
		l.markAll(self.owners, Files)
		if ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename) {
			l.vanished(self)
		}
	}
	if parent != nil && (ev.Has(fsnotify.Create) || ev.Has(fsnotify.Chmod) && self == nil) {
		l.appeared(ev.Name, owners)
	}
	if len(l.anchors) > 0 {
		l.anchored(ev.Name)
	}
}

// stray handles an event of a folder that was forgotten meanwhile.
func (l *loop) stray(path string) {
	for _, s := range l.sources {
		if s.mode == Live && within(path, s.resolved) {
			l.mark(s, Files)
		}
	}
}

// appeared watches a new folder with all in it. The second mark covers what was
// done in it before its watch was there.
func (l *loop) appeared(path string, owners []*tracked) {
	if l.walk(path, owners) {
		l.markAll(owners, Files)
	}
}

// vanished forgets a folder that was removed or moved, with all beneath it: the
// kernel's watches move with the folders, and would report them by old names.
func (l *loop) vanished(n *node) {
	path := n.path
	l.drop(n)
	for _, s := range slices.Clone(l.sources) {
		if s.mode == Live && within(s.resolved, path) {
			l.detach(s)
			l.mark(s, Gone)
			l.attach(s)
			if s.mode != Missing {
				l.mark(s, Back)
			}
		}
	}
}

// anchored looks whether an event tells of the return of a missing root.
func (l *loop) anchored(path string) {
	for _, s := range slices.Clone(l.sources) {
		if s.anchor != "" && within(s.Root, path) {
			l.reattach(s)
		}
	}
}

// reattach tries a source again from the start.
func (l *loop) reattach(s *tracked) {
	was := s.mode
	l.detach(s)
	l.attach(s)
	if was == Missing && s.mode != Missing {
		l.mark(s, Back)
	}
}

func (l *loop) status() []Status {
	list := make([]Status, 0, len(l.sources))
	for _, s := range l.sources {
		st := Status{
			Source: s.Source, Mode: s.mode, Why: s.why, Folders: s.folders,
			Unwatched: len(s.unwatched) + s.unmore, RetryAt: s.retryAt, Rescans: s.rescans, PolledAt: s.poll.ended,
		}
		if st.Why == "" {
			st.Why = s.firstFault
		}
		if l.silent(s) {
			st.Why = (&SilentError{s.Root}).Error()
		}
		list = append(list, st)
	}
	return list
}

// reason is an error as a person reads it, without our own words before it.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.TrimSpace(err.Error())
		}
		err = inner
	}
}
