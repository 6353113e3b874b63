// Package world is a simulated device, server and disk, and the people, thieves
// and other devices that change them. It fills every port of the engine, so that
// the core can be held against its invariants over any order of events.
//
// It imports departure, engine and enginetest.
//
// Invariants:
//   - It survives the engine: a crash drops what the worker held in memory, and
//     nothing else.
//   - What is true is in its fields; what the worker answers follows from them
//     at the moment of the call.
//   - A port's method holds the lock. Whoever changes the world while an engine
//     runs does it within [World.Do], or in Meddle, which the lock covers.
package world

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
)

// ErrCrash is what every port answers once the agent was killed.
var ErrCrash = errors.New("the agent was killed")

// Implementer is the bus name of the device's Find My Device.
const Implementer = "org.clearance.FindMyDevice1.Demo"

// Me is the account that is bound in a new world.
var Me = departure.Account{ID: "me", Provider: "cloud", Identity: "alice@cloud", Name: "alice"}

// Declared is an account of which nothing is in the world but its folder.
var Declared = departure.Account{ID: "mi", Provider: "cloud", Identity: "1926", Name: "1926", Declared: true}

// World is everything outside the engine.
type World struct {
	mu    sync.Mutex
	Store *enginetest.Memory
	Time  time.Time
	// Live takes the time from the system: within a bubble of synctest.
	Live bool

	// What is true.
	Cloud     map[departure.Dataset]map[string]int // item → revision, at the server
	Folder    map[string]int                       // photos in a folder
	Given     bool                                 // that the person gave as a source
	Book      map[string]int                       // contacts that synced here, gone with the sign-out
	Trash     map[string]int                       // contacts made offline before the sign-out
	Own       map[string]int                       // contacts in books of the device's own
	Bindings  map[string]bool                      // exact id → signed in; [ByHand] is one of them, at times
	next      int
	Locked    bool // the keyring
	Others    []departure.OtherHolder
	Kinds     []departure.SeenKind     // what the account holds and nobody copies
	Tracker   string                   // "", "on", "off", "mute"
	Simulated bool                     // the tracker says that it is a simulation
	Here      []departure.LocalTracker // programs of this device that can find it
	NotOwner  bool                     // only the person can turn the tracker off
	Disk      map[string]int
	Plugged   bool
	ServerUp  bool
	Unmarked  bool   // the server has no mark of the whole
	Unseen    string // why sources of the device may be hidden; "" where none are
	Deleted   string // after the deletion: "unauthorized" or "empty"; "" before
	Proof     string
	SameDisk  bool // the copy lies on this device

	// What the worker holds.
	Ledger     map[string]int // key → revision copied
	Read       map[string]int // key → revision read back
	ReadAt     map[string]time.Time
	Fails      map[string]bool // items that can never be copied
	Credential bool            // in memory alone
	listed     map[departure.SourceID]departure.Listing

	// What was done, to hold against the grants.
	Disables, Enables, Unbinds int
	// Calls counts the calls of each port method by name.
	Calls map[string]int

	changed func(departure.SourceID)
	moved   func()

	// Meddle runs at points within the calls, where another device may write.
	Meddle func(at string)
	// Broken makes the port method of that name answer an error.
	Broken map[string]error
	// Block makes the port method of that name wait until its context ends or
	// the channel is closed; Entered is sent its name.
	Block   map[string]chan struct{}
	Entered chan string

	// CrashIn counts store writes down to a crash; 0 is never. CrashAfter says
	// that it dies after the commit instead of before.
	CrashIn    int
	CrashAfter bool
	Dead       bool
	Writes     int
}

// New is a world with one account that holds two items of each kind, a Find My
// Device that is on, and an empty disk.
func New() *World {
	w := &World{
		Store: enginetest.NewMemory(), Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Cloud: map[departure.Dataset]map[string]int{}, Folder: map[string]int{}, Book: map[string]int{"contacts-a": 1},
		Trash: map[string]int{}, Own: map[string]int{}, Bindings: map[string]bool{"goa-1": true}, next: 2,
		Others: []departure.OtherHolder{{ID: "google", Name: "Google"}}, Tracker: "on",
		Disk: map[string]int{}, Plugged: true, ServerUp: true, Proof: "right", Credential: true,
		listed: map[departure.SourceID]departure.Listing{}, Ledger: map[string]int{}, Read: map[string]int{}, ReadAt: map[string]time.Time{}, Fails: map[string]bool{},
		Calls: map[string]int{}, Broken: map[string]error{}, Block: map[string]chan struct{}{}, Entered: make(chan string, 64),
	}
	for _, d := range departure.Datasets {
		w.Cloud[d] = map[string]int{string(d) + "-a": 1, string(d) + "-b": 1}
	}
	return w
}

