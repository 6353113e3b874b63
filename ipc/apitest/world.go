package apitest

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Password is the password of the world's account.
const Password = "correct horse"

// Identity is the world's account, signed in on this device.
const Identity = "alice@cloud.example"

// Account is the world's account, of the provider nextcloud.
func Account() departure.Account {
	return departure.Account{
		ID: departure.AccountID("nextcloud", Identity), Provider: "nextcloud", Identity: Identity, Name: Identity,
	}
}

const (
	binding     = "goa:account_1"
	implementer = "org.clearance.FindMyDevice1.Test"
)

// World is what a worker and Find My Device would see: one account with a few
// items at its server, some of them on this device too.
type World struct {
	mu       sync.Mutex
	sources  []held
	copied   map[departure.SourceID]int64
	unread   int64
	readAt   time.Time
	born     bool
	kept     bool
	bound    bool
	hidden   error // why the accounts cannot be listed
	findMy   departure.TrackerState
	watchers map[int]func(departure.SourceID)
	restored map[string]bool // paths to which the copy was restored
	nextID   int

	ejected bool

	hold map[departure.Step]chan struct{} // runs of these steps wait for it to close
	held chan departure.Step              // gets a step as it begins to be held
	fail int64                            // photos that cannot be copied
}

// held is a source with how much it holds.
type held struct {
	source    departure.Source
	items     int64
	onlyCloud int64
}

// NewWorld is a world in which everything works.
func NewWorld() *World {
	at := func(id string, set departure.Dataset, name string, items, onlyCloud int64) held {
		return held{items: items, onlyCloud: onlyCloud, source: departure.Source{
			ID: departure.SourceID(id), Dataset: set, Fate: departure.Lost, Remote: true, OfAccount: true, Name: name}}
	}
	here := at("eds:contacts", departure.Contacts, "Contacts on this device", 3, 0)
	here.source.Fate, here.source.Remote = departure.Leaves, false
	return &World{
		sources: []held{
			at("dav:photos", departure.Photos, "Photos in the cloud", 12, 5),
			at("dav:contacts", departure.Contacts, "Contacts in the cloud", 3, 0), here,
			at("dav:notes", departure.Notes, "Notes in the cloud", 2, 1),
			at("dav:calendar", departure.Calendars, "Calendar in the cloud", 4, 0),
			at("dav:files", departure.Files, "Files in the cloud", 6, 6),
		},
		copied: map[departure.SourceID]int64{}, bound: true, findMy: departure.TrackerOn,
		watchers: map[int]func(departure.SourceID){}, restored: map[string]bool{},
		hold: map[departure.Step]chan struct{}{}, held: make(chan departure.Step, 16),
	}
}

// Hold keeps runs of a step from ending until Release, or until they are
// stopped; each run that is held is told on the channel.
func (w *World) Hold(step departure.Step) <-chan departure.Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold[step] = make(chan struct{})
	return w.held
}

// Release lets runs of a step end.
func (w *World) Release(step departure.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.hold[step])
	delete(w.hold, step)
}

// FailPhotos makes this many photos impossible to copy.
func (w *World) FailPhotos(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = n
}

// AddPhoto lets a new photo arrive at the server.
func (w *World) AddPhoto() {
	w.mu.Lock()
	w.sources[0].items++
	watchers := w.watching()
	w.mu.Unlock()
	for _, changed := range watchers {
		changed("dav:photos")
	}
}

func (w *World) watching() []func(departure.SourceID) {
	var list []func(departure.SourceID)
	for _, changed := range w.watchers {
		list = append(list, changed)
	}
	return list
}

