package disk

import (
	"errors"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OpenDirect opens a file past the cache where the file system says that it
// really reads it so (STATX_DIOALIGN, since Linux 6.1). Many take O_DIRECT and
// read through the cache all the same: ext4 for data that is encrypted or goes
// through the journal, btrfs for data that is compressed.
func (s *system) OpenDirect(name string) (File, error) {
	d, base, err := s.in(name)
	if err != nil {
		return nil, err
	}
	defer d.release()
	fd, err := openat(d.fd, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, ErrNoDirect
	}
	if err == nil {
		if err = direct(fd); err != nil {
			_ = unix.Close(fd) // nothing was done with it
		}
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return newFile(fd, name), nil
}

// direct says of an open file whether it is one that is really read and written
// past the cache.
func direct(fd int) error {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_TYPE|unix.STATX_DIOALIGN, &st)
	switch {
	case err != nil:
		return ErrNoDirect
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return ErrNotRegular
	case st.Mask&unix.STATX_DIOALIGN == 0, st.Dio_offset_align == 0, max(st.Dio_offset_align, st.Dio_mem_align) > aligned:
		return ErrNoDirect
	}
	return nil
}

// aligned is what places in a file, lengths and addresses are multiples of, past
// the cache, bytes: as much as any file system asks for.
const aligned = 4096

// Buffer is memory of n bytes that can be written past the cache.
func Buffer(n int) []byte {
	b := make([]byte, n+aligned)
	off := int(-uintptr(unsafe.Pointer(&b[0])) % aligned)
	return b[off : off+n : off+n]
}

func (f *file) Direct() bool {
	err := f.call("statx", direct)
	if err == nil {
		err = f.setDirect(true)
	}
	return err == nil
}

func (f *file) setDirect(on bool) error {
	err := f.call("fcntl", func(fd int) error {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		if flags &^= unix.O_DIRECT; on {
			flags |= unix.O_DIRECT
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
		return err
	})
	if err == nil {
		f.direct = on
	}
	return err
}

// writeDirect writes as much of p as goes past the cache. Where that is less than
// all of it, what follows goes through it.
func (f *file) writeDirect(p []byte) (n int, err error) {
	if whole := len(p) &^ (aligned - 1); whole > 0 && uintptr(unsafe.Pointer(&p[0]))%aligned == 0 {
		n, err = f.write(p[:whole])
	}
	if errors.Is(err, unix.EINVAL) {
		err = nil // some take the flag, and then no write with it
	}
	if n < len(p) && err == nil {
		err = f.setDirect(false)
	}
	return n, err
}