// NewDeclared is a world for [Declared]: a folder with one photo.
func NewDeclared() *World {
	w := New()
	clear(w.Bindings)
	for _, items := range w.Cloud {
		clear(items)
	}
	clear(w.Book)
	w.Tracker, w.Given = "", true
	w.Folder["a.jpg"] = 1
	return w
}

// Do changes the world while an engine runs.
func (w *World) Do(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// Crash is the end of an agent: what it held in memory is gone.
func (w *World) Crash() {
	w.Do(func() {
		w.Dead, w.Credential, w.changed, w.moved, w.CrashIn = false, w.SignedIn(), nil, nil, 0
		clear(w.listed)
	})
}

// ByHand is a bare sign-in that only the person can remove: a password that some
// other program keeps. No source comes with it.
const ByHand = "hand-1"

// SignedIn reports whether the account is signed in on the device, with what
// comes with that.
func (w *World) SignedIn() bool {
	for id, in := range w.Bindings {
		if in && id != ByHand {
			return true
		}
	}
	return false
}

// SignIn adds the account again: it gets a new id.
func (w *World) SignIn() {
	w.Bindings[fmt.Sprintf("goa-%d", w.next)] = true
	w.next++
	w.Credential = true
	w.Touch("")
}

// SignOut removes every sign-in, by someone else than the agent.
func (w *World) SignOut() {
	for id := range w.Bindings {
		w.Bindings[id] = false
	}
	w.Touch("")
}

// Touch tells the engine's watch of a change at the device; what happens at the
// server reaches nobody by itself.
func (w *World) Touch(id departure.SourceID) {
	if w.changed != nil {
		w.changed(id)
	}
}

// Switch turns Find My Device by hand and tells the engine's watch.
func (w *World) Switch(state string) {
	w.Tracker = state
	if w.moved != nil {
		w.moved()
	}
}

func (w *World) meddled(at string) {
	if w.Meddle != nil {
		w.Meddle(at)
	}
}

func (w *World) now() time.Time {
	if w.Live {
		return time.Now()
	}
	return w.Time
}

// Now is the digest of all that a permit rests on, as it is at this moment.
func (w *World) Now() departure.Digest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return departure.DigestOf(w.truth(), w.Bindings, w.Tracker, w.Disk, w.Plugged)
}

// truth is every item that is lost or leaves at this moment, by key.
func (w *World) truth() map[string]int {
	all := map[string]int{}
	if w.Given { // nobody can ask the server
		for item, rev := range w.Folder {
			all[key(GivenID, item)] = rev
		}
		return all
	}
	for d, items := range w.Cloud {
		for item, rev := range items {
			all[key(CloudID(d), item)] = rev
		}
	}
	if w.SignedIn() {
		for item, rev := range w.Book {
			all[key(BookID, item)] = rev
		}
	} else {
		for item, rev := range w.Trash {
			all[key(TrashID, item)] = rev
		}
	}
	return all
}

// Unsafe says why a receipt would be wrong at this moment, empty where it is
// right. met are the implementers of Find My Device that the agent ever saw.
func (w *World) Unsafe(met []string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.Plugged {
		return "the disk is away"
	}
	for k, rev := range w.truth() {
		if w.Fails[itemOf(k)] {
			continue
		}
		if w.Ledger[k] != rev || w.Disk[k] != rev {
			return fmt.Sprintf("%s (revision %d): in the ledger %d, on the disk %d", k, rev, w.Ledger[k], w.Disk[k])
		}
	}
	if w.Deleted == "" && w.Tracker != "off" && (w.Tracker != "" || len(met) > 0) {
		return "Find My Device is " + w.Tracker
	}
	return ""
}
