package gate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
)

// errCrash is what a store answers once the agent was killed.
var errCrash = errors.New("the agent was killed")

// world is a device, a server and a disk, and the people, thieves and other
// devices that change them. It fills every port of the engine. It survives the
// engine: a crash drops what the worker held in memory, and nothing else.
type world struct {
	now   time.Time
	store *enginetest.Memory

	// What is true.
	cloud    map[departure.Dataset]map[string]int // item → revision, at the server
	folder   map[string]int                       // photos in a folder that the person gave
	cacheOf  map[departure.Dataset]map[string]int // what synced here, gone with the sign-out
	trash    map[string]int                       // contacts made offline before the sign-out
	bindings map[string]bool                      // exact id → signed in
	nextBind int
	locked   bool // the keyring
	others   []departure.OtherHolder
	tracker  string // "", "on", "off", "mute"
	disk     map[string]int
	plugged  bool
	serverUp bool
	proof    string

	// What the worker holds.
	ledger     map[string]int // key → revision copied
	read       map[string]int // key → revision read back
	readAt     map[string]time.Time
	fails      map[string]bool // items that can never be copied
	credential bool            // in memory alone

	// What was done, to hold against the grants.
	disables, unbinds int

	changed func(departure.SourceID)
	moved   func()
	// meddle runs at points within a look, where another device may write.
	meddle func(at string)
	// crashIn counts store writes down to a crash; 0 is never.
	crashIn    int
	crashAfter bool // it dies after the commit instead of before
	dead       bool
}

func newWorld() *world {
	w := &world{
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), store: enginetest.NewMemory(),
		cloud: map[departure.Dataset]map[string]int{}, cacheOf: map[departure.Dataset]map[string]int{},
		folder: map[string]int{}, trash: map[string]int{}, bindings: map[string]bool{"goa-1": true}, nextBind: 2,
		tracker: "on", disk: map[string]int{}, plugged: true, serverUp: true, proof: "right", credential: true,
		ledger: map[string]int{}, read: map[string]int{}, readAt: map[string]time.Time{}, fails: map[string]bool{},
		others: []departure.OtherHolder{{ID: "google", Name: "Google"}},
	}
	for _, d := range departure.Datasets {
		w.cloud[d] = map[string]int{string(d) + "-a": 1, string(d) + "-b": 1}
	}
	w.cacheOf[departure.Contacts] = map[string]int{"contacts-a": 1}
	return w
}

func (w *world) crash() {
	w.dead, w.credential, w.changed, w.moved, w.crashIn = false, w.signedIn(), nil, nil, 0
}

func (w *world) signedIn() bool {
	for _, in := range w.bindings {
		if in {
			return true
		}
	}
	return false
}

// signIn adds the account again: it gets a new id.
func (w *world) signIn() {
	w.bindings[fmt.Sprintf("goa-%d", w.nextBind)] = true
	w.nextBind++
	w.credential = true
	w.touch("")
}

// touch tells the engine's watch of a change at the device; what happens at the
// server reaches nobody by itself.
func (w *world) touch(id departure.SourceID) {
	if w.changed != nil {
		w.changed(id)
	}
}

func (w *world) meddled(at string) {
	if w.meddle != nil {
		w.meddle(at)
	}
}

// Store, with a crash.

type crashing struct {
	*enginetest.Memory
	w *world
}

// write is one store write: it may be the one in which the agent is killed,
// before or after the commit.
func (c crashing) write(commit func() error) error {
	if c.w.dead {
		return errCrash
	}
	if c.w.crashIn > 0 {
		c.w.crashIn--
		c.w.dead = c.w.crashIn == 0
	}
	if c.w.dead && !c.w.crashAfter {
		return errCrash
	}
	if err := commit(); err != nil {
		return err
	}
	return c.w.alive()
}

func (c crashing) Create(ctx context.Context, rec *engine.Record, evs ...engine.Event) error {
	return c.write(func() error { return c.Memory.Create(ctx, rec, evs...) })
}

func (c crashing) Save(ctx context.Context, rec *engine.Record, evs ...engine.Event) error {
	return c.write(func() error { return c.Memory.Save(ctx, rec, evs...) })
}

// Clock.

