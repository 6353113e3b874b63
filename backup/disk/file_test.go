package disk

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The lock goes with the file, though a program that is just being started still
// has a double of its descriptor.
func TestLockGoesWithItsFile(t *testing.T) {
	root, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	first, err := root.Append("lock", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.TryLock(); err != nil {
		t.Fatal(err)
	}
	double, err := unix.Dup(first.(*file).fd)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(double)
	second, err := root.Append("lock", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := second.TryLock(); !errors.Is(err, ErrLocked) {
		t.Fatalf("locked twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.TryLock(); err != nil {
		t.Errorf("the file is closed, and its lock is held: %v", err)
	}
}

// More room than there is is refused without taking what there is.
func TestRoomIsAskedForBeforeItIsTaken(t *testing.T) {
	dir := t.TempDir()
	root, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := root.Create("huge", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Allocate(1 << 60); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("an exabyte: %v", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "huge"), &st); err != nil || st.Blocks > 64 {
		t.Errorf("%d blocks are taken, %v", st.Blocks, err)
	}
}
