package binding

import (
	"context"
	"errors"

	"github.com/clearance-project/clearance/agent/departure"
)

// Entry is one account as it is registered at a place.
type Entry struct {
	// ID is exact: Kind, a colon, and what the place itself knows it by, which is
	// new at each sign-in where the place has such a thing.
	ID   string
	Name string // as shown to a person: "alice@cloud.example in Nextcloud Desktop"
	Who  Who
	// Account is what the place calls the account itself ("alice@cloud.example");
	// "" takes its identity.
	Account string
	// Server is where the account's data is served, as far as the place says.
	Server Server
	// Leftover: it is no longer in use, and something of it still stands there.
	Leftover bool
	// Why says what keeps it from being removed, and Blocked what to do about it.
	Why     departure.Reason
	Blocked *departure.Remedy
	// Guided: Remove never removes it; Blocked says how the person does.
	Guided bool
	// Carries: sources of the account come and go with it (see
	// [departure.Binding]).
	Carries bool
	// Mail: the account is set up there for mail, which brings no source.
	Mail bool
	// Goes is what vanishes from this device with it.
	Goes []departure.Vanishing
	// Folders are absolute paths that are kept in step with the account: no copy
	// may lie there, and what they hold leaves with it.
	Folders []string
	// Mounts are absolute paths where the account's server itself shows: no copy
	// may lie there, and what they hold is looked for at the server.
	Mounts []string
	// Unread is the digest of a list of sign-ins that is here and that nobody but
	// the person can read: the entry is that list. Why says so, and Blocked how they
	// look into it.
	Unread departure.Digest
	// Busy says that a transfer is going on which must end first; "" for none.
	// Who calls Remove heeds it.
	Busy string
}

// SetUp reports whether the account itself is set up there: a bare password makes
// no account, and is none that must stay.
func (e Entry) SetUp() bool { return e.Carries || e.Mail }

// Who says whose an entry is, in the place's own words.
type Who struct {
	// Type is the place's word for the provider ("owncloud", "google"), or
	// "carddav" where it only knows the protocol.
	Type string
	// User is the account's name there; "" where the place does not say.
	User string
	// Host is the server, in lower case, with its port where that is not the
	// scheme's own; "" for a provider that has one server for everybody.
	Host string
	// AnyPort: the place knows a server by its name alone, and what it has of it
	// goes to every port.
	AnyPort bool
	// AnyHost: the place does not say at which server, and the account may be at
	// any. Host is "".
	AnyHost bool
}

// Server are the addresses at which an account's data is served, without a user
// name or password in them. Empty: not served there, or the place does not say.
type Server struct {
	Contacts  string // CardDAV, a folder or the server's root
	Calendars string // CalDAV
	Files     string // WebDAV: the account's file tree
	// AcceptInvalidCert: the person told the place to trust a certificate that
	// does not verify.
	AcceptInvalidCert bool
}

// Left is something that still stands at a place after an entry went.
type Left struct {
	Where  string // as shown to a person: "list of accounts", "keyring"
	Name   string // which one there, for the log
	Locked bool   // it lies in a locked keyring
	// Remedy is how the person removes it, nil where that is not known.
	Remedy *departure.Remedy
}

// Place is one kind of place where accounts are registered. Methods may be
// called from several goroutines.
type Place interface {
	// Kind is the word before the colon of every entry's id: "goa".
	Kind() string
	// Entries lists every entry, of every account. It writes nothing.
	Entries(ctx context.Context) ([]Entry, error)
	// Remove removes the entry of exactly this id and returns once the place did.
	// What is left is read back. [ErrGuided] where only the person can,
	// [ErrGone] where there is no such entry, a [*departure.Remedy] in a
	// [BlockedError] where something has to be done first.
	Remove(ctx context.Context, id string) error
	// ReadBack looks for what is left of an entry that is not listed any more,
	// in every part of the place; nothing and no error means that it is gone. Where
	// a part could not be looked at there is an error, beside what was found.
	ReadBack(ctx context.Context, id string) ([]Left, error)
}

// Filed is a Place that stands in files: whoever watches them hears of every
// change.
type Filed interface {
	// Files are absolute paths of files that may not be there yet.
	Files() []string
}

// Teller is a Place that tells of changes itself.
type Teller interface {
	// Watch calls changed at each change, also at one that may have been missed,
	// until stop is called. It returns after the watching began.
	Watch(changed func()) (stop func(), err error)
	// Fence returns once every change before the call reached Watch's callback.
	Fence(ctx context.Context) error
}

// Searcher is a Place that cannot list some entries without knowing whose are
// looked for: a locked keyring tells only whether it has what it is asked for.
type Searcher interface {
	// Search finds such entries of one user at one server, and those that may be
	// theirs. What Entries lists is not among them.
	Search(ctx context.Context, user, host string) ([]Entry, error)
}

// Folderless is a Place whose entries never have Folders: while it cannot be
// listed, no folder is in doubt for it.
type Folderless interface{ Folderless() }

// Hinter is a Place that also knows of uses of an account that hold nothing of
// it: a browser's saved password.
type Hinter interface {
	Hints(ctx context.Context) ([]Hint, error)
}

// Hint is a use of an account that is only told.
type Hint struct {
	Who Who
	// Everybody: it is told whatever account is left, and Who says nothing.
	Everybody bool
	Hint      departure.Hint
}

// ErrGuided means that only the person can remove the entry.
var ErrGuided = errors.New("only you can sign out there")

// ErrGone means that there is no such entry.
var ErrGone = errors.New("it is not signed in there")

// BlockedError means that something has to be done before an entry can be
// removed. Nothing was changed.
type BlockedError struct {
	Why    departure.Reason
	Remedy departure.Remedy
}

func (e *BlockedError) Error() string { return e.Why.Text }
