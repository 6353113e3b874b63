// Package rootfile reads configuration that counts only where nobody but root
// can have written it: find-my-device.json, the folder of provider profiles.
//
// It imports the standard library and golang.org/x/sys.
//
// Invariants (security.md 13):
//   - A file counts only when it is a regular file, it and every folder above it
//     belong to root, and none of them can be written by its group or by others.
//     A sticky folder that others can write to does not count.
//   - No symbolic link is followed, in any place of the path.
//   - What was checked is what is read: each step is opened from the one before
//     and looked at once it is open.
package rootfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Place is where paths begin, and whom everything there must belong to.
type Place struct {
	Base  string
	Owner uint32
}

// System is the device itself: its paths begin at / and belong to root.
var System = Place{Base: "/", Owner: 0}

// File is one file of a folder, or why it cannot be believed.
type File struct {
	Name string
	Raw  []byte
	Err  error
}

// Read reads a file of at most limit bytes. The error is an [os.ErrNotExist]
// where there is none.
func (p Place) Read(path string, limit int) ([]byte, error) {
	parts := split(path)
	dir, err := p.open(parts[:len(parts)-1])
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(dir) }()
	return p.read(dir, parts[len(parts)-1], limit)
}

// Folder reads the files of a folder whose names end in suffix, by name, each of
// at most limit bytes. A file that does not count carries its error; the error
// of all is for the folder itself. A folder that is not there is empty.
func (p Place) Folder(path, suffix string, most, limit int) ([]File, error) {
	dir, err := p.open(split(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(dir) }()
	names, err := names(dir, suffix, most)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(names))
	for _, name := range names {
		raw, err := p.read(dir, name, limit)
		files = append(files, File{Name: name, Raw: raw, Err: err})
	}
	return files, nil
}

func split(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// open opens a folder step by step; the descriptor is for what lies in it.
func (p Place) open(parts []string) (int, error) {
	dir, err := unix.Open(p.Base, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := p.trusted(dir, p.Base, unix.S_IFDIR); err != nil {
		_ = unix.Close(dir)
		return -1, err
	}
	for _, part := range parts {
		next, err := unix.Openat(dir, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		_ = unix.Close(dir)
		if err != nil {
			return -1, fmt.Errorf("%s: %w", part, err)
		}
		if err := p.trusted(next, part, unix.S_IFDIR); err != nil {
			_ = unix.Close(next)
			return -1, err
		}
		dir = next
	}
	return dir, nil
}

func names(dir int, suffix string, most int) ([]string, error) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	folder := os.NewFile(uintptr(fd), ".")
	all, err := folder.Readdirnames(-1)
	if err := errors.Join(err, folder.Close()); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(name string) bool { return !strings.HasSuffix(name, suffix) })
	if len(all) > most {
		return nil, fmt.Errorf("it holds %d files, more than %d", len(all), most)
	}
	slices.Sort(all)
	return all, nil
}

func (p Place) read(dir int, name string, limit int) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	defer func() { _ = file.Close() }()
	if err := p.trusted(fd, name, unix.S_IFREG); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err == nil && len(raw) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return raw, err
}

func (p Place) trusted(fd int, name string, kind uint32) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != kind:
		return fmt.Errorf("%s is of the wrong kind", name)
	case st.Uid != p.Owner:
		return fmt.Errorf("%s belongs to uid %d, not to uid %d", name, st.Uid, p.Owner)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("%s can be written by others (mode %04o)", name, st.Mode&0o7777)
	}
	return nil
}
