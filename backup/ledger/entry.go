package ledger

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// Entry is one item that was copied.
type Entry struct {
	source.Key
	Rev       string // at the source, when it was read
	Unsettled bool   // Rev may have stayed the same through a later change: read it again
	Size      int64  // bytes
	SHA256    [32]byte
	Path      string // in the bag
	FirstSeen time.Time
	CopiedAt  time.Time

	VerifiedAt time.Time // when it was last read back from the destination; zero: never since it was copied
	Stat       disk.Stat // of the file in the bag, before and after that reading; Mode is not kept

	at int64 // of its record in the file; 0: it was not read from there
}

// NotParsed is the reason of a failure that tells of the content: the item is in
// the copy, byte for byte as it was at its source, and is not what it should be.
const NotParsed source.Reason = "does-not-parse"

// Failure is one item that could not be copied, or is [NotParsed], with the
// reason.
type Failure struct {
	source.Key
	Name   string
	Rev    string // at the source, where the listing gave one
	Reason source.Reason
	Detail string // the system's words
	At     time.Time
}

// State says what the ledger knows of an item as listed.
type State int

// The states of an item.
const (
	Absent    State = iota // never copied
	Changed                // copied, but with another revision
	Unsettled              // copied with this revision, too near to a change to trust it
	Held                   // copied with this revision
)

// LockedError says that another process has the ledger open.
type LockedError struct{ Path string }

func (e *LockedError) Error() string {
	return fmt.Sprintf("cannot open the list of copies %q: another Clearance process is using it", e.Path)
}

type keySum [16]byte

// sumOf is the sum under which an item is found. Its seed is the file's own, so
// that no server can look for two items that have one sum.
func (l *Ledger) sumOf(k *source.Key) keySum {
	var room [384]byte
	b := append(room[:0], l.seed...)
	if l.seed != nil {
		return keySumOf(putKey(b, k))
	}
	for _, s := range [...]string{k.Account, string(k.Dataset), k.Source} {
		b = putText(b, s)
	}
	return keySumOf(append(b, k.ID...))
}

func keySumOf(text []byte) keySum {
	s := sha256.Sum256(text)
	return keySum(s[:16])
}
