package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// file is an open file: a descriptor without finaliser and poller, which cost
// more than the copying of a small file does.
type file struct {
	name string
	mu   sync.RWMutex // held for reading by each call: the descriptor stays ours meanwhile
	fd   int          // -1: closed

	locked bool // by us
	direct bool // what is written goes past the cache; of the writer alone
}

func newFile(fd int, name string) *file { return &file{fd: fd, name: name} }

// call makes a system call with the descriptor, again where a signal came
// between.
func (f *file) call(op string, do func(fd int) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.fd < 0 {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	for {
		err := do(f.fd)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: op, Path: f.name, Err: err}
		}
	}
}

// most is how much Linux reads or writes at most in one call.
const most = 1 << 30

func (f *file) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(len(p), most)]
	err = f.call("read", func(fd int) (err error) { n, err = unix.Read(fd, p); return err })
	if n > 0 || err != nil {
		return max(n, 0), err
	}
	return 0, io.EOF
}

func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, &fs.PathError{Op: "pread", Path: f.name, Err: fs.ErrInvalid}
	}
	for n < len(p) {
		var m int
		part := p[n:min(len(p), n+most)]
		if err := f.call("pread", func(fd int) (err error) { m, err = unix.Pread(fd, part, off+int64(n)); return err }); err != nil {
			return n, err
		}
		if m == 0 {
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}

func (f *file) Write(p []byte) (n int, err error) {
	if f.direct {
		if n, err = f.writeDirect(p); n == len(p) || err != nil {
			return n, err
		}
	}
	m, err := f.write(p[n:])
	return n + m, err
}

func (f *file) write(p []byte) (n int, err error) {
	for n < len(p) {
		var m int
		part := p[n:min(len(p), n+most)]
		if err := f.call("write", func(fd int) (err error) { m, err = unix.Write(fd, part); return err }); err != nil {
			return n, err
		}
		if m == 0 {
			return n, &fs.PathError{Op: "write", Path: f.name, Err: io.ErrShortWrite}
		}
		n += m
	}
	return n, nil
}

// Close closes the descriptor, once what uses it has ended. It is never closed
// twice: by then it may be another file's.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	var err error
	if f.locked {
		// A program that is being started holds a double of the descriptor until it
		// runs: closing ours alone would leave the lock with it.
		err = unix.Flock(f.fd, unix.LOCK_UN)
	}
	err = errors.Join(err, unix.Close(f.fd))
	f.fd = -1
	if err != nil && !errors.Is(err, unix.EINTR) { // Linux has closed it all the same
		return &fs.PathError{Op: "close", Path: f.name, Err: err}
	}
	return nil
}

func (f *file) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := f.call("fstat", func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return Stat{}, err
	}
	return fromUnix(&st), nil
}

func (f *file) Sync() error { return f.call("fsync", unix.Fsync) }

func (f *file) Truncate(size int64) error {
	return f.call("ftruncate", func(fd int) error { return unix.Ftruncate(fd, size) })
}

func (f *file) Allocate(size int64) error {
	if size <= 0 {
		return nil
	}
	err := f.call("fallocate", func(fd int) error {
		// ext4 takes all that is left before it says that this is not enough, and
		// for that moment the disk is full for everybody.
		var st unix.Statfs_t
		if unix.Fstatfs(fd, &st) == nil && st.Frsize > 0 && uint64(size)/uint64(st.Frsize) > st.Bfree {
			return unix.ENOSPC
		}
		return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size)
	})
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EFBIG) || errors.Is(err, unix.EDQUOT) {
		return err
	}
	return nil // no promise to be had here: the writes will tell
}

func (f *file) WriteOut() {
	// An error shows again, and counts, where the content is made durable.
	_ = f.call("sync_file_range", func(fd int) error {
		return unix.SyncFileRange(fd, 0, 0, unix.SYNC_FILE_RANGE_WRITE)
	})
}

func (f *file) SetTime(t time.Time) error {
	ts := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(t.UnixNano())}
	return f.call("futimens", func(fd int) error {
		// utimensat(fd, NULL) is futimens(2).
		_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&ts[0])), 0, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

func (f *file) TryLock() error {
	err := f.call("flock", func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	if err == nil {
		f.mu.Lock()
		f.locked = true
		f.mu.Unlock()
	}
	return err
}

func (f *file) Drop() (left int64, err error) {
	err = f.call("fadvise", func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
	if err == nil {
		err = f.call("cachestat", func(fd int) (err error) { left, err = resident(fd); return err })
	}
	return left, err
}

// cachestatCall is cachestat(2), since Linux 6.5; the same number everywhere.
const cachestatCall = 451

func resident(fd int) (int64, error) {
	var span struct{ off, len uint64 }
	var got struct{ cache, dirty, writeback, evicted, recent uint64 }
	_, _, errno := unix.Syscall6(cachestatCall, uintptr(fd), uintptr(unsafe.Pointer(&span)), uintptr(unsafe.Pointer(&got)), 0, 0, 0)
	if errno == 0 && !overlaid(fd) {
		return int64(got.cache) * int64(os.Getpagesize()), nil
	}
	return residentByMincore(fd)
}

// overlaid reports whether a file is of an overlay, whose own pages are none: the
// layer below has them, and a memory map sees them.
func overlaid(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) != nil || st.Type == unix.OVERLAYFS_SUPER_MAGIC
}

func residentByMincore(fd int) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size == 0 {
		return 0, err
	}
	page := int64(os.Getpagesize())
	const window = 256 << 20
	var n int64
	for off := int64(0); off < st.Size; off += window {
		size := min(window, st.Size-off)
		m, err := unix.Mmap(fd, off, int(size), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return 0, fmt.Errorf("mmap: %w", err)
		}
		vec := make([]byte, (size+page-1)/page)
		_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(size), uintptr(unsafe.Pointer(&vec[0])))
		_ = unix.Munmap(m)
		if errno != 0 {
			return 0, fmt.Errorf("mincore: %w", errno)
		}
		for _, v := range vec {
			n += int64(v&1) * page
		}
	}
	return n, nil
}
