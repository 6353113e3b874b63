package watch

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restAfterLook keeps the looks at a slow root under 5 % of the time.
const restAfterLook = 20

// pollState is what is known of a polled source. The loop alone touches it.
type pollState struct {
	running bool
	// deferred: another look at the same mount waits in vain.
	deferred bool
	pulse    *atomic.Int64 // of the look in progress: when it last got an answer
	cancel   context.CancelFunc
	turn     int // tells a look that was given up from the present one
	have     bool
	digest   uint64
	next     time.Time // zero: none is due
	ended    time.Time
	// waiting are called after the look in progress, later after the next one:
	// a fence needs a look that began after it.
	waiting, later []func()
}

// stop gives up a look in progress; those who wait stay for what comes instead.
func (p *pollState) stop() {
	if p.cancel != nil {
		p.cancel()
	}
	*p = pollState{turn: p.turn + 1, waiting: append(p.waiting, p.later...)}
}

// release calls those who wait.
func (p *pollState) release() {
	for _, f := range p.waiting {
		f()
	}
	p.waiting, p.later = p.later, nil
}

// looks counts the goroutines that look at polled roots.
type looks struct{ running sync.WaitGroup }

// ended is closed once no look is in progress.
func (l *looks) ended() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	return done
}

// lookDone is the result of one look.
type lookDone struct {
	source *tracked
	turn   int
	digest uint64
	took   time.Duration
	silent bool // it gave no answer for a while: who was told so wants to hear that it does
}

// look looks at a polled source, now or right after the look in progress. Done
// is called in the loop once a difference, if any, has been put into the queue.
func (l *loop) look(s *tracked, done func()) {
	p := &s.poll
	if p.running {
		if done != nil {
			p.later = append(p.later, done)
		}
		return
	}
	if done != nil {
		p.waiting = append(p.waiting, done)
	}
	if l.silentBeside(s) {
		p.deferred, p.next = true, l.opts.Clock.Now().Add(l.opts.Poll)
		return
	}
	ctx, cancel := context.WithCancel(l.ctx)
	p.running, p.deferred, p.cancel, p.next, p.pulse = true, false, cancel, time.Time{}, new(atomic.Int64)
	pulse, d := p.pulse, lookDone{source: s, turn: p.turn}
	pulse.Store(int64(sinceStart()))
	root, skip := s.resolved, l.skipper(s)
	l.looks.running.Go(func() {
		defer cancel()
		began := l.opts.Clock.Now()
		beat := func() {
			was := time.Duration(pulse.Swap(int64(sinceStart())))
			d.silent = d.silent || sinceStart()-was > l.opts.Patience
		}
		d.digest = digestTree(ctx, root, skip, beat)
		beat()
		d.took = l.opts.Clock.Now().Sub(began)
		select {
		case l.looked <- d:
		case <-l.ctx.Done():
		}
	})
}

// start is what the pulses count from, by a clock that no test holds: what hangs
// does so in real time.
var start = time.Now()

func sinceStart() time.Duration { return time.Since(start) }

// silent reports whether the look in progress has waited in vain for too long.
func (l *loop) silent(s *tracked) bool {
	p := &s.poll
	return s.mode == Polled && p.running && sinceStart()-time.Duration(p.pulse.Load()) > l.opts.Patience ||
		s.mode == Polled && l.silentBeside(s)
}

// silentBeside reports whether another source of the same far mount gives no answer:
// one call that waits is enough.
func (l *loop) silentBeside(s *tracked) bool {
	return s.far != "" && slices.ContainsFunc(l.sources, func(o *tracked) bool {
		p := &o.poll
		return o != s && o.far == s.far && p.running && sinceStart()-time.Duration(p.pulse.Load()) > l.opts.Patience
	})
}

// SilentError says that a folder gives no answer: it lies on a server or a disk
// that is gone.
type SilentError struct{ Root string }

func (e *SilentError) Error() string {
	return e.Root + " gives no answer: it is on a server or a disk that is gone. Bring that back, or unmount it"
}

func (l *loop) skipper(s *tracked) func(string) bool {
	cookies, skip := l.opts.Cookies, s.Skip
	return func(dir string) bool { return dir == cookies || skip != nil && skip(dir) }
}

func (l *loop) lookEnded(d lookDone) {
	defer l.lookDeferred()
	p := &d.source.poll
	if d.turn != p.turn || !p.running {
		return
	}
	if !p.have || p.digest != d.digest || d.silent {
		l.mark(d.source, Files)
	}
	now := l.opts.Clock.Now()
	p.running, p.have, p.digest, p.ended = false, true, d.digest, now
	p.release()
	if len(p.waiting) > 0 {
		l.look(d.source, nil)
		return
	}
	p.next = now.Add(max(l.opts.Poll, restAfterLook*d.took))
}

// lookDeferred looks at the roots whose mount may answer again.
func (l *loop) lookDeferred() {
	for _, s := range l.sources {
		if s.poll.deferred {
			l.look(s, nil)
		}
	}
}

// digestSeed makes digests of this process comparable with each other alone.
var digestSeed = maphash.MakeSeed()

// digestTree is a digest over names, kinds, sizes, times and inodes of all that
// is in a tree. What cannot be read counts by its error. It does not depend on
// the order of names, so that nothing has to be held or sorted.
func digestTree(ctx context.Context, root string, skip func(string) bool, beat func()) uint64 {
	var sum uint64
	fi, err := os.Stat(root)
	sum += digestEntry(root, fi, err)
	if err != nil || !fi.IsDir() {
		return sum
	}
	todo := []string{root}
	for len(todo) > 0 && ctx.Err() == nil {
		folder := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		err := eachEntry(folder, folder != root, func(e fs.DirEntry) error {
			path := filepath.Join(folder, e.Name())
			if e.IsDir() && skip(path) {
				return nil
			}
			fi, err := e.Info()
			beat()
			sum += digestEntry(path, fi, err)
			if e.IsDir() {
				todo = append(todo, path)
			}
			return ctx.Err()
		})
		if err != nil {
			sum += digestEntry(folder, nil, err)
		}
	}
	return sum
}

func digestEntry(path string, fi fs.FileInfo, err error) uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	_, _ = h.WriteString(path) // never fails
	if err != nil {
		_, _ = h.WriteString("\x00" + reason(err))
		return h.Sum64()
	}
	var b [48]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(fi.Mode()))
	binary.LittleEndian.PutUint64(b[8:], uint64(fi.Size()))
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		binary.LittleEndian.PutUint64(b[16:], st.Ino)
		binary.LittleEndian.PutUint64(b[24:], uint64(st.Mtim.Nano()))
		binary.LittleEndian.PutUint64(b[32:], uint64(st.Ctim.Nano()))
		binary.LittleEndian.PutUint64(b[40:], st.Nlink)
	}
	_, _ = h.Write(b[:])
	return h.Sum64()
}

// eachEntry calls f for everything in a folder, in batches, so that a folder of
// a million files needs no list of them. Beneath a root a folder that became a
// link or a pipe is not opened.
func eachEntry(folder string, beneath bool, f func(fs.DirEntry) error) error {
	flags := os.O_RDONLY | unix.O_DIRECTORY | unix.O_NONBLOCK
	if beneath {
		flags |= unix.O_NOFOLLOW
	}
	dir, err := os.OpenFile(folder, flags, 0)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for {
		entries, err := dir.ReadDir(1024)
		for _, e := range entries {
			if err := f(e); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