func (w *world) Now() time.Time { return w.now }
func (w *world) After(time.Duration) (<-chan time.Time, func()) {
	return make(chan time.Time), func() {}
}

// Worker.

func (w *world) alive() error {
	if w.dead {
		return errCrash
	}
	return nil
}

func (w *world) Accounts(context.Context) ([]departure.Account, error) { return nil, w.alive() }

func cloudID(d departure.Dataset) departure.SourceID { return departure.SourceID("cloud:" + string(d)) }

func key(id departure.SourceID, item string) string { return string(id) + "/" + item }

func (w *world) listing(s departure.Source, items map[string]int) departure.Listing {
	l := departure.Listing{Source: s, Complete: true, EndedAt: w.now, Items: int64(len(items)), Keys: departure.DigestOf(items)}
	var failed []string
	for item, rev := range items {
		switch {
		case w.ledger[key(s.ID, item)] == rev:
			l.Covered++
		case w.fails[item]:
			l.Failed++
			failed = append(failed, item)
		}
	}
	slices.Sort(failed)
	l.Failures = departure.DigestOf(failed)
	return l
}

func (w *world) sources(job engine.Job) []departure.Listing {
	var ls []departure.Listing
	for _, d := range job.Datasets {
		if job.Departure.Account.Declared {
			break
		}
		s := departure.Source{ID: cloudID(d), Dataset: d, Fate: departure.Lost, Remote: true, OfAccount: true, Name: string(d) + " at the server"}
		l := w.listing(s, w.cloud[d])
		if !w.serverUp {
			l = departure.Listing{Source: s, Why: departure.Reason{Code: "unreachable", Text: "the server cannot be reached"}}
		} else if !w.credential {
			l = departure.Listing{Source: s, Why: departure.Reason{Code: "no-credential", Text: "the password is not known any more"}}
		}
		ls = append(ls, l)
	}
	if w.signedIn() {
		s := departure.Source{ID: "book", Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Name: "address book"}
		ls = append(ls, w.listing(s, w.cacheOf[departure.Contacts]))
	} else if len(w.trash) > 0 {
		s := departure.Source{ID: "trash", Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Trash: true, TrashOf: "book", Name: "trash"}
		ls = append(ls, w.listing(s, w.trash))
	}
	for _, g := range job.Given {
		s := departure.Source{ID: g.ID, Dataset: g.Dataset, Fate: departure.Lost, Given: true, Name: g.Path}
		ls = append(ls, w.listing(s, w.folder))
	}
	return ls
}

func (w *world) Look(_ context.Context, job engine.Job, _ engine.Report) (departure.Look, error) {
	if err := w.alive(); err != nil {
		return departure.Look{}, err
	}
	look := departure.Look{At: w.now, Complete: true, Listings: w.sources(job), Copy: w.copyFacts(job), Others: w.others}
	w.meddled("after listing")
	look.Kept = departure.Kept{Known: true}
	for _, id := range slices.Sorted(maps.Keys(w.bindings)) {
		b := departure.Binding{ID: id, Kind: "goa", Name: "alice", State: departure.BindingGone}
		if w.bindings[id] {
			b.State = departure.BindingPresent
			if w.locked {
				b.Blocked = &departure.Remedy{Code: "unlock", Text: "unlock the keyring"}
				b.Why = departure.Reason{Code: "locked", Text: "the keyring is locked"}
			}
		}
		look.Bindings = append(look.Bindings, b)
	}
	look.EndedAt = w.now
	return look, nil
}

func (w *world) copyFacts(job engine.Job) departure.Copy {
	c := departure.Copy{Place: departure.PlaceUnset, Ledger: departure.DigestOf(w.ledger), Items: int64(len(w.ledger))}
	if job.Destination.Folder == "" {
		return c
	}
	c.Place, c.Shown, c.Free, c.Disk, c.Present = departure.PlaceApart, "/media/disk", 1<<30, "disk-1", w.plugged
	if len(w.ledger) > 0 || len(w.disk) > 0 {
		c.BagID = "bag-1"
	}
	if !w.plugged {
		return c
	}
	c.OldestRead = w.now
	for k, rev := range w.ledger {
		if w.read[k] != rev {
			c.Unread++
			continue
		}
		if w.disk[k] != rev {
			c.Differs++
		}
		if at := w.readAt[k]; at.Before(c.OldestRead) {
			c.OldestRead = at
		}
	}
	c.Stats = departure.DigestOf(w.disk)
	return c
}

