package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxNamedFaults bounds the unwatched folders that are kept by name.
const maxNamedFaults = 1000

// step is one folder still to be watched, and for whom.
type step struct {
	path   string
	owners []*tracked
	tries  int
}

// walk watches a folder and all beneath it for its owners. Each folder is
// watched before it is read, so that a folder made meanwhile is either read or
// reported. It returns whether the path is a folder that somebody watches.
func (l *loop) walk(path string, owners []*tracked) (any bool) {
	todo := []step{{path: path, owners: owners}}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n, wanted, again := l.watchFolder(next)
		if again && next.tries < 3 {
			next.tries++
			todo = append(todo, next)
			continue
		}
		if n == nil {
			continue
		}
		any = true
		err := eachEntry(next.path, true, func(e fs.DirEntry) error {
			if e.IsDir() {
				todo = append(todo, step{path: filepath.Join(next.path, e.Name()), owners: wanted})
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.fault(next.path, wanted, err)
		}
	}
	return any
}

// watchFolder watches one folder. Wanted are the owners that do not skip it;
// again means that the folder was replaced meanwhile.
func (l *loop) watchFolder(st step) (n *node, wanted []*tracked, again bool) {
	wanted = l.wanting(st)
	if len(wanted) == 0 || l.notify == nil {
		return nil, nil, false
	}
	fi, err := os.Lstat(st.path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
			l.fault(st.path, wanted, err)
		}
		return nil, nil, false
	}
	if !fi.IsDir() {
		return nil, nil, false
	}
	id := idOf(fi)
	if n := l.known(st.path, id); n != nil {
		l.tree.adopt(n)
		n.own(wanted)
		l.unfault(st.path, wanted)
		return n, wanted, false
	}
	switch err := l.notify.add(st.path); {
	case errors.Is(err, unix.ENOSPC):
		for _, o := range wanted {
			l.toPolled(o, noWatchesLeft, true)
		}
		return nil, nil, false
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, true
	case err != nil:
		l.fault(st.path, wanted, err)
		return nil, nil, false
	}
	if fi, err := os.Lstat(st.path); err != nil || !fi.IsDir() || idOf(fi) != id {
		l.unwatch(st.path)
		return nil, nil, true
	}
	n = l.tree.insert(st.path, id)
	n.own(wanted)
	l.unfault(st.path, wanted)
	return n, wanted, false
}

// known is the node of a folder that is watched already, by this path or by
// another one that leads to it. What a path or an identity stood for before is
// forgotten.
func (l *loop) known(path string, id fileID) *node {
	if n := l.tree.byPath[path]; n != nil && n.id != id {
		l.vanished(n)
	}
	if n := l.tree.byPath[path]; n != nil && n.id == id {
		return n
	}
	n := l.tree.byID[id]
	if n == nil {
		return nil
	}
	if fi, err := os.Lstat(n.path); err == nil && idOf(fi) == id {
		return n
	}
	l.vanished(n)
	return nil
}

// wanting are the owners of a step that are still live and do not skip it.
func (l *loop) wanting(st step) []*tracked {
	var wanted []*tracked
	for _, o := range st.owners {
		if o.mode != Live {
			continue
		}
		if within(st.path, l.opts.Cookies) || o.Skip != nil && st.path != o.resolved && o.Skip(st.path) {
			o.skipped[st.path] = struct{}{}
			continue
		}
		delete(o.skipped, st.path)
		wanted = append(wanted, o)
	}
	if len(wanted) == len(st.owners) {
		return st.owners // one list for all the folders of a walk
	}
	return wanted
}

func (l *loop) fault(path string, owners []*tracked, err error) {
	for _, o := range owners {
		if o.firstFault == "" {
			o.firstFault = path + ": " + reason(err)
		}
		if len(o.unwatched) < maxNamedFaults {
			o.unwatched[path] = struct{}{}
		} else {
			o.unmore++
		}
		if o.retryAt.IsZero() {
			l.backOff(o)
		}
	}
}

func (l *loop) unfault(path string, owners []*tracked) {
	for _, o := range owners {
		if delete(o.unwatched, path); len(o.unwatched) == 0 && o.unmore == 0 {
			o.firstFault = ""
		}
	}
}
