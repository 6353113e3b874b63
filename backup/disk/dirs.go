package disk

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// dir is an open folder.
type dir struct {
	fd   int
	uses atomic.Int32 // one for the cache, one for each call under way
	used uint64       // when it was last asked for, by the cache's own count
}

func newDir(fd int) *dir {
	d := &dir{fd: fd}
	d.uses.Store(1)
	return d
}

func (d *dir) release() {
	if d.uses.Add(-1) == 0 {
		_ = unix.Close(d.fd)
	}
}

// system is the real file system beneath top, with the folders that were used
// of late kept open.
type system struct {
	top   *dir
	mu    sync.Mutex
	dirs  map[string]*dir // nil once the root is closed
	clock uint64
}

const maxOpenDirs = 128

// in gives the folder that holds name, and the name in it: one component, so
// that no call made with it can leave the folder. The caller releases the
// folder.
func (s *system) in(name string) (*dir, string, error) {
	if !valid(name) {
		return nil, "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		d, err := s.held()
		return d, name, err
	}
	d, err := s.cached(name[:i])
	return d, name[i+1:], err
}

// held is the top, to be released; s.mu is held. After [system.Close] there is
// none: its number may be another file's by then.
func (s *system) held() (*dir, error) {
	if s.dirs == nil {
		return nil, fs.ErrClosed
	}
	s.top.uses.Add(1)
	return s.top, nil
}

// valid reports whether every component of a name is one: fs.ValidPath, but that
// names are bytes, not text.
func valid(name string) bool {
	from := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			if name[i] == 0 {
				return false
			}
			continue
		}
		switch name[from:i] {
		case "", ".", "..":
			return false
		}
		from = i + 1
	}
	return true
}

func (s *system) dir(path string) (*dir, error) {
	if path != "." && !valid(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "." {
		return s.held()
	}
	return s.cached(path)
}

func (s *system) cached(path string) (*dir, error) {
	if s.dirs == nil {
		return nil, fs.ErrClosed
	}
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
	d, err := parent.child(base, path)
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

// child opens the folder name, one component, in d; path is for messages.
func (d *dir) child(name, path string) (*dir, error) {
	fd, err := sameMount(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		switch {
		case errors.Is(err, unix.EXDEV):
			err = ErrMount
		case isLink(d.fd, name):
			err = ErrLink
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return newDir(fd), nil
}

// sameMount opens name, one component, in the folder dir, unless something else is
// mounted there. Where the kernel has no openat2 (before Linux 5.6), or a sandbox
// refuses it, that is not told.
func sameMount(dir int, name string, flags int) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_NO_XDEV}
	for {
		fd, err := unix.Openat2(dir, name, &how)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
			return openat(dir, name, flags, 0)
		default:
			return fd, err
		}
	}
}

func isLink(dir int, name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
}

// Close closes the root and every folder kept open. Calls under way end first
// with theirs; later ones are fs.ErrClosed, and closing again does nothing.
func (s *system) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs == nil {
		return nil
	}
	for _, d := range s.dirs {
		d.release()
	}
	s.dirs = nil
	s.top.release()
	return nil
}
