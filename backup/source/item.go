package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
)

// Dataset is a kind of data that an account holds.
type Dataset string

// The datasets.
const (
	Photos    Dataset = "photos"
	Contacts  Dataset = "contacts"
	Notes     Dataset = "notes"
	Calendars Dataset = "calendars"
	Files     Dataset = "files"
)

// Ref names a source: one collection of items of an account.
type Ref struct {
	Account string
	Dataset Dataset
	Source  string
}

// Key names an item for good.
type Key struct {
	Ref
	ID string // as the origin names it: a path, a UID, an href; raw bytes
}

// Item is one thing to copy, at its origin.
type Item struct {
	Key
	Name string // what a person would call it; raw bytes; empty: the ID

	// Path places the item in the bag where the origin has folders: relative,
	// separated by "/", raw bytes. Empty: the place is made from the ID.
	Path string
	// Folder is the folder in the bag for this source; empty: made from Source.
	Folder string

	Rev       string // revision at the origin: stat key, etag or content hash
	Unsettled bool   // Rev may stay the same through a change that is happening now
	// Rest is how long, from when it was listed, until Rev no longer may, if known.
	Rest      time.Duration
	Size      int64 // bytes, -1 where the origin does not say
	ModTime   time.Time
	Ext       string // with the dot, for items without Path: ".vcf"
	MediaType string

	// Open gives the bytes. It is called again for each try.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// File is set for items that are files beneath a root; Open may then be nil,
	// the file's stamps are compared before and after it is read, and Rev must be
	// its stat key ([scan.Stat.Rev]), for that is what is listed after reading.
	File *FileRef
}

// FileRef is a file beneath an open root.
type FileRef struct {
	Root *scan.Root
	Path string
}

// Open opens the file beneath its root: regular files only, no link followed.
func (f *FileRef) Open() (*os.File, scan.Stat, error) { return f.Root.OpenFile(f.Path) }

// OpenReader is Open for reading from beginning to end.
func (f *FileRef) OpenReader() (*scan.Reader, scan.Stat, error) { return f.Root.OpenReader(f.Path) }

// Reason says why an item cannot be copied, as a word that stays the same.
type Reason string

// The reasons for failures.
const (
	Special     Reason = "special-file"   // a FIFO, socket or device, or a folder of the kernel's
	LinkOutside Reason = "link-outside"   // a link that leaves the source
	LinkBroken  Reason = "link-broken"    // a link to nothing
	Unreadable  Reason = "unreadable"     // the origin refuses to give the bytes
	Changing    Reason = "keeps-changing" // changed while it was read, three times
	Vanished    Reason = "vanished"       // listed, and gone before it was copied
	TooLarge    Reason = "too-large"      // does not fit a limit that the origin or the destination sets
	OnlyInCloud Reason = "only-in-cloud"  // a cloud drive's placeholder: the file itself was never fetched
	OnlyThumb   Reason = "thumbnail"      // a small picture that a program made of a photo, among photos
	NoteFile    Reason = "note-file"      // a file that a note shows is not there

	// Of what lies in archives.
	UnsafeName   Reason = "unsafe-name"   // its name leads out of the archive
	ArchivedLink Reason = "archived-link" // the archive holds a link in its place
	Encrypted    Reason = "encrypted"     // it cannot be read without a password
	Nested       Reason = "nested"        // it is an archive in the archive, and was not opened
	NotExported  Reason = "not-exported"  // the export lists it and does not hold it
)

// Failed is yielded in place of an item that cannot be copied. The listing goes
// on and is not incomplete for it.
type Failed struct {
	Item   Item
	Reason Reason
	Err    error
}

func (e *Failed) Error() string {
	s := fmt.Sprintf("cannot copy %q: %s", e.Item.ID, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Failed) Unwrap() error { return e.Err }

// Incomplete is yielded when a listing of a source may lack items: what it did
// not show must not be taken for absent.
type Incomplete struct {
	Ref Ref
	Err error
}

func (e *Incomplete) Error() string {
	return fmt.Sprintf("cannot list %q in full: %v", e.Ref.Source, e.Err)
}

// Unwrap gives the cause.
func (e *Incomplete) Unwrap() error { return e.Err }
