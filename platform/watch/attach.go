package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const noWatchesLeft = "this system has no watches left (fs.inotify.max_user_watches)"

// attach begins to watch a source that is not watched in any way. The mark comes
// last: it covers what happened before the watches were there.
func (l *loop) attach(s *tracked) {
	l.place(s)
	l.mark(s, Attached)
	if s.mode != Polled {
		s.poll.release()
	}
}

// place finds the way in which a source can be watched.
func (l *loop) place(s *tracked) {
	s.why, s.firstFault, s.unmore = "", "", 0
	s.unwatched, s.skipped = map[string]struct{}{}, map[string]struct{}{}
	s.retryAt, s.far = time.Time{}, ""
	ms, err := readMounts()
	if err != nil {
		l.toPolled(s, reason(err), true)
		return
	}
	s.resolved, err = ms.resolve(s.Root)
	if far := (errFar{}); errors.As(err, &far) {
		s.far = far.point
		l.toPolled(s, far.Error(), false)
		return
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		l.toMissing(s)
		return
	}
	if err != nil {
		l.toFailed(s, reason(err))
		return
	}
	if m, far := ms.farIn(s.resolved); far {
		s.far = m.point
		l.toPolled(s, errFar{m}.Error(), false)
		return
	}
	s.mounted = ms.touching(s.resolved)
	l.placeLocal(s)
}

// placeLocal watches a root that lies on this machine's own filesystems.
func (l *loop) placeLocal(s *tracked) {
	fi, err := os.Lstat(s.resolved)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.toMissing(s)
		return
	case err != nil:
		l.toFailed(s, reason(err))
		return
	case !fi.IsDir():
		l.toPolled(s, "it is a file, not a folder", false)
		return
	case l.notify == nil:
		l.toPolled(s, "inotify is not available: "+l.storm.why, true)
		return
	}
	s.id = idOf(fi)
	s.mode = Live
	l.walk(s.resolved, []*tracked{s})
	if s.mode != Live {
		return
	}
	root := l.tree.byPath[s.resolved]
	if root == nil || !root.owned(s) {
		root = l.tree.byID[s.id]
	}
	if root == nil || !root.owned(s) {
		why := s.firstFault
		l.detach(s)
		if _, err := os.Lstat(s.Root); errors.Is(err, fs.ErrNotExist) {
			l.toMissing(s)
			return
		}
		l.toFailed(s, why)
		return
	}
	s.id = root.id
	if len(s.unwatched) == 0 {
		s.retryWait = 0
	}
}

// detach ends every kind of watching of a source.
func (l *loop) detach(s *tracked) {
	if s.folders > 0 {
		for _, n := range l.tree.byPath {
			l.disown(n, s)
		}
	}
	if s.anchor != "" {
		l.lift(s)
	}
	s.poll.stop()
	s.retryAt = time.Time{}
}

// disown ends a source's interest in one folder.
func (l *loop) disown(n *node, s *tracked) {
	for i, o := range n.owners {
		if o != s {
			continue
		}
		if len(n.owners) == 1 {
			l.tree.delete(n)
			l.unwatch(n.path)
			return
		}
		n.owners = append(n.owners[:i:i], n.owners[i+1:]...)
		s.folders--
		return
	}
}

// drop forgets a folder and all beneath it, for every source.
func (l *loop) drop(n *node) {
	for _, d := range l.tree.below(n) {
		l.tree.delete(d)
		l.unwatch(d.path)
	}
}

// unwatch ends the kernel's watch of a folder that nothing else needs.
func (l *loop) unwatch(path string) {
	if l.notify == nil || l.anchors[path] > 0 || path == l.opts.Cookies || l.tree.byPath[path] != nil {
		return
	}
	l.notify.remove(path)
}

// toMissing waits for a root to come: by the events of the nearest folder above
// it that can be watched, and by Recheck.
func (l *loop) toMissing(s *tracked) {
	s.mode, s.why = Missing, "it is not there"
	s.near = nearest(s.Root)
	if l.notify == nil {
		return
	}
	for folder := filepath.Dir(s.Root); ; folder = filepath.Dir(folder) {
		if err := l.notify.add(folder); err == nil {
			s.anchor = folder
			l.anchors[folder]++
			break
		}
		if folder == "/" {
			return
		}
	}
	if nearest(s.Root) != s.near { // it came while the watch was being placed
		l.recheckAt = l.opts.Clock.Now()
	}
}

// nearest is the path itself where it exists, else the folder above that does.
func nearest(path string) string {
	for path != "/" {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		path = filepath.Dir(path)
	}
	return path
}

// lift ends the waiting for a missing root.
func (l *loop) lift(s *tracked) {
	anchor := s.anchor
	s.anchor = ""
	if l.anchors[anchor]--; l.anchors[anchor] <= 0 {
		delete(l.anchors, anchor)
		l.unwatch(anchor)
	}
}

// toPolled looks at a source from time to time instead. Again: events are tried
// again after a while. The mark covers what no watch saw until now; the first
// look is compared with nothing and makes another.
func (l *loop) toPolled(s *tracked, why string, again bool) {
	l.detach(s)
	s.mode, s.why = Polled, why
	if s.resolved == "" {
		s.resolved = s.Root
	}
	l.mark(s, Attached)
	if again {
		l.backOff(s)
	}
	l.look(s, nil)
}

func (l *loop) toFailed(s *tracked, why string) {
	s.mode, s.why = Failed, why
	l.backOff(s)
}

// backOff tries a source again later, and ever later.
func (l *loop) backOff(s *tracked) {
	s.retryWait = min(max(2*s.retryWait, l.opts.Retry), l.opts.RetryMax)
	s.retryAt = l.opts.Clock.Now().Add(s.retryWait)
}

// retry tries again what failed: the whole source, or its unwatched folders.
func (l *loop) retry(s *tracked) {
	s.retryAt = time.Time{}
	if l.notify == nil {
		l.openNotifier()
	}
	if s.mode != Live {
		l.reattach(s)
		return
	}
	s.unwatched, s.unmore, s.firstFault = map[string]struct{}{}, 0, ""
	if l.walk(s.resolved, []*tracked{s}) {
		l.mark(s, Files)
	}
}

// recheck looks whether a root is still the folder that is watched: the events
// tell nothing of a folder above that was moved, nor of a new mount.
func (l *loop) recheck(s *tracked) {
	switch s.mode {
	case Missing:
		if stillFar(s.Root) || nearest(s.Root) != s.near {
			l.reattach(s)
		}
	case Polled:
		if s.far != "" && !stillFar(s.Root) {
			l.reattach(s)
		}
	case Live:
		ms, err := readMounts()
		if err == nil {
			var now string
			if now, err = ms.resolve(s.Root); err == nil && now == s.resolved && ms.touching(now) == s.mounted {
				if fi, err := os.Lstat(now); err == nil && idOf(fi) == s.id {
					return
				}
			}
		}
		l.detach(s)
		l.attach(s)
		if s.mode == Missing {
			l.mark(s, Gone)
		} else {
			l.mark(s, Back)
		}
	}
}

// stillFar reports whether a root lies on or holds a far mount.
func stillFar(root string) bool {
	ms, err := readMounts()
	if err != nil {
		return true
	}
	resolved, err := ms.resolve(root)
	if err != nil {
		return errors.As(err, &errFar{})
	}
	_, far := ms.farIn(resolved)
	return far
}
