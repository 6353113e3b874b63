package sqliteread

import (
	"context"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

var (
	// ErrNotDatabase: the file is no regular file, is encrypted, damaged, or
	// not SQLite at all.
	ErrNotDatabase = errors.New("not a readable SQLite database")
	// ErrTooLarge: the database, a value or the number of rows is beyond the
	// limit; nothing is known about the rest.
	ErrTooLarge = errors.New("beyond the limit")
	// ErrBusy: another program held a lock until the deadline.
	ErrBusy = errors.New("locked by another program")
	// ErrHotJournal: the owner died in mid-write and has to open it first.
	ErrHotJournal = errors.New("needs recovery by the program that owns it")
	// ErrUnreadable: permission, a missing file, or an I/O error.
	ErrUnreadable = errors.New("cannot be read")
	// ErrNoTable: there is no such table, or it is a view.
	ErrNoTable = errors.New("no such table")
	// ErrType: a column holds another type than asked for.
	ErrType = errors.New("wrong type")
)

// classify gives an SQLite error one of the kinds above. The path is left
// out: it may hold a person's name, and the caller knows it.
func classify(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("cannot %s: %w", doing, context.Cause(ctx))
	}
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return fmt.Errorf("cannot %s: %w", doing, err)
	}
	kind := ErrUnreadable
	switch {
	case se.ExtendedCode == sqlite3.ErrReadonlyRollback, se.ExtendedCode == sqlite3.ErrReadonlyRecovery:
		kind = ErrHotJournal
	case se.Code == sqlite3.ErrNotADB, se.Code == sqlite3.ErrCorrupt:
		kind = ErrNotDatabase
	case se.Code == sqlite3.ErrBusy, se.Code == sqlite3.ErrLocked:
		kind = ErrBusy
	case se.Code == sqlite3.ErrTooBig, se.Code == sqlite3.ErrNomem, se.Code == sqlite3.ErrFull:
		kind = ErrTooLarge
	}
	return fmt.Errorf("cannot %s: %w (%s)", doing, kind, se.Code.Error())
}
