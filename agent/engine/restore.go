package engine

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// StepRestore is the step in the progress of a restore, which is part of no
// departure.
const StepRestore departure.Step = "restore"

// Restorer brings a copy's items back. It runs as the user; what a request
// names as a path, it alone opens. Every method ends when ctx does.
type Restorer interface {
	// Restore restores, foretells or drills. A refusal is an *RefusedError
	// or *BlockedError.
	Restore(ctx context.Context, task RestoreTask, report Report) (RestoreReport, error)
}

// RestoreTask is a request with the copies that the agent knows of.
type RestoreTask struct {
	RestoreRequest
	Known []KnownCopy `json:"known,omitempty"`
}

// KnownCopy is a copy that a departure made.
type KnownCopy struct {
	Account     departure.Account `json:"account"`
	Destination Destination       `json:"destination"`
}

// RestoreTo is a kind of target.
type RestoreTo string

// The kinds of targets.
const (
	ToFolder  RestoreTo = "folder"  // every item as a file
	ToFile    RestoreTo = "file"    // contacts to one .vcf, calendars to one .ics
	ToBooks   RestoreTo = "books"   // this device's own address book, calendar, tasks and notes
	ToCardDAV RestoreTo = "carddav" // an address book at a server
)

// RestoreTarget is where items are restored to.
type RestoreTarget struct {
	Kind     RestoreTo `json:"kind"`
	Path     string    `json:"path,omitempty"` // of the folder or file, from / on
	URL      string    `json:"url,omitempty"`  // of the server, or of the book at it
	User     string    `json:"user,omitempty"`
	Password string    `json:"password,omitempty"` // for memory alone
	// Synced allows a folder that is kept in step with a cloud.
	Synced bool `json:"synced,omitempty"`
}

// RestoreRequest says what is restored, from where and to where.
type RestoreRequest struct {
	// From is the folder of a copy, from / on; no departure need know of it.
	// Empty: the copy of Account, or where that is empty too the only one known.
	From    string `json:"from,omitempty"`
	Account string `json:"account,omitempty"` // id

	To RestoreTarget `json:"to"`

	Datasets []departure.Dataset `json:"datasets,omitempty"` // none: all
	Books    []string            `json:"books,omitempty"`    // names of folders, address books, calendars; none: all
	// Since and Until bound when a photo was taken, or else its file was written,
	// when an event takes place, the date of a note.
	Since       time.Time `json:"since,omitzero"`
	Until       time.Time `json:"until,omitzero"` // not included
	Search      string    `json:"search,omitempty"`
	AllVersions bool      `json:"all_versions,omitempty"`
	AsOf        time.Time `json:"as_of,omitzero"` // the newest version copied until then

	DryRun bool `json:"dry_run,omitempty"`
	// Drill restores twice into a place of its own, that nothing of the person's
	// can be reached from, holds it against the copy, and takes it away again.
	// To.Path, where given, is the folder in which that place is made.
	Drill bool `json:"drill,omitempty"`
}

// RestoreOutcome says how a restore ended.
type RestoreOutcome string

// The outcomes.
const (
	RestoreComplete RestoreOutcome = "complete"
	RestorePartial  RestoreOutcome = "partial" // something failed, or the copy's lists may lack something
)

// MaxRestoreNamed is how many items and failures a RestoreReport names; all are
// counted.
const MaxRestoreNamed = 1000

// RestoreReport says what a restore did, or would do.
type RestoreReport struct {
	Outcome RestoreOutcome `json:"outcome"`
	DryRun  bool           `json:"dry_run,omitempty"`
	Copy    string         `json:"copy"` // where the copy is
	BagID   string         `json:"bag_id"`
	Target  string         `json:"target"` // as a person would name it
	// Proof is the strongest thing that items were held against: "ledger" is this
	// agent's own list, "manifest" or "items" the copy's. An item that is not on
	// the agent's list counts as unproven.
	Proof string `json:"proof"`
	// Newer are items of which the copy names a version after the one on the
	// agent's own list, which was restored.
	Newer int64 `json:"newer,omitempty"`
	// Warnings are what a person should know of who vouches for the copy, and of
	// its own lists.
	Warnings []string       `json:"warnings,omitempty"`
	Sets     []RestoreTally `json:"sets"`
	Bytes    int64          `json:"bytes"` // written
	Items    []RestoreItem  `json:"items,omitempty"`
	Failed   []RestoreItem  `json:"failed,omitempty"`
	More     int64          `json:"more,omitempty"` // items and failures that are not named
	Drill    *RestoreDrill  `json:"drill,omitempty"`
}

// RestoreTally counts the items of one dataset.
type RestoreTally struct {
	Dataset  departure.Dataset `json:"dataset"`
	Selected int64             `json:"selected"`
	Bytes    int64             `json:"bytes"`
	Written  int64             `json:"written"` // in a dry run: would be
	Already  int64             `json:"already"`
	Beside   int64             `json:"beside"` // of the written: under a name or id of their own
	Failed   int64             `json:"failed"`
	LeftOut  int64             `json:"left_out"` // the target cannot hold such items
	Undated  int64             `json:"undated"`  // have no time, and one was asked for
	Unproven int64             `json:"unproven"` // of those selected: only the copy's own lists vouch for them
}

// RestoreItem is an item that was written, or could not be.
type RestoreItem struct {
	Dataset departure.Dataset `json:"dataset"`
	Name    string            `json:"name"`
	Where   string            `json:"where,omitempty"`
	Size    int64             `json:"size,omitempty"`
	Beside  bool              `json:"beside,omitempty"`
	// Unproven: only the copy's own lists vouch for it.
	Unproven bool   `json:"unproven,omitempty"`
	Why      string `json:"why,omitempty"`
}

// RestoreDrill is what a drill showed.
type RestoreDrill struct {
	Equal      bool         `json:"equal"` // everything was restored, and nothing twice
	Parts      []DrillPart  `json:"parts"`
	Substitute string       `json:"substitute,omitempty"` // why contacts and calendars were drilled into files
	Took       DrillSeconds `json:"took"`
}

// DrillSeconds is how long each of the two runs took, with its comparison.
type DrillSeconds struct {
	First  float64 `json:"first"`
	Second float64 `json:"second"`
}

// DrillPart is one target of a drill.
type DrillPart struct {
	Target   string   `json:"target"` // as a person would name it
	Items    int64    `json:"items"`  // in the copy, for this target
	Bytes    int64    `json:"bytes"`
	Compared int64    `json:"compared"` // found there, and equal to the copy
	Differ   int64    `json:"differ"`   // found there, and not equal
	Missing  int64    `json:"missing"`
	Failed   int64    `json:"failed"`  // could not be restored
	Strange  int64    `json:"strange"` // found there, and not in the copy
	Again    int64    `json:"again"`   // written by the second run: must be none
	Examples []string `json:"examples,omitempty"`
}

// Whole reports whether everything was restored once and is equal.
func (p DrillPart) Whole() bool {
	return p.Differ == 0 && p.Missing == 0 && p.Failed == 0 && p.Strange == 0 && p.Again == 0 && p.Compared == p.Items
}
