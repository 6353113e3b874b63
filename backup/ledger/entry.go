package ledger

import (
	"crypto/sha256"
	"encoding/binary"
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
}

// Failure is one item that could not be copied, with the reason.
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

func sumOf(k *source.Key) keySum {
	var room [256]byte
	b := room[:0]
	for _, s := range [...]string{k.Account, string(k.Dataset), k.Source} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = append(b, k.ID...)
	s := sha256.Sum256(b)
	return keySum(s[:16])
}

func revSum(rev string) uint64 {
	s := sha256.Sum256([]byte(rev))
	return binary.LittleEndian.Uint64(s[:])
}

func contentSum(sha *[32]byte) uint32 { return binary.LittleEndian.Uint32(sha[:]) }
