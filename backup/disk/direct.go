package disk

import (
	"errors"

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
	if err == nil && (st.Mask&unix.STATX_DIOALIGN == 0 || st.Dio_offset_align == 0) {
		err = ErrNoDirect
	}
	return err
}
