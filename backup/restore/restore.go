package restore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/source"
)

// Options of a run. The zero value is usable.
type Options struct {
	DryRun bool
	// Ledger is the list kept outside the copy, where this device has it: it says
	// which version of an item is meant, and what must be there. What it does not
	// have is held against the copy's manifest, and counted as unproven. nil:
	// everything is.
	Ledger *ledger.Ledger
	// Witness says that the ledger is of another copy of the same items: it vouches
	// for what it has, and says nothing of what else must be there.
	Witness  bool
	Now      func() time.Time // nil: the system's clock
	Progress func(Progress)   // called one at a time; may be nil
}

// Run restores what is selected of a bag. The error is nil for [Complete] and
// [Partial]; for [Stopped] it is a *PlaceError, *NoRoomError, *LockedError,
// *TargetError, the bag's or ctx's. The report is valid in every case. Doing it
// again adds nothing, and goes on where it was stopped.
func Run(ctx context.Context, from *bag.Reader, to Target, sel Selection, o Options) (Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	r := &run{from: from, to: to, sel: sel, opts: o, sets: map[source.Dataset]*Tally{}}
	r.report = Report{DryRun: o.DryRun, BagID: from.ID(), Began: o.Now(), Unreadable: from.Unreadable(), TargetWas: to.Path()}
	r.report.Lists, r.report.ListsWhy = from.Lists()
	err := r.all(ctx)
	return r.finish(err)
}

type run struct {
	from    *bag.Reader
	to      Target
	sel     Selection
	opts    Options
	chooser *chooser

	mu     sync.Mutex
	report Report
	sets   map[source.Dataset]*Tally
	at     Progress
	done   int
	gone   int // items drawn in the last pass over them
	err    error
}

func (r *run) all(ctx context.Context) (err error) {
	if err := Apart(r.from.Path(), r.to.Path()); err != nil {
		return err
	}
	if r.chooser, err = newChooser(ctx, r.from, r.sel, r.opts); err != nil {
		return err
	}
	r.report.Proof = r.chooser.plain
	if r.opts.Ledger != nil {
		r.report.Proof = ByLedger
	}
	if !r.sel.AllVersions {
		r.report.Newer = r.chooser.newer()
	}
	r.at.Total, r.at.TotalBytes = r.chooser.count, r.chooser.bytes
	r.opts.Progress(r.at)
	err = r.to.Write(ctx, Batch{
		Items: r.items(ctx), Count: r.chooser.count, Bytes: r.chooser.bytes, DryRun: r.opts.DryRun, Done: r.note,
	})
	if err = errors.Join(err, r.err); err != nil {
		return err
	}
	if r.done != r.gone {
		return fmt.Errorf("cannot tell what became of %d items", r.gone-r.done)
	}
	return r.addAbsent()
}

// Apart refuses a target in the copy, by whatever path or mount it is reached: a
// *PlaceError. One around the copy is fine, for nothing in it is changed. The
// target need not exist; "" is none.
func Apart(bagPath, target string) error {
	if target == "" {
		return nil
	}
	a, err := place.Look(bagPath)
	if err != nil {
		return err
	}
	b, err := place.Look(target)
	if err != nil {
		return &PlaceError{target, err.Error()}
	}
	if place.Inside(&b, &a) {
		return &PlaceError{target, "it lies in the copy itself, where nothing may be written"}
	}
	return nil
}

// items are those that are meant, those among them that must be looked into
// judged by what they hold. Each pass counts anew what it leaves out.
func (r *run) items(ctx context.Context) iter.Seq[*Item] {
	return func(yield func(*Item) bool) {
		r.begin()
		for it, err := range r.chooser.items(ctx) {
			if err != nil {
				r.err = err
				return
			}
			if !r.meant(ctx, it) {
				continue
			}
			r.gone++
			if !yield(it) {
				return
			}
		}
	}
}

func (r *run) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone, r.done, r.err = 0, 0, nil
	clear(r.sets)
	r.report.Placed, r.report.Failures, r.report.Bytes = nil, nil, 0
	r.at.Done, r.at.Bytes = 0, 0
}

func (r *run) tally(set source.Dataset) *Tally {
	if !slices.Contains(Datasets, set) {
		set = ""
	}
	if r.sets[set] == nil {
		r.sets[set] = &Tally{}
	}
	return r.sets[set]
}