func (w *world) result() engine.CopyResult {
	return engine.CopyResult{Ledger: departure.DigestOf(w.ledger), BagID: "bag-1", Disk: "disk-1"}
}

func (w *world) Backup(_ context.Context, job engine.Job, _ engine.Report) (engine.CopyResult, error) {
	if err := w.alive(); err != nil || !w.plugged {
		return engine.CopyResult{}, errors.Join(err, errors.New("the disk is away"))
	}
	for _, s := range []struct {
		id    departure.SourceID
		items map[string]int
		here  bool
	}{{"book", w.cacheOf[departure.Contacts], w.signedIn()}, {"trash", w.trash, !w.signedIn()}} {
		if s.here {
			w.copyAll(s.id, s.items)
		}
	}
	for _, d := range job.Datasets {
		if w.serverUp && w.credential {
			w.copyAll(cloudID(d), w.cloud[d])
		}
	}
	for _, g := range job.Given {
		w.copyAll(g.ID, w.folder)
	}
	return w.result(), nil
}

func (w *world) copyAll(id departure.SourceID, items map[string]int) {
	for item, rev := range items {
		if k := key(id, item); w.ledger[k] != rev && !w.fails[item] {
			w.ledger[k], w.disk[k] = rev, rev
			delete(w.read, k)
		}
	}
}

func (w *world) Verify(context.Context, engine.Job, time.Time, engine.Report) (engine.CopyResult, error) {
	if err := w.alive(); err != nil || !w.plugged {
		return engine.CopyResult{}, errors.Join(err, errors.New("the disk is away"))
	}
	for k, rev := range w.ledger {
		if w.disk[k] == rev {
			w.read[k], w.readAt[k] = rev, w.now
			continue
		}
		delete(w.ledger, k) // damaged: it is missing again, and copied anew
	}
	return w.result(), nil
}

func (w *world) Keep(context.Context, engine.Job, engine.Report) (engine.CopyResult, error) {
	return engine.CopyResult{}, w.alive()
}

func (w *world) Seal(_ context.Context, job engine.Job, _ engine.Report) (engine.SealResult, error) {
	if err := w.alive(); err != nil {
		return engine.SealResult{}, err
	}
	res := engine.SealResult{At: w.now, End: w.now}
	for _, l := range w.sources(job) {
		res.Rows = append(res.Rows, departure.SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: w.now, Intact: l.Complete && l.Missing() == 0, Why: l.Why})
	}
	w.meddled("after seal")
	return res, nil
}

func (w *world) Sweep(_ context.Context, job engine.Job) ([]departure.SourceID, error) {
	if err := w.alive(); err != nil {
		return nil, err
	}
	var moved []departure.SourceID
	for _, l := range w.sources(job) {
		for _, row := range job.Sealed {
			if row.Source.ID == l.Source.ID && (!l.Complete || l.Keys != row.Keys) {
				moved = append(moved, l.Source.ID)
			}
		}
	}
	return moved, nil
}

func (w *world) Unbind(_ context.Context, _ engine.Job, id string) error {
	if err := w.alive(); err != nil {
		return err
	}
	w.meddled("before unbind")
	if !w.bindings[id] {
		return errors.New("it is not there")
	}
	w.unbinds++
	w.bindings[id] = false
	w.touch("")
	w.meddled("after unbind")
	return w.alive()
}

func (w *world) Watch(_ context.Context, _ engine.Job, changed func(departure.SourceID)) error {
	w.changed = changed
	return nil
}

// Fence: the device's changes were told at once; the server is listed again.
func (w *world) Fence(_ context.Context, job engine.Job, look departure.Look) error {
	w.meddled("before fence")
	for _, l := range w.sources(job) {
		for _, old := range look.Listings {
			if old.Source.ID == l.Source.ID && (old.Complete != l.Complete || old.Keys != l.Keys) {
				w.touch(l.Source.ID)
			}
		}
	}
	return w.alive()
}

func (w *world) InspectDestination(context.Context, engine.Job, string) (departure.Copy, engine.Destination, error) {
	return departure.Copy{}, engine.Destination{}, errors.New("not asked here")
}

