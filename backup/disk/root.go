package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// Stat is what the system says of a name. Times are nanoseconds since 1970.
type Stat struct {
	Dev     uint64
	Ino     uint64
	Size    int64 // bytes
	MtimeNS int64
	CtimeNS int64
	Mode    fs.FileMode // type and permission bits
}

// Same reports whether a file with stat s can be the one that had t, unchanged.
func (s Stat) Same(t Stat) bool {
	return s.Dev == t.Dev && s.Ino == t.Ino && s.Size == t.Size &&
		s.MtimeNS == t.MtimeNS && s.CtimeNS == t.CtimeNS
}

// Root is a folder and what lies beneath it. Names are separated by "/".
type Root interface {
	// Create makes a new file for writing; fs.ErrExist if the name is taken.
	Create(name string, perm fs.FileMode) (File, error)
	// Open opens a regular file for reading.
	Open(name string) (File, error)
	// OpenDirect opens a regular file for reading past the page cache;
	// [ErrNoDirect] where the file system has no such thing.
	OpenDirect(name string) (File, error)
	// Append opens a file for appending, making it if it is not there.
	Append(name string, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	// Replace renames a file or folder over what has the new name.
	Replace(from, to string) error
	// Place renames a file or folder; fs.ErrExist if the new name is taken.
	Place(from, to string) error
	Remove(name string) error
	Lstat(name string) (Stat, error)
	// Names lists a folder, in no order.
	Names(name string) ([]string, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
	// SyncAll makes everything written to the file system of the root durable.
	SyncAll() error
	// SyncsAll reports whether SyncAll does what Sync of each file would, but
	// for emptying the disk's own cache: Sync of one of them afterwards does.
	SyncsAll() bool
	Close() error
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Stat() (Stat, error)
	// Sync makes content and size durable. After an error the content is lost
	// for good: only writing it anew, from where it came, makes it durable.
	Sync() error
	// Allocate asks for room; systems that cannot promise it do nothing.
	Allocate(size int64) error
	// Direct has what is written from now on go past the page cache, for as long as
	// it comes in whole pages of memory from [Buffer]; from the first that does not,
	// the rest goes the usual way. False where the file system does not really do so.
	Direct() bool
	// WriteOut asks the system to begin to write what it holds in memory. It
	// waits for nothing and promises nothing: Sync and SyncAll do.
	WriteOut()
	// SetTime sets the modification time.
	SetTime(t time.Time) error
	// TryLock takes the lock of the file for this process; [ErrLocked] if
	// another has it. The lock goes with the file descriptor.
	TryLock() error
	Truncate(size int64) error
	// Drop asks the system to forget the cached pages of the file, and reports
	// how many bytes stayed cached.
	Drop() (resident int64, err error)
}

// ErrNoDirect says that a file cannot be read past the page cache.
var ErrNoDirect = errors.New("this file system cannot read past the cache")

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// ErrLink says that a component of a name is a symbolic link.
var ErrLink = errors.New("is a symbolic link")

// ErrMount says that something else is mounted on a folder beneath the root: its
// files are not on the root's disk, nor made durable with it.
var ErrMount = errors.New("something else is mounted there")

// Open opens the folder at path as a root.
func Open(path string) (Root, error) {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open folder: %w", &fs.PathError{Op: "open", Path: path, Err: err})
	}
	return &system{top: newDir(fd), dirs: map[string]*dir{}}, nil
}

// ErrElsewhere says that a folder lies on another file system than was asked
// for: an empty mount point is not the disk.
var ErrElsewhere = errors.New("the disk is not there")

// OpenOn is [Open] of a folder that lies on the device with the number dev
// (st_dev); [ErrElsewhere] where it does not. The root stays on that device,
// whatever is mounted over it or taken away later.
func OpenOn(path string, dev uint64) (Root, error) {
	r, err := Open(path)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(r.(*system).top.fd, &st); err == nil && st.Dev != dev {
		err = ErrElsewhere
	}
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("cannot open folder %q: %w", path, err)
	}
	return r, nil
}
