package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Place renames a file or folder, and replaces nothing: by one call where the
// file system has it (renameat2 with RENAME_NOREPLACE).
func (s *system) Place(from, to string) error {
	err := s.rename("rename", from, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	return s.placeInSteps(from, to)
}

// placeInSteps is Place for NFS and others that know no such flag. No step of it
// replaces what somebody else has made meanwhile. Ended in between, a file has
// both names or, on a file system without links, an empty one has the new.
func (s *system) placeInSteps(from, to string) error {
	st, err := s.Lstat(from)
	if err != nil {
		return err
	}
	if st.Mode.IsDir() {
		return s.placeFolder(from, to)
	}
	err = s.link(from, to)
	switch {
	case err == nil:
		return s.Remove(from)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EMLINK):
		return s.placeOverOwn(from, to)
	}
	return err
}

func (s *system) link(from, to string) error {
	return s.between("link", from, to, func(fd int, fbase string, td int, tbase string) error {
		return unix.Linkat(fd, fbase, td, tbase, 0)
	})
}

// placeFolder makes the new name as an empty folder, which a folder may replace
// while it is empty.
func (s *system) placeFolder(from, to string) error {
	if err := s.Mkdir(to, 0o700); err != nil {
		return err
	}
	s.forget(from)
	err := s.rename("rename", from, to, 0)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist} // somebody put something in
	}
	if err != nil {
		return errors.Join(err, s.Remove(to))
	}
	return nil
}

// placeOverOwn takes the new name with an empty file of ours, which nobody else
// then can, and renames over that.
func (s *system) placeOverOwn(from, to string) error {
	f, err := s.Create(to, 0o600)
	if err != nil {
		return err
	}
	own, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, s.Remove(to))
	}
	now, err := s.Lstat(to)
	if err != nil {
		return err
	}
	if now.Dev != own.Dev || now.Ino != own.Ino || now.Size != 0 {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	if err := s.rename("rename", from, to, 0); err != nil {
		return errors.Join(err, s.Remove(to))
	}
	return nil
}
