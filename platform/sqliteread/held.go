package sqliteread

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Held reports whether a program lets nobody read a database for as long as it
// has it open (PRAGMA locking_mode=EXCLUSIVE), as sync clients and browsers do:
// Open would wait for it in vain. A missing file is an error.
func Held(path string) (bool, error) {
	if err := regular(path); err != nil {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("cannot open the database: %w", ErrUnreadable)
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return false, fmt.Errorf("cannot ask for the locks of the database: %w (%w)", ErrUnreadable, err)
	}
	return lock.Type != unix.F_UNLCK, nil
}
