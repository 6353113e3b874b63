package engine

import (
	"context"
	"errors"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// Job is what the worker needs to know of a departure. The worker keeps
// nothing of it but the ledger, the bag and the credential in memory.
type Job struct {
	Departure departure.Departure
	// Datasets the provider holds, and the extra ones of this device's own.
	Datasets []departure.Dataset
	// PhotoFolders are the account's folders that hold photos, relative to its
	// files ("Photos/"), as the catalogue gives them.
	PhotoFolders []string
	Given        []GivenSource
	// Known are the sources that were seen so far.
	Known       []departure.KnownSource
	Destination Destination
	// Sealed are the rows of the last seal: after the sign-out, sources that
	// are gone are judged by them.
	Sealed []departure.SealRow
	// Bindings that were ever seen, for the read-back of leftovers.
	Bindings []departure.KnownBinding
	// Unbound: the account was signed out here, so the sources that went with
	// it are expected to be gone and their trash is listed instead.
	Unbound bool
	// Keep is false when the person declined books of this device's own.
	Keep bool
	// Glance is asked of a Look that only keeps watch: what the server itself
	// shows to be as it was last listed need not be listed again. It never counts
	// where something is given away or done: the zero value lists in full.
	Glance bool
}

// GivenSource is a folder or file that the person named as a source.
type GivenSource struct {
	ID      departure.SourceID `json:"id"`
	Dataset departure.Dataset  `json:"dataset"`
	Path    string             `json:"path"`
}

// Destination is where the copy goes.
type Destination struct {
	Folder string `json:"folder"` // the folder that holds the bag, as it was chosen
	Disk   string `json:"disk"`   // filesystem uuid or f_fsid, as first seen
	// BagID names the copy; empty until it was born. Two disks with copies of
	// one bag have two names.
	BagID string `json:"bag_id"`
	// Within is where the folder lies on its disk, so that it is found again
	// wherever the disk is plugged in; Label is what a person calls the disk.
	Within string `json:"within,omitempty"`
	Label  string `json:"label,omitempty"`
}

// Progress is one report of a running step. Total is 0 while it is not known.
type Progress struct {
	Step       departure.Step    `json:"step"`
	Dataset    departure.Dataset `json:"dataset,omitempty"`
	Source     string            `json:"source,omitempty"` // as shown to a person
	Items      int64             `json:"items"`
	Total      int64             `json:"total"`
	Bytes      int64             `json:"bytes"`
	TotalBytes int64             `json:"total_bytes"`
}

// Report is called with progress; it never blocks.
type Report func(Progress)

// CopyResult is how a run of the copy, the read-back or the keeping ended.
// Partial is an outcome of its own: Failed names what is missing, by count, and
// the items are read with Worker.Items.
type CopyResult struct {
	Ledger departure.Digest // the ledger's digest after the run
	BagID  string
	Disk   string
	Done   int64
	Failed int64
	Bytes  int64
	// Beside says why what only lies beside the copy (pages to look at, files to
	// import) could not be written; "" if it was. The copy counts all the same.
	Beside string
	// Mended says what of the copy's own lists could not be read, and was told
	// again from the agent's own list; "" for nothing.
	Mended string
	// Earlier counts the versions of before that were found damaged and put
	// aside. The items' newest versions are whole.
	Earlier int64
}

// SealResult is a full listing with every source byte hashed again.
type SealResult struct {
	At, End time.Time
	// Rows has a row of every source that counts. One that could not be listed,
	// or whose bytes could not all be read again, is not intact and says why.
	Rows []departure.SealRow
	// Missing, where set, says why sources may exist that no row stands for.
	Missing departure.Reason
	// Differs counts the items whose content is no longer what the ledger
	// says although no stamp changed; they were marked to be copied anew.
	Differs int64
}

// Moved is a source that is no longer as it was sealed, or that could not be
// held against its row: then Why says so. An empty Source stands for sources
// that no row stands for.
type Moved struct {
	Source departure.SourceID `json:"source"`
	Why    departure.Reason   `json:"why"`
}

// ErrNoWorker means that nobody can look at the user's data just now.
var ErrNoWorker = errors.New("no worker is connected")

// ErrDiffers is a glance's answer where something changed at the server.
var ErrDiffers = errors.New("something changed at the server")

// BlockedError is a refusal with its one remedy: a locked keyring, a disk that
// is full or not plugged in, a server that wants its password.
type BlockedError struct {
	Why    departure.Reason
	Remedy departure.Remedy
}

func (e *BlockedError) Error() string { return e.Why.Text }

// Worker is what runs as the user: it sees sources, server and destination. Its
// answers are claims; what it cannot know it says so. Every method ends when
// ctx does.
type Worker interface {
	// Accounts lists the accounts bound on this device. An error says why there may
	// be more; those that come with it are there.
	Accounts(ctx context.Context) ([]departure.Account, error)
	// Look lists every source in full at its origin, device and server,
	// holds the listings against the ledger, takes the copy's stats, and
	// queries the bindings. It writes nothing. A part that could not be
	// looked at is incomplete in the Look; an error means that there was none.
	// In a glance a listing at the server may be the last one, as it was, with
	// the time at which it ended; where the server shows that it is another by
	// now, that is told at once by ErrDiffers, before anything is listed.
	Look(ctx context.Context, job Job, report Report) (departure.Look, error)
	// Backup copies every listed item that the ledger lacks. It can be
	// stopped and run again.
	Backup(ctx context.Context, job Job, report Report) (CopyResult, error)
	// Verify reads back from the destination what was not read since it was
	// written, or at or before the time given.
	Verify(ctx context.Context, job Job, before time.Time, report Report) (CopyResult, error)
	// Keep copies what would leave the device into books of its own.
	Keep(ctx context.Context, job Job, report Report) (CopyResult, error)
	// Seal lists every source again in full and hashes every source byte. What
	// cannot be listed is a row that is not intact, not an error of the whole.
	Seal(ctx context.Context, job Job, report Report) (SealResult, error)
	// Sweep is the quick look before an irreversible act: every origin fenced,
	// every stat and key held against the sealed rows. It returns the sources
	// that are no longer as sealed, or could not be looked at.
	Sweep(ctx context.Context, job Job) ([]Moved, error)
	// Unbind removes one binding, known by its exact id. It returns once the
	// platform did, and says nothing of what is left: that is read back.
	Unbind(ctx context.Context, job Job, binding string) error
	// Watch calls changed for every source that changed, in order and at once,
	// until ctx ends. A change that leaves a source's keys as they were when
	// they were last read is none. An empty id means that anything may have
	// changed. It returns after the watching began.
	Watch(ctx context.Context, job Job, changed func(departure.SourceID)) error
	// Fence returns once every change made before the call, at every origin,
	// has reached Watch's callback; what cannot be watched is listed a second
	// time and held against the look.
	Fence(ctx context.Context, job Job, look departure.Look) error

	// InspectDestination opens a folder as a place for the copy.
	InspectDestination(ctx context.Context, job Job, folder string) (departure.Copy, Destination, error)
	// InspectSource opens a folder or file as a source. It is refused where it
	// lies in or around one of those beside it, of the same dataset, by whatever
	// name or mount: its items would count twice.
	InspectSource(ctx context.Context, dataset departure.Dataset, path string, beside []GivenSource) (GivenSource, error)
	// Credential hands over the account's password, kept in memory alone.
	Credential(ctx context.Context, job Job, password string) error
	// Items pages through the items of the copy.
	Items(ctx context.Context, job Job, filter ItemFilter) (ItemPage, error)
}

// ItemFilter selects items of the copy.
type ItemFilter struct {
	Dataset departure.Dataset `json:"dataset,omitempty"`
	Failed  bool              `json:"failed,omitempty"`
	Missing bool              `json:"missing,omitempty"` // listed at the origin, not in the copy
	Cursor  string            `json:"cursor,omitempty"`
	Limit   int               `json:"limit,omitempty"` // at most 1,000; 0 is 100
}

// Item is one item of the copy, or one that could not be copied.
type Item struct {
	Dataset departure.Dataset `json:"dataset"`
	Source  string            `json:"source"`
	// Fate of the source that it came from, and whether that is of the account
	// that is left; Fate is empty where that source is not known any more.
	Fate      departure.Fate `json:"fate,omitempty"`
	OfAccount bool           `json:"of_account"`
	Name      string         `json:"name"`
	Path      string         `json:"path,omitempty"` // in the copy
	Size      int64          `json:"size"`
	SHA256    string         `json:"sha256,omitempty"`
	Why       string         `json:"why,omitempty"` // why it failed
}

// ItemPage is one page; Next is empty on the last one.
type ItemPage struct {
	Items []Item `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Tracker is Find My Device on this device's system bus.
type Tracker interface {
	// State asks every implementer. Seen are the names met earlier in this
	// departure: one that is absent now is unknown.
	State(ctx context.Context, account departure.Account, seen []string) (departure.Trackers, error)
	// Disable asks one implementer to turn itself off, with the owner's proof.
	// The state is read back by the caller.
	Disable(ctx context.Context, implementer string, account departure.Account, proof string) error
	// Enable turns it on again: for a cancel that domain.md allows.
	Enable(ctx context.Context, implementer string, account departure.Account, proof string) error
	// Watch calls changed at each change until ctx ends; it returns after the
	// watching began.
	Watch(ctx context.Context, changed func()) error
	// Fence returns once every change before the call reached Watch's callback.
	Fence(ctx context.Context) error
}

// ErrProofRefused is Disable's answer to a wrong proof: nothing was changed.
var ErrProofRefused = errors.New("the provider did not accept that password")

// ErrNotOwner is Disable's answer where only the person can turn it off.
var ErrNotOwner = errors.New("this device lets only its owner turn Find My Device off, by hand")

// Clock is the time, so that tests can hold it.
type Clock interface {
	Now() time.Time
	// After is closed, or sent to, once d has passed.
	After(d time.Duration) (<-chan time.Time, func())
}
