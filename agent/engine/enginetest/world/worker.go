package world

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// The ids of the sources of this device.
const (
	BookID  departure.SourceID = "book"
	TrashID departure.SourceID = "trash"
	GivenID departure.SourceID = "given"
)

// CloudID is the source of a dataset at the server.
func CloudID(d departure.Dataset) departure.SourceID { return departure.SourceID("cloud:" + string(d)) }

func key(id departure.SourceID, item string) string { return string(id) + "/" + item }

func itemOf(k string) string { return k[strings.IndexByte(k, '/')+1:] }

// Worker is the world as the engine's worker.
func (w *World) Worker() engine.Worker { return worker{w} }

type worker struct{ *World }

// begin is the start of a call: it may wait, fail or be that of a dead agent.
// The lock is held when it answers nil.
func (w *World) begin(ctx context.Context, name string) error {
	w.mu.Lock()
	w.Calls[name]++
	if gate := w.Block[name]; gate != nil {
		w.mu.Unlock()
		select {
		case w.Entered <- name:
		default:
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
		w.mu.Lock()
	}
	err := w.Broken[name]
	if w.Dead {
		err = ErrCrash
	}
	if err != nil {
		w.mu.Unlock()
	}
	return err
}

func (w *World) alive() error {
	if w.Dead {
		return ErrCrash
	}
	return nil
}

func (w worker) Accounts(ctx context.Context) ([]departure.Account, error) {
	if err := w.begin(ctx, "Accounts"); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	if !w.SignedIn() {
		return nil, nil
	}
	return []departure.Account{Me}, nil
}

func (w *World) listing(s departure.Source, items map[string]int) departure.Listing {
	l := departure.Listing{Source: s, Complete: true, EndedAt: w.now(), Items: int64(len(items)), Bytes: 10 * int64(len(items)), Keys: departure.DigestOf(items)}
	var failed []string
	for item, rev := range items {
		switch {
		case w.Ledger[key(s.ID, item)] == rev:
			l.Covered++
		case w.Fails[item]:
			l.Failed++
			failed = append(failed, item)
		}
	}
	slices.Sort(failed)
	l.Failures = departure.DigestOf(failed)
	if s.Remote {
		l.OnlyCloud, l.OnlyCloudBytes = l.Items, l.Bytes
	}
	return l
}

// remote is the listing of a dataset at the server, or why there is none.
func (w *World) remote(d departure.Dataset) departure.Listing {
	s := departure.Source{ID: CloudID(d), Dataset: d, Fate: departure.Lost, Remote: true, OfAccount: true, Name: string(d) + " at the server"}
	switch {
	case !w.ServerUp:
		return departure.Listing{Source: s, Why: departure.Reason{Code: "unreachable", Text: "the server cannot be reached"}}
	case !w.Credential:
		return departure.Listing{Source: s, Why: departure.Reason{Code: "no-credential", Text: "the password is not known any more"}}
	case w.Deleted == "unauthorized":
		return departure.Listing{Source: s, Why: departure.Reason{Code: "unauthorized", Text: "the server does not accept the password"}}
	case w.Deleted == "empty":
		return w.listing(s, nil)
	}
	return w.listing(s, w.Cloud[d])
}

func (w *World) sources(job engine.Job) []departure.Listing {
	var ls []departure.Listing
	for _, d := range job.Datasets {
		if !job.Departure.Account.Declared {
			ls = append(ls, w.remote(d))
		}
	}
	if w.SignedIn() {
		s := departure.Source{ID: BookID, Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Name: "address book"}
		ls = append(ls, w.listing(s, w.Book))
	} else if len(w.Trash) > 0 {
		s := departure.Source{ID: TrashID, Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true, Trash: true, TrashOf: BookID, Name: "trash"}
		ls = append(ls, w.listing(s, w.Trash))
	}
	for _, g := range job.Given {
		s := departure.Source{ID: g.ID, Dataset: g.Dataset, Fate: departure.Lost, Given: true, Name: g.Path}
		ls = append(ls, w.listing(s, w.Folder))
	}
	return ls
}

// unseen is why the device may have sources that nobody finds.
func (w *World) unseen() departure.Reason {
	if w.Unseen == "" {
		return departure.Reason{}
	}
	return departure.Reason{Code: "unseen", Text: w.Unseen}
}

func (w worker) Look(ctx context.Context, job engine.Job, report engine.Report) (departure.Look, error) {
	if err := w.begin(ctx, "Look"); err != nil {
		return departure.Look{}, err
	}
	defer w.mu.Unlock()
	report(engine.Progress{Step: departure.StepInventory, Items: 1})
	look := departure.Look{At: w.now(), Complete: w.Unseen == "", Why: w.unseen(), Listings: w.sources(job), Copy: w.copyFacts(job), Kept: w.kept(), Others: slices.Clone(w.Others)}
	w.meddled("after listing")
	for _, id := range slices.Sorted(maps.Keys(w.Bindings)) {
		look.Bindings = append(look.Bindings, w.binding(id))
	}
	look.EndedAt = w.now()
	return look, nil
}

func (w *World) binding(id string) departure.Binding {
	b := departure.Binding{ID: id, Kind: "goa", Name: "alice", State: departure.BindingGone}
	if w.Bindings[id] {
		b.State = departure.BindingPresent
		if w.Locked {
			b.Blocked = &departure.Remedy{Code: "unlock", Text: "unlock the keyring", Command: "clearance leave alice@cloud"}
			b.Why = departure.Reason{Code: "locked", Text: "the keyring is locked"}
		}
	}
	return b
}

// kept is what would leave the device and what of it is in books of its own.
func (w *World) kept() departure.Kept {
	need := map[string]bool{}
	if w.SignedIn() {
		for item := range w.Book {
			need[item] = true
		}
	}
	for k := range w.Ledger {
		if strings.HasPrefix(k, string(BookID)+"/") {
			need[itemOf(k)] = true
		}
	}
	k := departure.Kept{Known: true, Needed: int64(len(need))}
	for item := range need {
		if _, here := w.Own[item]; here {
			k.Present++
		}
	}
	return k
}

func (w *World) copyFacts(job engine.Job) departure.Copy {
	c := departure.Copy{Place: departure.PlaceUnset, Ledger: departure.DigestOf(w.Ledger), Items: int64(len(w.Ledger))}
	if job.Destination.Folder == "" {
		return c
	}
	c.Place, c.Shown, c.Free, c.Disk, c.Present = departure.PlaceApart, job.Destination.Folder, 1<<30, "disk-1", w.Plugged
	if w.SameDisk {
		c.Place = departure.PlaceSameDisk
	}
	if len(w.Ledger) > 0 || len(w.Disk) > 0 {
		c.BagID = "bag-1"
	}
	if !w.Plugged {
		return c
	}
	c.OldestRead = w.now()
	for k, rev := range w.Ledger {
		if w.Read[k] != rev {
			c.Unread++
			continue
		}
		if w.Disk[k] != rev {
			c.Differs++
		}
		if at := w.ReadAt[k]; at.Before(c.OldestRead) {
			c.OldestRead = at
		}
	}
	c.Stats = departure.DigestOf(w.Disk)
	return c
}

func (w *World) result() engine.CopyResult {
	return engine.CopyResult{Ledger: departure.DigestOf(w.Ledger), BagID: "bag-1", Disk: "disk-1", Done: int64(len(w.Ledger))}
}

var errAway = errors.New("the disk is away")

func (w worker) Backup(ctx context.Context, job engine.Job, report engine.Report) (engine.CopyResult, error) {
	if err := w.begin(ctx, "Backup"); err != nil {
		return engine.CopyResult{}, err
	}
	defer w.mu.Unlock()
	if !w.Plugged {
		return engine.CopyResult{}, errAway
	}
	report(engine.Progress{Step: departure.StepBackup, Items: 1, Total: 2})
	if w.SignedIn() {
		w.copyAll(BookID, w.Book)
	} else {
		w.copyAll(TrashID, w.Trash)
	}
	for _, d := range job.Datasets {
		if w.remote(d).Complete && w.Deleted == "" {
			w.copyAll(CloudID(d), w.Cloud[d])
		}
	}
	for _, g := range job.Given {
		w.copyAll(g.ID, w.Folder)
	}
	return w.result(), nil
}

func (w *World) copyAll(id departure.SourceID, items map[string]int) {
	for item, rev := range items {
		if k := key(id, item); w.Ledger[k] != rev && !w.Fails[item] {
			w.Ledger[k], w.Disk[k] = rev, rev
			delete(w.Read, k)
		}
	}
}

func (w worker) Verify(ctx context.Context, _ engine.Job, before time.Time, report engine.Report) (engine.CopyResult, error) {
	if err := w.begin(ctx, "Verify"); err != nil {
		return engine.CopyResult{}, err
	}
	defer w.mu.Unlock()
	if !w.Plugged {
		return engine.CopyResult{}, errAway
	}
	report(engine.Progress{Step: departure.StepVerify, Items: 1, Total: 2})
	for k, rev := range w.Ledger {
		if w.Read[k] == rev && w.Disk[k] == rev && w.ReadAt[k].After(before) {
			continue
		}
		if w.Disk[k] == rev {
			w.Read[k], w.ReadAt[k] = rev, w.now()
			continue
		}
		delete(w.Ledger, k) // damaged: it is missing again, and copied anew
	}
	return w.result(), nil
}

func (w worker) Keep(ctx context.Context, _ engine.Job, _ engine.Report) (engine.CopyResult, error) {
	if err := w.begin(ctx, "Keep"); err != nil {
		return engine.CopyResult{}, err
	}
	defer w.mu.Unlock()
	for k, rev := range w.Ledger {
		if strings.HasPrefix(k, string(BookID)+"/") {
			w.Own[itemOf(k)] = rev
		}
	}
	return engine.CopyResult{}, nil
}

func (w worker) Seal(ctx context.Context, job engine.Job, _ engine.Report) (engine.SealResult, error) {
	if err := w.begin(ctx, "Seal"); err != nil {
		return engine.SealResult{}, err
	}
	defer w.mu.Unlock()
	w.meddled("before seal")
	res := engine.SealResult{At: w.now(), End: w.now(), Missing: w.unseen()}
	for _, l := range w.sources(job) {
		res.Rows = append(res.Rows, departure.SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: w.now(), Intact: l.Complete && l.Missing() == 0, Why: l.Why})
	}
	w.meddled("after seal")
	return res, nil
}

