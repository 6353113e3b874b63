package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const cookiePrefix = "fence-"

// fenceLimit is the longest wait of a fence whose context has no deadline.
const fenceLimit = 30 * time.Second

// prepareCookies makes the folder for fences and clears what a crash left in it.
func prepareCookies(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder for fences: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("cannot read the folder for fences: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), cookiePrefix) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("cannot clear the folder for fences: %w", err)
			}
		}
	}
	return nil
}

// watchCookies (again) watches the folder for fences; without it fences time
// out, and the next try is a minute away.
func (l *loop) watchCookies() {
	if err := os.MkdirAll(l.opts.Cookies, 0o700); err != nil {
		l.storm.why = reason(err)
		return
	}
	if err := l.notify.add(l.opts.Cookies); err != nil {
		l.storm.why = reason(err)
	}
}

// Fence returns nil once Changed has returned for every change of the sources
// that was complete before the call; without ids, of all sources. It makes a
// file in a folder of its own that the same inotify instance watches: when that
// event came through the kernel's queue, all earlier ones have. A polled source
// is looked at once more instead, a root that another folder took the place of
// is noticed. An error means that this is not known: a source is not watched at
// all, or ctx (at most 30 s) ended first.
func (w *Watcher) Fence(ctx context.Context, ids ...string) error {
	if err := w.loop.fence(ctx, ids); err != nil {
		return fmt.Errorf("cannot be sure to have seen every change: %w", err)
	}
	return nil
}

func (l *loop) fence(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, fenceLimit)
	defer cancel()
	f, err := do(ctx, l, func() fence { return l.beginFence(ids) })
	if err != nil {
		return err
	}
	if f.cookie != "" {
		defer l.post(func() { delete(l.fences, f.cookie) })
	}
	if f.refused != nil {
		return f.refused
	}
	if f.cookie != "" {
		if err := touch(filepath.Join(l.opts.Cookies, f.cookie)); err != nil {
			return err
		}
	}
	for _, passed := range f.waits {
		select {
		case <-passed:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// fence is what to wait for, and which cookie to make first; or why there is none.
type fence struct {
	waits   []<-chan struct{}
	cookie  string
	refused error
}

func (l *loop) beginFence(ids []string) (f fence) {
	among := l.sources
	if len(ids) > 0 {
		among = nil
		for _, id := range ids {
			s := l.source(id)
			if s == nil {
				f.refused = fmt.Errorf("%q: %w", id, ErrNoSource)
				return f
			}
			among = append(among, s)
		}
	}
	for _, s := range among {
		l.recheck(s)
		switch s.mode {
		case Failed:
			f.refused = fmt.Errorf("%s is not watched: %s", s.Root, s.why)
			return f
		case Polled:
			if l.silent(s) {
				f.refused = &SilentError{s.Root}
				return f
			}
			passed := make(chan struct{})
			f.waits = append(f.waits, passed)
			l.look(s, func() { l.deliver.barrier(passed) })
		}
	}
	passed := make(chan struct{})
	f.waits = append(f.waits, passed)
	if l.notify == nil { // then everything is polled
		l.deliver.barrier(passed)
		return f
	}
	l.serial++
	f.cookie = cookiePrefix + strconv.FormatUint(l.serial, 10)
	l.fences[f.cookie] = passed
	return f
}

// cookie handles an event in or of the folder for fences.
func (l *loop) cookie(ev fsnotify.Event) {
	if ev.Name == l.opts.Cookies {
		if ev.Has(fsnotify.Remove) || ev.Has(fsnotify.Rename) {
			l.watchCookies()
		}
		return
	}
	name := filepath.Base(ev.Name)
	passed := l.fences[name]
	if passed == nil || !ev.Has(fsnotify.Create) {
		return
	}
	l.trouble() // an overflow before the cookie: rescan first, that passes the fence
	if l.fences[name] != nil {
		delete(l.fences, name)
		l.deliver.barrier(passed)
	}
}

// touch makes a file and removes it again.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(path))
}
