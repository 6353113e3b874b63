package beside

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// chill leaves nothing of the volume in memory. Where it is an image, it is
// unmounted and mounted again, and the image's own pages are dropped: programs
// and the source stay warm, for everybody. Else the caches of the whole system
// are emptied, where that is allowed, or those of the files beneath it.
func (v *Volume) chill(ctx context.Context) error {
	unix.Sync()
	switch {
	case v.image != "":
		if err := unix.Unmount(v.At, 0); err != nil {
			return err
		}
		if err := forget(v.image); err != nil {
			return err
		}
		return v.mount(ctx, "noinit_itable")
	case v.place.whole:
		return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
	}
	return eachFile(v.At, forget)
}

// forget drops the pages of a file that are in memory.
func forget(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// Cold says how the copy is made cold.
func (p *Place) Cold() string {
	switch {
	case p.Images:
		return "the copy's file system unmounted and mounted again, the pages of its image dropped (posix_fadvise DONTNEED)"
	case p.whole:
		return "sync, then 3 into /proc/sys/vm/drop_caches"
	}
	return "sync, then posix_fadvise DONTNEED on every file (not root: folders and inodes stay in memory)"
}
