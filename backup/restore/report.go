package restore

import (
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// MaxNamed is how many items and failures a Report names; all are counted.
const MaxNamed = 10_000

// Outcome says how a run ended.
type Outcome string

// The outcomes.
const (
	Complete Outcome = "complete" // everything selected is at the target
	Partial  Outcome = "partial"  // something failed, or the lists of the copy may lack something
	Stopped  Outcome = "stopped"  // by its context or the target; doing it again goes on
)

// Proof says what an item's bytes were held against.
type Proof string

// The proofs, the strongest first.
const (
	ByLedger   Proof = "ledger"   // the list that is kept outside the copy
	ByManifest Proof = "manifest" // the copy's own manifest: whoever can change the copy can change that too
	ByItems    Proof = "items"    // the copy has lost its manifest: the sums in items.jsonl
)

// Tally counts the items of one dataset.
type Tally struct {
	Selected int
	Bytes    int64 // of those selected
	Written  int   // in a dry run: would be
	Already  int
	Beside   int
	Failed   int
	LeftOut  int // the target cannot hold such items
	Undated  int // have no time, and one was asked for
	Unproven int // of those selected: only the copy's own lists vouch for them
}

// Placed is an item that was written, or in a dry run would be.
type Placed struct {
	source.Key
	Title  string // raw bytes
	Where  string // as the target names it; raw bytes
	Beside bool
	Size   int64
	Proof  Proof
}

// Failure is an item that was not restored.
type Failure struct {
	source.Key
	Title  string // raw bytes
	Path   string // in the bag
	Reason Reason
	Detail string
}

// Report says what a run did.
type Report struct {
	Outcome Outcome
	DryRun  bool
	Proof   Proof // the strongest that there is; items may have a weaker one: Tally.Unproven
	BagID   string

	Lists      bag.Lists
	ListsWhy   string // what is wrong with them
	Unreadable int    // lines of the lists that could not be understood
	Unlisted   int    // items that the ledger has and the copy's lists do not name; failures, unless it is another copy's ledger
	Newer      int    // items of which the lists name a version after the ledger's; that one is left out

	All       Tally
	Sets      map[source.Dataset]Tally
	Bytes     int64 // of what was written, or would be
	Placed    []Placed
	Failures  []Failure
	Began     time.Time
	Ended     time.Time
	TargetWas string // where it went
}

// Whole reports whether everything selected is at the target.
func (r *Report) Whole() bool { return r.Outcome == Complete }

// Progress is how far a run is.
type Progress struct {
	Done       int
	Total      int // at most
	Bytes      int64
	TotalBytes int64
}
