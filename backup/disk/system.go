package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

func (s *system) Create(name string, perm fs.FileMode) (File, error) {
	d, base, err := s.in(name)
	if err != nil {
		return nil, err
	}
	defer d.release()
	fd, err := openat(d.fd, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(perm.Perm()))
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	return newFile(fd, name), nil
}

func (s *system) Append(name string, perm fs.FileMode) (File, error) {
	d, base, err := s.in(name)
	if err != nil {
		return nil, err
	}
	defer d.release()
	flags := unix.O_RDWR | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := openat(d.fd, base, flags, 0)
	if errors.Is(err, unix.ENOENT) {
		fd, err = openat(d.fd, base, flags|unix.O_CREAT|unix.O_EXCL, uint32(perm.Perm()))
	}
	return regular(fd, name, err)
}

func (s *system) Open(name string) (File, error) { return s.open(name, 0) }

func (s *system) open(name string, flags int) (File, error) {
	d, base, err := s.in(name)
	if err != nil {
		return nil, err
	}
	defer d.release()
	fd, err := openat(d.fd, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC|flags, 0)
	return regular(fd, name, err)
}

// regular takes an open descriptor as a file, if it is one.
func regular(fd int, name string, err error) (File, error) {
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "fstat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	return newFile(fd, name), nil
}

// ErrNotRegular says that a name is not a regular file.
var ErrNotRegular = errors.New("not a regular file")

func openat(dir int, name string, flags int, perm uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags, perm)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func (s *system) Mkdir(name string, perm fs.FileMode) error {
	d, base, err := s.in(name)
	if err != nil {
		return err
	}
	defer d.release()
	if err := unix.Mkdirat(d.fd, base, uint32(perm.Perm())); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	return nil
}

func (s *system) Replace(from, to string) error {
	s.forget(from)
	return s.rename("rename", from, to, 0)
}

func (s *system) rename(op, from, to string, flags uint) error {
	return s.between(op, from, to, func(fd int, fbase string, td int, tbase string) error {
		return unix.Renameat2(fd, fbase, td, tbase, flags)
	})
}

// between does what makes one name of another, each in its open folder.
func (s *system) between(op, from, to string, do func(fd int, fbase string, td int, tbase string) error) error {
	fd, fbase, err := s.in(from)
	if err != nil {
		return err
	}
	defer fd.release()
	td, tbase, err := s.in(to)
	if err != nil {
		return err
	}
	defer td.release()
	for {
		if err = do(fd.fd, fbase, td.fd, tbase); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return &os.LinkError{Op: op, Old: from, New: to, Err: err}
	}
	return nil
}

func (s *system) Remove(name string) error {
	d, base, err := s.in(name)
	if err != nil {
		return err
	}
	defer d.release()
	err = unlink(d.fd, base, 0)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) {
		if rerr := unlink(d.fd, base, unix.AT_REMOVEDIR); !errors.Is(rerr, unix.ENOTDIR) {
			err = rerr
			s.forget(name)
		}
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

func unlink(dir int, name string, flags int) error {
	for {
		if err := unix.Unlinkat(dir, name, flags); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (s *system) Lstat(name string) (Stat, error) {
	d, base, err := s.in(name)
	if err != nil {
		return Stat{}, err
	}
	defer d.release()
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Stat{}, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return fromUnix(&st), nil
}

func (s *system) Names(name string) ([]string, error) {
	d, err := s.dir(name)
	if err != nil {
		return nil, err
	}
	defer d.release()
	fd, err := openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return f.Readdirnames(-1)
}

func (s *system) SyncDir(name string) error {
	d, err := s.dir(name)
	if err != nil {
		return err
	}
	defer d.release()
	err = fsync(d.fd)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil // file systems without folder sync (some network ones) keep names on the server
	}
	if err != nil {
		return &fs.PathError{Op: "fsync", Path: name, Err: err}
	}
	return nil
}

func (s *system) SyncAll() error {
	d, err := s.dir(".")
	if err != nil {
		return err
	}
	defer d.release()
	if err := unix.Syncfs(d.fd); err != nil {
		return &fs.PathError{Op: "syncfs", Path: ".", Err: err}
	}
	return nil
}

func fromUnix(st *unix.Stat_t) Stat {
	m := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFREG:
	default:
		m |= fs.ModeIrregular
	}
	return Stat{
		Dev: st.Dev, Ino: st.Ino, Size: st.Size,
		MtimeNS: st.Mtim.Nano(), CtimeNS: st.Ctim.Nano(), Mode: m,
	}
}

func fsync(fd int) error {
	for {
		if err := unix.Fsync(fd); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