func (w worker) Sweep(ctx context.Context, job engine.Job) ([]engine.Moved, error) {
	if err := w.begin(ctx, "Sweep"); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var moved []engine.Moved
	for _, l := range w.sources(job) {
		if !job.Departure.Required(l.Source) {
			continue
		}
		i := slices.IndexFunc(job.Sealed, func(r departure.SealRow) bool { return r.Source.ID == l.Source.ID })
		if i < 0 || !l.Complete || l.Keys != job.Sealed[i].Keys {
			moved = append(moved, engine.Moved{Source: l.Source.ID, Why: l.Why})
		}
	}
	if w.Unseen != "" {
		moved = append(moved, engine.Moved{Why: w.unseen()})
	}
	return moved, nil
}

func (w worker) Unbind(ctx context.Context, _ engine.Job, id string) error {
	if err := w.begin(ctx, "Unbind"); err != nil {
		return err
	}
	defer w.mu.Unlock()
	w.meddled("before unbind")
	if err := w.alive(); err != nil {
		return err
	}
	if !w.Bindings[id] {
		return errors.New("it is not there")
	}
	w.Unbinds++
	w.Bindings[id] = false
	w.Touch("")
	w.meddled("after unbind")
	return w.alive()
}

func (w worker) Watch(ctx context.Context, _ engine.Job, changed func(departure.SourceID)) error {
	if err := w.begin(ctx, "Watch"); err != nil {
		return err
	}
	defer w.mu.Unlock()
	w.changed = changed
	return nil
}

