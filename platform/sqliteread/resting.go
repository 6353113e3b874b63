package sqliteread

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The header and the locks of a database: sqlite.org/fileformat2.html, section
// 1.3, and sqlite3's os.h.
const (
	headerSize    = 100
	headerMagic   = "SQLite format 3\x00"
	writeVersion  = 18 // 2: a write-ahead log
	readVersion   = 19
	sharedFirst   = 0x40000002
	sharedSize    = 510
	rollbackValue = 1
)

// rest copies a database that keeps a write-ahead log and has none now: no
// program has it open, and opening it as every reader must would leave a log and
// an index beside it. at is "" where it does not rest, and then it is opened
// where it lies.
//
// Whoever writes makes the log first, and nobody removes it while the shared
// lock is held: with no log after the reading, nobody wrote while it was read.
func rest(path string, limits Limits) (at string, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil //nolint:nilerr // opening it where it lies says why
	}
	defer f.Close()
	var header [headerSize]byte
	if _, err := f.ReadAt(header[:], 0); err != nil || string(header[:len(headerMagic)]) != headerMagic || header[readVersion] != 2 {
		return "", nil //nolint:nilerr // none with a log, or no database
	}
	lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	if unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock) != nil || hasLog(path) {
		return "", nil
	}
	before, err := f.Stat()
	if err != nil || before.Size() > limits.MaxBytes {
		return "", nil //nolint:nilerr // opening it where it lies says so
	}
	at, err = copyResting(f, limits)
	if err != nil {
		return "", err
	}
	after, err := f.Stat()
	if err != nil || hasLog(path) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return "", os.RemoveAll(filepath.Dir(at))
	}
	return at, nil
}

func hasLog(path string) bool {
	_, err := os.Lstat(path + "-wal")
	return !errors.Is(err, fs.ErrNotExist)
}

// copyResting copies an open database into a folder of its own, as one that
// keeps no log.
func copyResting(f *os.File, limits Limits) (at string, err error) {
	dir, err := os.MkdirTemp(limits.TempDir, "clearance-sqlite-")
	if err != nil {
		return "", fmt.Errorf("cannot make room for a copy of the database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot copy the database: %w", err), os.RemoveAll(dir))
		}
	}()
	at = filepath.Join(dir, "resting.db")
	to, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, io.NewSectionReader(f, 0, limits.MaxBytes))
	if err == nil {
		_, err = to.WriteAt([]byte{rollbackValue, rollbackValue}, writeVersion)
	}
	return at, errors.Join(err, to.Close())
}
