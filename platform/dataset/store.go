package dataset

import (
	"context"
	"iter"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/binding"
)

// Store is one place that holds items of one kind.
type Store struct {
	// ID names it for as long as it exists: the finder's name, a colon, and what
	// stays the same when the program is started again.
	ID      departure.SourceID
	Dataset departure.Dataset
	Name    string // as shown to a person: "Work (Thunderbird)"
	// Who is the account that it is kept in step with; the zero value is none:
	// this device's own.
	Who binding.Who
	// Goes: it goes from this device when the account is signed out where it is
	// registered. A synced store that does not is this device's own copy.
	Goes bool
	// Derived: its items are made from others, and count nowhere.
	Derived bool
	// Why says why it cannot be listed now; List is nil then.
	Why departure.Reason
	// List yields every item under ref. Those that want asks for can be opened;
	// a nil want is none.
	List func(ctx context.Context, ref source.Ref, want func(*source.Item) bool) iter.Seq2[source.Item, error]
	// Watched are absolute paths of files and folders; a change beneath one may
	// change the store.
	Watched []string
	// Folder is where it lies, "" where that is not one folder: no copy may lie
	// there.
	Folder string
	// Close frees what List needs; nil where that is nothing.
	Close func() error
}

// Finder finds the stores of one program.
type Finder interface {
	// Name is the word before the colon of each store's id.
	Name() string
	// Find lists every store of the program, of every account. An error means
	// that nothing is known of them.
	Find(ctx context.Context) ([]Store, error)
}
