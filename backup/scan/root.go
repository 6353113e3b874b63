package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Root is an open folder. Everything is reached from its descriptor, so that a
// rename of the folder, or of one above it, changes nothing.
type Root struct {
	dir  *os.File
	conn syscall.RawConn // of dir: keeps the descriptor through a call that is left behind
	path string
	stat Stat
	fine bool // its file system keeps fine stamps
}

// Open opens the folder at path. Links in path itself are followed: it is the
// caller's own choice, not found in the tree.
func Open(path string) (*Root, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open folder: %w", err)
	}
	type opened struct {
		root *Root
		err  error
	}
	o, err := Question[opened]{About: abs, Call: func(context.Context) opened {
		r, err := open(abs)
		return opened{r, err}
	}, Late: func(o opened) {
		if o.err == nil {
			_ = o.root.Close() // nobody took it
		}
	}}.Ask(context.Background())
	if err != nil {
		o.err = &fs.PathError{Op: "open", Path: abs, Err: err}
	}
	if o.err != nil {
		return nil, fmt.Errorf("cannot open folder: %w", o.err)
	}
	return o.root, nil
}

func open(abs string) (*Root, error) {
	fd, err := unix.Open(abs, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: abs, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "fstat", Path: abs, Err: err}
	}
	if kernelShows(fd) {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: abs, Err: errKernel}
	}
	fine, dir := keepsFine(fd), os.NewFile(uintptr(fd), abs)
	conn, err := dir.SyscallConn()
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	return &Root{dir: dir, conn: conn, path: abs, stat: FromUnix(&st), fine: fine}, nil
}

// Path is the absolute path the root was opened by.
func (r *Root) Path() string { return r.path }

// Stat is the root folder itself, as it was when opened.
func (r *Root) Stat() Stat { return r.stat }

// Close releases the folder. Files opened beneath it stay open.
func (r *Root) Close() error { return r.dir.Close() }

// NotRegularError says that a name that was a regular file no longer is one.
type NotRegularError struct{ Path string }

func (e *NotRegularError) Error() string {
	return fmt.Sprintf("cannot read %q: it is not a regular file", e.Path)
}

// OpenFile opens the regular file at path, relative to the root, for reading,
// and says what it is. It never blocks on a FIFO and never follows a link.
func (r *Root) OpenFile(path string) (*os.File, Stat, error) {
	fd, st, err := r.openRegular(path)
	if err != nil {
		return nil, st, err
	}
	return os.NewFile(uintptr(fd), path), st, nil
}

func (r *Root) openRegular(path string) (int, Stat, error) {
	fd, err := r.openBeneath(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW)
	if err != nil {
		if errors.Is(err, unix.ELOOP) {
			return -1, Stat{}, &NotRegularError{Path: path}
		}
		return -1, Stat{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return -1, Stat{}, &fs.PathError{Op: "fstat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return -1, Stat{}, &NotRegularError{Path: path}
	}
	return fd, r.stamped(&st), nil
}

// Fstat is the stat of an open file.
func Fstat(f *os.File) (Stat, error) {
	c, err := f.SyscallConn()
	if err != nil {
		return Stat{}, err
	}
	var st unix.Stat_t
	var serr error
	if err := c.Control(func(fd uintptr) { serr = unix.Fstat(int(fd), &st) }); err != nil {
		return Stat{}, err
	}
	if serr != nil {
		return Stat{}, &fs.PathError{Op: "fstat", Path: f.Name(), Err: serr}
	}
	return FromUnix(&st), nil
}

// Lstat is the stat of the regular file at path; [*NotRegularError] if it is
// something else.
func (r *Root) Lstat(path string) (Stat, error) {
	fd, err := r.openBeneath(path, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return Stat{}, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Stat{}, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Stat{}, &NotRegularError{Path: path}
	}
	return r.stamped(&st), nil
}

// wholePath is the longest path handed to the kernel in one call (PATH_MAX is
// 4096 with the terminating zero).
const wholePath = 4000

func (r *Root) openBeneath(path string, flags int) (fd int, err error) {
	if !valid(path) {
		return -1, unix.EINVAL
	}
	if cerr := r.conn.Control(func(dir uintptr) { fd, err = openFrom(int(dir), path, flags) }); cerr != nil {
		return -1, cerr
	}
	return fd, err
}

func openFrom(dir int, path string, flags int) (int, error) {
	flags |= unix.O_CLOEXEC
	if len(path) <= wholePath {
		fd, err := openat2(dir, path, flags)
		if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) {
			return fd, err
		}
	}
	return openByComponent(dir, path, flags)
}

func openat2(dir int, path string, flags int) (int, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for range 100 {
		fd, err := unix.Openat2(dir, path, &how)
		if err != unix.EAGAIN && err != unix.EINTR {
			return fd, err
		}
	}
	return -1, unix.EAGAIN
}

func openByComponent(dir int, path string, flags int) (int, error) {
	owned := false
	for {
		name, rest, more := strings.Cut(path, "/")
		f := flags | unix.O_NOFOLLOW
		if more {
			f = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		}
		fd, err := openat(dir, name, f)
		if owned {
			_ = unix.Close(dir)
		}
		if err != nil || !more {
			return fd, err
		}
		dir, owned, path = fd, true, rest
	}
}

func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// valid reports whether path is relative and stays below where it starts by its
// text alone. Any byte but zero may stand in a name.
func valid(path string) bool {
	if path == "." {
		return true
	}
	if path == "" || strings.IndexByte(path, 0) >= 0 {
		return false
	}
	for len(path) > 0 {
		name, rest, more := strings.Cut(path, "/")
		if name == "" || name == "." || name == ".." || (more && rest == "") {
			return false
		}
		path = rest
	}
	return true
}