func (w *world) InspectSource(context.Context, departure.Dataset, string) (engine.GivenSource, error) {
	return engine.GivenSource{}, errors.New("not asked here")
}

func (w *world) Credential(_ context.Context, _ engine.Job, password string) error {
	if password != w.proof {
		return errors.New("wrong password")
	}
	w.credential = true
	return nil
}

func (w *world) Items(context.Context, engine.Job, engine.ItemFilter) (engine.ItemPage, error) {
	return engine.ItemPage{}, nil
}

// phone is the tracker port of the same world.
type phone struct{ *world }

const implementer = "org.clearance.FindMyDevice1.Demo"

func (p phone) State(_ context.Context, _ departure.Account, seen []string) (departure.Trackers, error) {
	ts := departure.Trackers{Complete: true}
	switch p.tracker {
	case "":
		for _, name := range seen {
			ts.Seen = append(ts.Seen, departure.Tracker{Name: name, State: departure.TrackerUnknown})
		}
	case "mute":
		ts.Seen = []departure.Tracker{{Name: implementer, State: departure.TrackerUnknown}}
	default:
		ts.Seen = []departure.Tracker{{Name: implementer, State: departure.TrackerState(p.tracker)}}
	}
	return ts, p.alive()
}

func (p phone) Disable(_ context.Context, name string, _ departure.Account, proof string) error {
	if err := p.alive(); err != nil {
		return err
	}
	if proof != p.proof {
		return engine.ErrProofRefused
	}
	p.disables++
	p.tracker = "off"
	p.meddled("after disable")
	return p.alive()
}

func (p phone) Enable(_ context.Context, name string, _ departure.Account, proof string) error {
	if proof != p.proof {
		return engine.ErrProofRefused
	}
	p.tracker = "on"
	return nil
}

func (p phone) Watch(_ context.Context, changed func()) error {
	p.moved = changed
	return nil
}

func (p phone) Fence(context.Context) error { return p.alive() }

// catalogue and rules are what the engine knows of the provider.
type catalogue struct{ path departure.Needs }

func (c catalogue) Profile(d departure.Departure) departure.Profile {
	return departure.Profile{
		Provider: d.Account.Provider, Name: "Cloud", Datasets: departure.Datasets, NoTracker: !d.Account.Declared,
		Consequences: []departure.Line{{ID: "c", Text: "the account is gone"}},
		Purchases:    []departure.Line{{ID: "p", Text: "receipts are gone"}},
		Uncovered:    []departure.Line{{ID: "u", Text: "messages are gone"}},
		Path:         departure.Path{ID: "x", Needs: c.path},
	}
}

func (catalogue) PhotoFolders(string) []string { return nil }

type rules struct{}

func (rules) For(departure.Departure) departure.Policy {
	return departure.Policy{Allows: true, Digest: "policy"}
}

// truth is every item that is lost or leaves at this moment, by key.
func (w *world) truth() map[string]int {
	all := map[string]int{}
	for d, items := range w.cloud {
		for item, rev := range items {
			all[key(cloudID(d), item)] = rev
		}
	}
	if w.signedIn() {
		for item, rev := range w.cacheOf[departure.Contacts] {
			all[key("book", item)] = rev
		}
	} else {
		for item, rev := range w.trash {
			all[key("trash", item)] = rev
		}
	}
	return all
}

// unsafe says why a receipt would be wrong at this moment, empty where it is
// right. met are the implementers of Find My Device that the agent ever saw.
func (w *world) unsafe(met []string) string {
	if !w.plugged {
		return "the disk is away"
	}
	for k, rev := range w.truth() {
		_, item, _ := cutKey(k)
		if w.fails[item] {
			continue
		}
		if w.ledger[k] != rev || w.disk[k] != rev {
			return fmt.Sprintf("%s (revision %d): in the ledger %d, on the disk %d", k, rev, w.ledger[k], w.disk[k])
		}
	}
	if w.tracker != "off" && (w.tracker != "" || len(met) > 0) {
		return "Find My Device is " + w.tracker
	}
	return ""
}

func cutKey(k string) (id, item string, ok bool) {
	for i := range k {
		if k[i] == '/' {
			return k[:i], k[i+1:], true
		}
	}
	return k, "", false
}
