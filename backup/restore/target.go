package restore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/clearance-project/clearance/backup/source"
)

// Target is where items are restored to.
type Target interface {
	// Takes reports whether the target can hold such an item at all.
	Takes(it *Item) bool
	// Write brings the items to the target and calls b.Done once for each that
	// it drew from b.Items. What fails for one item is its Result; an error
	// ends the run: *TargetError, *NoRoomError, *LockedError or ctx's. With
	// b.DryRun it finds out the same and writes nothing.
	Write(ctx context.Context, b Batch) error
	// Path is the folder or file in this file system that is written, or "".
	Path() string
}

// Batch is what a target is given.
type Batch struct {
	// Items can be gone through more than once. They are read as they are
	// asked for: [Item.Bytes], [Item.CopyTo].
	Items  iter.Seq[*Item]
	Count  int   // at most so many
	Bytes  int64 // of all of them, at most
	DryRun bool
	Done   func(*Item, Result) // may be called by several goroutines
}

// State says what became of an item.
type State string

// What may become of an item. In a dry run Written and Beside mean: would be.
const (
	Written State = "written"
	Already State = "already" // it was there, with the same content
	Beside  State = "beside"  // written under a name or id of its own, for something else has its own
	Failed  State = "failed"
)

// Result is what became of an item.
type Result struct {
	State State
	Where string // relative to the target, or as the target names it; raw bytes
	Err   error  // for Failed
}

// Reason says why an item was not restored, as a word that stays the same.
type Reason string

// The reasons for failures.
const (
	Damaged    Reason = "damaged"    // the copy is not what was copied
	Missing    Reason = "missing"    // the copy is not there
	Unlisted   Reason = "unlisted"   // nothing says what its bytes must be
	Unreadable Reason = "unreadable" // the disk of the copy does not give it
	Malformed  Reason = "malformed"  // whole, but not what its kind should be, so that the target cannot take it
	Unfit      Reason = "unfit"      // the target cannot hold such an item
	TooLarge   Reason = "too-large"  // the target cannot hold one of this size
	Conflict   Reason = "conflict"   // both its own name and the one beside are taken
	Refused    Reason = "refused"    // the target did not take it
)

// ItemError is why one item was not restored.
type ItemError struct {
	Reason Reason
	Err    error
}

func (e *ItemError) Error() string { return fmt.Sprintf("%s: %v", e.Reason, e.Err) }

// Unwrap gives the cause.
func (e *ItemError) Unwrap() error { return e.Err }

func failed(r Reason, err error) Result {
	return Result{State: Failed, Err: &ItemError{r, err}}
}

// Fail is the result of an item that failed; what is no *ItemError was refused.
func Fail(err error) Result {
	if _, ok := errors.AsType[*ItemError](err); ok {
		return Result{State: Failed, Err: err}
	}
	return failed(Refused, err)
}

// TargetError says that the target failed, not an item: everything. What was
// written stays, and doing it again goes on from there.
type TargetError struct{ Err error }

func (e *TargetError) Error() string { return fmt.Sprintf("cannot write what is restored: %v", e.Err) }

// Unwrap gives the cause.
func (e *TargetError) Unwrap() error { return e.Err }

// NoRoomError says that the target has too little room, found out before
// anything was written.
type NoRoomError struct {
	Path       string
	Need, Free int64 // bytes
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("cannot restore to %q: %d bytes are needed and %d are free", e.Path, e.Need, e.Free)
}

// LockedError says that another restore is writing to the target.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("cannot restore to %q: another restore is writing there", e.Path)
}

// PlaceError says that a target lies where it must not.
type PlaceError struct{ Path, Why string }

func (e *PlaceError) Error() string { return fmt.Sprintf("cannot restore to %q: %s", e.Path, e.Why) }

// Datasets are those that can be restored, in the order in which people are told.
var Datasets = []source.Dataset{source.Photos, source.Contacts, source.Notes, source.Calendars, source.Files}