// wait is where a held step stays.
func (w *World) wait(ctx context.Context, step departure.Step) error {
	w.mu.Lock()
	hold, ok := w.hold[step]
	w.mu.Unlock()
	if !ok {
		return ctx.Err()
	}
	select {
	case w.held <- step:
	default:
	}
	select {
	case <-hold:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// seen are the sources that a job sees.
func (w *World) seen(job engine.Job) []held {
	if job.Departure.Account.Declared {
		var given []held
		for _, g := range job.Given {
			given = append(given, held{items: givenItems, source: departure.Source{ID: g.ID, Dataset: g.Dataset,
				Fate: departure.Lost, Given: true, OfAccount: true, Name: filepath.Base(g.Path)}})
		}
		return given
	}
	return slices.DeleteFunc(slices.Clone(w.sources), func(h held) bool { return !h.source.Remote && !w.bound })
}

// givenItems is how many items every given folder holds.
const givenItems = 7

const itemBytes = 1 << 20

// HideAccounts keeps the accounts from being listed, as a server that hangs does.
func (w *World) HideAccounts() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hidden = &engine.BlockedError{
		Why:    departure.Reason{Code: "accounts", Text: "cannot list the accounts of this device: Nextcloud does not answer"},
		Remedy: departure.Remedy{Code: "look", Text: "see to that, then look again", Command: "clearance accounts"},
	}
}

// Accounts implements engine.Worker.
func (w *World) Accounts(context.Context) ([]departure.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hidden != nil {
		return nil, w.hidden
	}
	if !w.bound {
		return nil, nil
	}
	return []departure.Account{Account()}, nil
}

// Look implements engine.Worker.
func (w *World) Look(_ context.Context, job engine.Job, report engine.Report) (departure.Look, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	look := departure.Look{At: now, EndedAt: now, Complete: true, Copy: w.copyOf(job),
		Others: []departure.OtherHolder{{ID: "google", Name: "alice@mail.example"}}}
	for _, h := range w.seen(job) {
		covered := w.copied[h.source.ID]
		listing := departure.Listing{Source: h.source, Complete: true, EndedAt: now, Keys: departure.DigestOf(h.source.ID, h.items),
			Items: h.items, Bytes: h.items * itemBytes, Covered: min(covered, h.items),
			OnlyCloud: h.onlyCloud, OnlyCloudBytes: h.onlyCloud * itemBytes}
		if h.source.ID == "dav:photos" && covered > 0 && w.fail > 0 {
			listing.Covered, listing.Failed, listing.Failures = covered-w.fail, w.fail, departure.DigestOf(w.fail)
		}
		look.Listings = append(look.Listings, listing)
	}
	report(engine.Progress{Step: departure.StepInventory, Items: int64(len(look.Listings)), Total: int64(len(look.Listings))})
	if job.Departure.Account.Declared {
		return look, nil
	}
	look.Kept = departure.Kept{Known: true, Needed: 3}
	if w.kept {
		look.Kept.Present = 3
	}
	state := departure.BindingPresent
	if !w.bound {
		state = departure.BindingGone
	}
	look.Bindings = []departure.Binding{{ID: binding, Kind: "goa", Name: "Nextcloud (" + Identity + ")", State: state,
		Carries: true,
		Goes:    []departure.Vanishing{{What: "address book", Name: "Contacts", Items: 3}}}}
	look.Hints = []departure.Hint{{ID: "firefox:1", Name: "Firefox", Text: "it has a password for this account",
		Remedy: departure.Remedy{Code: "by-hand", Text: "open its settings, Passwords, and remove it there"}}}
	return look, nil
}

func (w *World) copyOf(job engine.Job) departure.Copy {
	c := place(job.Destination.Folder)
	c.Free = 100 << 30
	if !w.born {
		return c
	}
	c.BagID, c.Ledger, c.Unread, c.OldestRead, c.LatestRead = "bag-1", w.ledger(), w.unread, w.readAt, w.readAt
	for _, n := range w.copied {
		c.Items += n
	}
	c.Bytes = c.Items * itemBytes
	c.Stats = departure.DigestOf(c.Items)
	return c
}

func (w *World) ledger() departure.Digest { return departure.DigestOf("ledger", w.copied) }

func place(folder string) departure.Copy {
	switch {
	case folder == "":
		return departure.Copy{Place: departure.PlaceUnset}
	case strings.Contains(folder, "same-disk"):
		return departure.Copy{Place: departure.PlaceSameDisk, Present: true, Disk: "here", Shown: folder}
	case strings.Contains(folder, "refused"):
		return departure.Copy{Place: departure.PlaceRefused, PlaceWhy: departure.Reason{Code: "in-source", Text: "that folder is synced with the account"}}
	}
	return departure.Copy{Place: departure.PlaceApart, Present: true, Disk: "usb", Shown: folder}
}
