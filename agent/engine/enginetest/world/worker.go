package world

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// The ids of the sources of this device.
const (
	BookID  departure.SourceID = "book"
	TrashID departure.SourceID = "trash"
	GivenID departure.SourceID = "given"
)

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
	var bound []departure.Account
	if w.SignedIn() {
		bound = append(bound, Me)
	}
	if w.Unseen != "" {
		return bound, &engine.BlockedError{Why: w.unseen()}
	}
	return bound, nil
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
	if job.Glance && w.differs(job) {
		return departure.Look{}, engine.ErrDiffers
	}
	look := departure.Look{At: w.now(), Complete: w.Unseen == "", Why: w.unseen(), Listings: w.glanced(job, w.sources(job)), Copy: w.copyFacts(job), Kept: w.kept(), Others: slices.Clone(w.Others), Kinds: slices.Clone(w.Kinds)}
	w.meddled("after listing")
	for _, id := range slices.Sorted(maps.Keys(w.Bindings)) {
		look.Bindings = append(look.Bindings, w.binding(id))
	}
	look.EndedAt = w.now()
	return look, nil
}

// differs reports whether the server's marks show that something changed since it
// was last listed.
func (w *World) differs(job engine.Job) bool {
	return slices.ContainsFunc(w.sources(job), func(l departure.Listing) bool {
		last := w.listed[l.Source.ID]
		return l.Source.Remote && l.Complete && last.Complete && !w.Unmarked && l.Keys != last.Keys
	})
}

// glanced puts the listings of before in place of those at the server that a
// glance need not make anew. A server without a mark of the whole cannot tell
// that something changed.
func (w *World) glanced(job engine.Job, ls []departure.Listing) []departure.Listing {
	for i := range ls {
		l := &ls[i]
		if !l.Source.Remote || !l.Complete {
			continue
		}
		last, life := w.listed[l.Source.ID], departure.ListingLife
		if l.Unmarked = w.Unmarked; l.Unmarked {
			life = departure.ServerLife * 7 / 10
		}
		if !job.Glance || !last.Complete || w.now().After(last.EndedAt.Add(life)) || (!w.Unmarked && last.Keys != l.Keys) {
			w.listed[l.Source.ID] = *l
			w.Calls["List"]++
			continue
		}
		if *l = last; !w.Unmarked {
			l.SameAt = w.now()
		}
	}
	return ls
}

func (w *World) binding(id string) departure.Binding {
	b := departure.Binding{ID: id, Kind: "goa", Name: "alice", State: departure.BindingGone, Carries: id != ByHand}
	if w.Bindings[id] {
		b.State = departure.BindingPresent
		if id == ByHand {
			b.Guided, b.Blocked = true, &departure.Remedy{Code: "by-hand", Text: "forget the password there", Command: "clearance leave alice@cloud"}
			return b
		}
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
	if id == ByHand {
		w.Unbinds += 1000 // no grant is for what only the person can do
	}
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

func (w worker) InspectSource(ctx context.Context, d departure.Dataset, path string, _ []engine.GivenSource) (engine.GivenSource, error) {
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
