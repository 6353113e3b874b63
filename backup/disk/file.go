package disk

import (
	"errors"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

type file struct{ *os.File }

func (f *file) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return Stat{}, &fs.PathError{Op: "fstat", Path: f.Name(), Err: err}
	}
	return fromUnix(&st), nil
}

func (f *file) Allocate(size int64) error {
	if size <= 0 {
		return nil
	}
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EFBIG) || errors.Is(err, unix.EDQUOT) {
		return &fs.PathError{Op: "fallocate", Path: f.Name(), Err: err}
	}
	return nil // no promise to be had here: the writes will tell
}

func (f *file) SetTime(t time.Time) error {
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(t.UnixNano())}
	// utimensat(fd, NULL) is futimens(2).
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, f.Fd(), 0, uintptr(unsafe.Pointer(&ts[0])), 0, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "futimens", Path: f.Name(), Err: errno}
	}
	return nil
}

func (f *file) TryLock() error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case err == unix.EINTR:
		case err == unix.EWOULDBLOCK:
			return ErrLocked
		default:
			return &fs.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

func (f *file) Drop() (int64, error) {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return 0, &fs.PathError{Op: "fadvise", Path: f.Name(), Err: err}
	}
	return resident(f.File)
}

// cachestatCall is cachestat(2), since Linux 6.5; the same number everywhere.
const cachestatCall = 451

func resident(f *os.File) (int64, error) {
	var span struct{ off, len uint64 }
	var got struct{ cache, dirty, writeback, evicted, recent uint64 }
	_, _, errno := unix.Syscall6(cachestatCall, f.Fd(), uintptr(unsafe.Pointer(&span)), uintptr(unsafe.Pointer(&got)), 0, 0, 0)
	if errno == 0 {
		return int64(got.cache) * int64(os.Getpagesize()), nil
	}
	return residentByMincore(f)
}

func residentByMincore(f *os.File) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Size == 0 {
		return 0, err
	}
	page := int64(os.Getpagesize())
	const window = 256 << 20
	var n int64
	for off := int64(0); off < st.Size; off += window {
		size := min(window, st.Size-off)
		m, err := unix.Mmap(int(f.Fd()), off, int(size), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return 0, &fs.PathError{Op: "mmap", Path: f.Name(), Err: err}
		}
		vec := make([]byte, (size+page-1)/page)
		_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(size), uintptr(unsafe.Pointer(&vec[0])))
		_ = unix.Munmap(m)
		if errno != 0 {
			return 0, &fs.PathError{Op: "mincore", Path: f.Name(), Err: errno}
		}
		for _, v := range vec {
			n += int64(v&1) * page
		}
	}
	return n, nil
}
