package disk

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// dir is an open folder: as os.Root for writing, and its descriptor.
type dir struct {
	root *os.Root
	self *os.File
	uses atomic.Int32 // one for the cache, one for each call under way
	used uint64       // when it was last asked for, by the cache's own count
}

func newDir(r *os.Root) (*dir, error) {
	self, err := r.Open(".")
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	d := &dir{root: r, self: self}
	d.uses.Store(1)
	return d, nil
}

func (d *dir) fd() int { return int(d.self.Fd()) }

func (d *dir) release() {
	if d.uses.Add(-1) == 0 {
		_ = d.self.Close()
		_ = d.root.Close()
	}
}

// system is the real file system beneath top, with the folders that were used
// of late kept open.
type system struct {
	top   *dir
	mu    sync.Mutex
	dirs  map[string]*dir
	clock uint64
}

const maxOpenDirs = 128

// in gives the folder that holds name, and the name in it. The caller releases
// the folder.
func (s *system) in(name string) (*dir, string, error) {
	if !valid(name) {
		return nil, "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		s.top.uses.Add(1)
		return s.top, name, nil
	}
	d, err := s.dir(name[:i])
	return d, name[i+1:], err
}

// valid reports whether every component of a name is one: fs.ValidPath, but that
// names are bytes, not text.
func valid(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return false
		}
	}
	return true
}

func (s *system) dir(path string) (*dir, error) {
	if path == "." {
		s.top.uses.Add(1)
		return s.top, nil
	}
	if !valid(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cached(path)
}

func (s *system) cached(path string) (*dir, error) {
	s.clock++
	if d := s.dirs[path]; d != nil {
		d.used = s.clock
		d.uses.Add(1)
		return d, nil
	}
	parent, base := s.top, path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		p, err := s.cached(path[:i])
		if err != nil {
			return nil, err
		}
		defer p.release()
		parent, base = p, path[i+1:]
	}
	d, err := parent.child(base)
	if err != nil {
		return nil, err
	}
	if len(s.dirs) >= maxOpenDirs {
		s.evict()
	}
	d.used = s.clock
	d.uses.Add(1)
	s.dirs[path] = d
	return d, nil
}

func (s *system) evict() {
	oldest, path := ^uint64(0), ""
	for p, d := range s.dirs {
		if d.used < oldest {
			oldest, path = d.used, p
		}
	}
	s.dirs[path].release()
	delete(s.dirs, path)
}

// forget closes what is kept open at and beneath path: it was renamed or removed.
func (s *system) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, d := range s.dirs {
		if p == path || strings.HasPrefix(p, path+"/") {
			d.release()
			delete(s.dirs, p)
		}
	}
}

// child opens the folder name in d. os.Root follows links that stay beneath it,
// so what was opened must be what the name itself is.
func (d *dir) child(name string) (*dir, error) {
	r, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	c, err := newDir(r)
	if err != nil {
		return nil, err
	}
	want, err := d.root.Lstat(name)
	if err != nil {
		c.release()
		return nil, err
	}
	got, err := c.self.Stat()
	if err != nil {
		c.release()
		return nil, err
	}
	if !os.SameFile(want, got) {
		c.release()
		return nil, fmt.Errorf("cannot open folder %q: %w", name, ErrLink)
	}
	return c, nil
}

// Close closes the root and every folder kept open.
func (s *system) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, d := range s.dirs {
		d.release()
		delete(s.dirs, p)
	}
	s.top.release()
	return nil
}
