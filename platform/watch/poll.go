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
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// restAfterLook keeps the looks at a slow root under 5 % of the time.
const restAfterLook = 20

// pollState is what is known of a polled source. The loop alone touches it.
type pollState struct {
	running bool
	cancel  context.CancelFunc
	turn    int // tells a look that was given up from the present one
	have    bool
	digest  uint64
	next    time.Time // zero: none is due
	ended   time.Time
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
	ctx, cancel := context.WithCancel(l.ctx)
	p.running, p.cancel, p.next = true, cancel, time.Time{}
	d := lookDone{source: s, turn: p.turn}
	root, skip := s.resolved, l.skipper(s)
	l.looks.running.Go(func() {
		defer cancel()
		began := l.opts.Clock.Now()
		d.digest = digestTree(ctx, root, skip)
		d.took = l.opts.Clock.Now().Sub(began)
		select {
		case l.looked <- d:
		case <-l.ctx.Done():
		}
	})
}

func (l *loop) skipper(s *tracked) func(string) bool {
	cookies, skip := l.opts.Cookies, s.Skip
	return func(dir string) bool { return dir == cookies || skip != nil && skip(dir) }
}

func (l *loop) lookEnded(d lookDone) {
	p := &d.source.poll
	if d.turn != p.turn || !p.running {
		return
	}
	if !p.have || p.digest != d.digest {
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

// digestSeed makes digests of this process comparable with each other alone.
var digestSeed = maphash.MakeSeed()

// digestTree is a digest over names, kinds, sizes, times and inodes of all that
// is in a tree. What cannot be read counts by its error. It does not depend on
// the order of names, so that nothing has to be held or sorted.
func digestTree(ctx context.Context, root string, skip func(string) bool) uint64 {
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
