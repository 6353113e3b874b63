package copy

import (
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Options of a run. The zero value is usable.
type Options struct {
	Workers  int              // how many items are read at once; 0: eight
	Now      func() time.Time // nil: the system's clock
	Patience time.Duration    // how long one call to a source may take; 0: two minutes
	Progress func(Progress)   // called one at a time, not for every item; may be nil
	// Sources are those whose listing the run is, should a listing be empty:
	// those of the items are known by themselves.
	Sources []source.Ref
	// TrustCopies leaves out the look at every copy in the bag with which a run
	// begins, and which finds those that someone edited or removed.
	TrustCopies bool
	// Keeps says which failures of before stay listed although the run did not
	// meet them again; nil: none.
	Keeps func(*ledger.Failure) bool
	// KeepJournal leaves the new lines in the journal; the caller folds them
	// into the manifest before the copy is verified or shown.
	KeepJournal bool
}

// Progress is how far a run is.
type Progress struct {
	Listed    int
	Unchanged int
	Copied    int // durable in the bag
	Failed    int
	Bytes     int64 // copied, durable
}

// Outcome says how a run ended.
type Outcome string

// The outcomes.
const (
	Complete Outcome = "complete" // every item listed is in the bag, and the listing was whole
	Partial  Outcome = "partial"  // items failed, or the listing may lack some
	Stopped  Outcome = "stopped"  // by its context, the destination or the ledger; a new run resumes
)

// MaxNamed is how many items of each sort a [Report] or [Coverage] names; all
// are counted.
const MaxNamed = 10_000

// Report says what a run did.
type Report struct {
	Outcome   Outcome
	Listed    int
	Unchanged int
	Copied    int // items, equal ones too
	Bytes     int64
	Failed    int
	Failures  []ledger.Failure
	// Incomplete are the sources whose listing may lack items, with the reason.
	Incomplete []*source.Incomplete
	// Missing is how many items of these sources the bag holds that a complete
	// listing no longer shows. They stay in the bag.
	Missing int
	Resumed int // items that a killed run had copied and not listed
	Edited  int // copies that someone had changed: kept beside, copied anew if the source still has them
	Removed int // copies that someone had taken away: likewise

	Recovered bag.Recovered
	Mended    Mended
	Began     time.Time
	Ended     time.Time
}