// Fence: the device's changes were told at once; the server is listed again.
func (w worker) Fence(ctx context.Context, job engine.Job, look departure.Look) error {
	if err := w.begin(ctx, "Fence"); err != nil {
		return err
	}
	defer w.mu.Unlock()
	w.meddled("before fence")
	for _, l := range w.sources(job) {
		for _, old := range look.Listings {
			if old.Source.ID == l.Source.ID && (old.Complete != l.Complete || old.Keys != l.Keys) {
				w.Touch(l.Source.ID)
			}
		}
	}
	return w.alive()
}

func (w worker) InspectDestination(ctx context.Context, _ engine.Job, folder string) (departure.Copy, engine.Destination, error) {
	if err := w.begin(ctx, "InspectDestination"); err != nil {
		return departure.Copy{}, engine.Destination{}, err
	}
	defer w.mu.Unlock()
	if folder == "/dev/shm" {
		return departure.Copy{Place: departure.PlaceRefused, PlaceWhy: departure.Reason{Code: "tmpfs", Text: "it is gone when the device is switched off"}}, engine.Destination{}, nil
	}
	return departure.Copy{Place: departure.PlaceApart, Present: w.Plugged, Free: 1 << 30}, engine.Destination{Folder: folder, Disk: "disk-1"}, nil
}

func (w worker) InspectSource(ctx context.Context, d departure.Dataset, path string) (engine.GivenSource, error) {
	if err := w.begin(ctx, "InspectSource"); err != nil {
		return engine.GivenSource{}, err
	}
	defer w.mu.Unlock()
	return engine.GivenSource{ID: GivenID, Dataset: d, Path: path}, nil
}

func (w worker) Credential(ctx context.Context, _ engine.Job, password string) error {
	if err := w.begin(ctx, "Credential"); err != nil {
		return err
	}
	defer w.mu.Unlock()
	if password != w.Proof {
		return &engine.BlockedError{Why: departure.Reason{Code: "unauthorized", Text: "the server does not accept that password"},
			Remedy: departure.Remedy{Code: "password", Text: "enter the account's password once more", Command: "clearance leave alice@cloud"}}
	}
	w.World.Credential = true
	return nil
}

func (w worker) Items(ctx context.Context, _ engine.Job, f engine.ItemFilter) (engine.ItemPage, error) {
	if err := w.begin(ctx, "Items"); err != nil {
		return engine.ItemPage{}, err
	}
	defer w.mu.Unlock()
	var page engine.ItemPage
	for _, k := range slices.Sorted(maps.Keys(w.Ledger)) {
		if k <= f.Cursor || f.Failed || f.Missing {
			continue
		}
		if f.Limit > 0 && len(page.Items) == f.Limit {
			page.Next = page.Items[len(page.Items)-1].Name
			break
		}
		page.Items = append(page.Items, engine.Item{Name: k})
	}
	return page, nil
}
