package disk

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OpenDirect opens a file past the cache where the file system says that it
// really reads it so (STATX_DIOALIGN, since Linux 6.1). Many take O_DIRECT and
// read through the cache all the same: ext4 for data that is encrypted or goes
// through the journal, btrfs for data that is compressed.
func (s *system) OpenDirect(name string) (File, error) {
	f, err := s.open(name, unix.O_DIRECT)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, ErrNoDirect
	}
	if err != nil {
		return nil, err
	}
	if f, ok := f.(*file); ok && f.call("statx", direct) != nil {
		return nil, errors.Join(ErrNoDirect, f.Close())
	}
	return f, nil
}

func direct(fd int) error {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st)
	if err == nil && (st.Mask&unix.STATX_DIOALIGN == 0 || st.Dio_offset_align == 0 || max(st.Dio_offset_align, st.Dio_mem_align) > aligned) {
		err = ErrNoDirect
	}
	return err
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