// meant reports whether the target takes an item that is selected by what it
// holds too. One that cannot be read is meant: it fails by name.
func (r *run) meant(ctx context.Context, it *Item) bool {
	var raw []byte
	if r.sel.looksInside(it.Dataset) {
		var err error
		if raw, err = it.Bytes(ctx, maxLookedInto); err != nil {
			raw = nil
		}
		if e, ok := errors.AsType[*ItemError](err); ok && e.Reason != TooLarge {
			r.count(it)
			return true
		}
	}
	if r.sel.Search != "" && !r.sel.holds(it, raw) {
		return false
	}
	meant, known := true, true
	switch {
	case !r.sel.dated():
	case it.Dataset == source.Photos:
		meant, known = r.sel.taken(ctx, it)
	default:
		t := timeOf(it, raw)
		meant, known = t.known() && r.sel.within(t), t.known()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !known {
		r.tally(it.Dataset).Undated++
	}
	if !meant {
		return false
	}
	if !r.to.Takes(it) {
		r.tally(it.Dataset).LeftOut++
		return false
	}
	r.selected(it)
	return true
}

// maxLookedInto bounds an item that is read to tell whether it is meant, bytes.
const maxLookedInto = source.MaxVCard

func (r *run) count(it *Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.selected(it)
}

func (r *run) selected(it *Item) {
	t := r.tally(it.Dataset)
	t.Selected++
	t.Bytes = sum(t.Bytes, it.Size)
	if it.Proof != ByLedger {
		t.Unproven++
	}
}

// note takes what became of an item.
func (r *run) note(it *Item, res Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	t := r.tally(it.Dataset)
	switch res.State {
	case Already:
		t.Already++
	case Written, Beside:
		t.Written++
		if res.State == Beside {
			t.Beside++
		}
		r.report.Bytes = sum(r.report.Bytes, it.Size)
		if len(r.report.Placed) < MaxNamed {
			r.report.Placed = append(r.report.Placed, Placed{it.Key, it.Title(), res.Where, res.State == Beside, it.Size, it.Proof})
		}
	default:
		r.fail(it.Key, it.Title(), it.Path, res.Err)
	}
	r.at.Done++
	r.at.Bytes = sum(r.at.Bytes, it.Size)
	r.opts.Progress(r.at)
}

func (r *run) fail(k source.Key, title, path string, err error) {
	r.tally(k.Dataset).Failed++
	f := Failure{Key: k, Title: title, Path: path, Reason: Refused}
	if e, ok := errors.AsType[*ItemError](err); ok {
		f.Reason, err = e.Reason, e.Err
	}
	if err != nil {
		f.Detail = strings.ToValidUTF8(err.Error(), "\ufffd")
	}
	if len(r.report.Failures) < MaxNamed {
		r.report.Failures = append(r.report.Failures, f)
	}
}

// addAbsent counts what the ledger has and the copy does not list: failures,
// unless the ledger is another copy's.
func (r *run) addAbsent() error {
	for it, err := range r.chooser.absent() {
		if err != nil {
			return err
		}
		if !r.to.Takes(it) {
			continue
		}
		if it.bad.Reason == Missing {
			r.report.Unlisted++
		}
		if r.opts.Witness {
			continue
		}
		r.selected(it)
		r.fail(it.Key, it.Title(), it.Path, it.bad)
	}
	return nil
}

func (r *run) finish(err error) (Report, error) {
	out := &r.report
	out.Ended = r.opts.Now()
	out.Sets = map[source.Dataset]Tally{}
	asked := 0 // left out although it was asked for by name
	for _, set := range slices.Sorted(maps.Keys(r.sets)) {
		t := *r.sets[set]
		out.Sets[set] = t
		out.All.add(t)
		if slices.Contains(r.sel.Datasets, set) {
			asked += t.LeftOut
		}
	}
	switch {
	case err != nil:
		out.Outcome = Stopped
		return *out, err
	case out.All.Failed > 0 || asked > 0 || out.Newer > 0 || out.Lists != bag.ListsWhole || out.Unreadable > 0:
		out.Outcome = Partial
	default:
		out.Outcome = Complete
	}
	return *out, nil
}

func (t *Tally) add(o Tally) {
	t.Selected += o.Selected
	t.Bytes = sum(t.Bytes, o.Bytes)
	t.Written += o.Written
	t.Already += o.Already
	t.Beside += o.Beside
	t.Failed += o.Failed
	t.LeftOut += o.LeftOut
	t.Undated += o.Undated
	t.Unproven += o.Unproven
}
