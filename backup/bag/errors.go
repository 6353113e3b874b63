package bag

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/clearance-project/clearance/backup/disk"
)

// Trouble says what is wrong with a destination.
type Trouble string

// The troubles of a destination.
const (
	Full     Trouble = "full"
	ReadOnly Trouble = "read-only"
	Gone     Trouble = "gone" // removed, unplugged, or not the folder it was
	Broken   Trouble = "broken"
)

// DestinationError says that the destination failed: not an item, everything.
// What was acknowledged before is kept; a new run goes on from there.
type DestinationError struct {
	Trouble Trouble
	Err     error
}

func (e *DestinationError) Error() string {
	switch e.Trouble {
	case Full:
		return fmt.Sprintf("cannot write the copy: its disk is full: %v", e.Err)
	case ReadOnly:
		return fmt.Sprintf("cannot write the copy: its disk is read-only: %v", e.Err)
	case Gone:
		return fmt.Sprintf("cannot write the copy: its disk or folder is gone: %v", e.Err)
	}
	return fmt.Sprintf("cannot write the copy: its disk failed: %v", e.Err)
}

// Unwrap gives the cause.
func (e *DestinationError) Unwrap() error { return e.Err }

// trouble makes an error of the destination's file system a typed one.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*DestinationError](err); ok {
		return err
	}
	t := Broken
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		t = Full
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		t = ReadOnly
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ESTALE), errors.Is(err, disk.ErrElsewhere), errors.Is(err, syscall.ENOTCONN):
		t = Gone
	}
	return &DestinationError{Trouble: t, Err: err}
}

// TooLargeError says that the destination takes no file of this size (FAT ends
// at 4 GiB). It concerns one item, not the destination.
type TooLargeError struct{ Err error }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("cannot keep a file this large on this disk: %v", e.Err)
}

// Unwrap gives the cause.
func (e *TooLargeError) Unwrap() error { return e.Err }

// LockedError says that another process is writing the bag.
type LockedError struct {
	Path   string
	Holder string // what the other wrote about itself, as far as it can be read
}

func (e *LockedError) Error() string {
	by := ""
	if e.Holder != "" {
		by = " (" + e.Holder + ")"
	}
	return fmt.Sprintf("cannot write the copy at %q: another Clearance process%s is writing it", e.Path, by)
}

// NotABagError says that a folder is not a bag of ours.
type NotABagError struct {
	Path string
	Why  string
}

func (e *NotABagError) Error() string {
	return fmt.Sprintf("cannot use %q as a copy: %s", e.Path, e.Why)
}
