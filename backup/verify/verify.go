package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Status is what reading an item back showed.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Damaged Status = "damaged" // the copy is not what was copied
	Missing Status = "missing" // the copy is not there
	Unknown Status = "unknown" // it could not be read, or not from the disk itself
)

// Options of a verification. The zero value is usable.
type Options struct {
	Workers int              // 0: by the machine
	Now     func() time.Time // nil: the system's clock
	// OnlyNew reads only what was not read back since it was written, was read
	// back longer than MaxAge ago or in the future, or has another stat since.
	OnlyNew bool
	MaxAge  time.Duration // 0: 24 h
	// Check looks into an item that is whole: content is its e.Size bytes, as
	// they were read back, and lent. An error makes the item malformed: that
	// damages nothing, and is listed in the ledger as [ledger.NotParsed]. Called
	// from several goroutines.
	Check    func(e *ledger.Entry, content io.ReaderAt) error
	Progress func(Progress) // called now and then, and at the end
}

// Progress is how far a verification is. It is called one at a time.
type Progress struct {
	Done  int   // items
	Total int   // items
	Bytes int64 // read back
}

// Problem is an item that is not ok, or is malformed.
type Problem struct {
	source.Key
	Path   string
	Status Status // OK for malformed items
	Err    error
}

// MaxProblems is how many problems of each sort a [Report] names; all are counted.
const MaxProblems = 10_000

// Report says how a verification ended.
type Report struct {
	At      ledger.Destination // where the copy was read
	Items   int                // entries of the ledger
	OK      int                // read back now, and right
	Direct  int                // of these, past the cache; the others after the cache had dropped them
	Skipped int                // read back before, with [Options.OnlyNew]
	Damaged int
	Missing int
	Unknown int
	Bytes   int64 // read back, and right

	Problems  []Problem // damaged, missing, unknown
	Malformed int       // whole, but not what its kind should be
	Odd       []Problem // the malformed ones
	Began     time.Time
	Ended     time.Time
}

// Whole reports whether every item is ok.
func (r *Report) Whole() bool { return r.Damaged+r.Missing+r.Unknown == 0 && r.OK+r.Skipped == r.Items }

func (r *Report) reading() ledger.Reading {
	return ledger.Reading{
		At: r.At, Began: r.Began, Ended: r.Ended, Items: int64(r.OK), Bytes: r.Bytes,
		Direct: int64(r.Direct), Dropped: int64(r.OK - r.Direct), Stood: int64(r.Skipped),
		Wrong: int64(r.Damaged + r.Missing + r.Unknown),
	}
}

// Run reads the items of the ledger back from the bag. It records in the ledger
// what was right, and how the reading ended. The error is of the ledger, of ctx,
// or that it cannot be told where the bag lies; the report then holds what was
// done until there.
func Run(ctx context.Context, b *bag.Bag, l *ledger.Ledger, o Options) (Report, error) {
	o.fill()
	v := &verifier{bag: b, ledger: l, opts: o, report: Report{Began: o.Now()}, total: l.Len()}
	err := v.begin()
	if err == nil {
		err = v.run(ctx)
	}
	v.report.Ended = o.Now()
	if err == nil {
		err = l.ReadEnd(v.report.reading())
	}
	if serr := l.Sync(); err == nil {
		err = serr
	}
	if err != nil {
		return v.report, fmt.Errorf("cannot read the copy back: %w", err)
	}
	return v.report, nil
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 24 * time.Hour
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
}

type verifier struct {
	bag    *bag.Bag
	ledger *ledger.Ledger
	opts   Options
	total  int

	mu     sync.Mutex
	report Report
	told   Progress // the last
	failed error
}

// begin notes in the ledger where the copy is read.
func (v *verifier) begin() (err error) {
	if v.report.At, err = where(v.bag); err != nil {
		return err
	}
	return v.ledger.ReadFrom(v.report.At)
}

func (v *verifier) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	small, large := make(chan []ledger.Entry, 16), make(chan []ledger.Entry, 16)
	var wg sync.WaitGroup
	crew := func(n int, jobs <-chan []ledger.Entry) {
		if v.opts.Workers > 0 {
			n = v.opts.Workers
		}
		for range n {
			wg.Go(func() { v.work(ctx, cancel, jobs) })
		}
	}
	crew(min(64, max(16, 8*runtime.GOMAXPROCS(0))), small)
	crew(min(8, max(4, 2*runtime.GOMAXPROCS(0))), large)
	err := v.feed(ctx, small, large)
	close(small)
	close(large)
	wg.Wait()
	v.tell(true)
	switch {
	case v.failed != nil:
		return v.failed
	case err == nil: // everything was handed out, and perhaps not read
		err = ctx.Err()
	}
	return err
}

// work reads items until there are no more, or one of the workers fails.
func (v *verifier) work(ctx context.Context, cancel func(), jobs <-chan []ledger.Entry) {
	c := &cold{root: v.bag.Root(), look: v.opts.Check}
	defer c.end()
	for batch := range jobs {
		if ctx.Err() != nil {
			continue
		}
		if err := v.several(ctx, c, batch); err != nil {
			v.mu.Lock()
			v.failed = err
			v.mu.Unlock()
			cancel()
		}
	}
}

// several verifies the items of a batch. The error is the ledger's.
func (v *verifier) several(ctx context.Context, c *cold, batch []ledger.Entry) error {
	if v.opts.OnlyNew {
		batch = slices.DeleteFunc(batch, func(e ledger.Entry) bool {
			stands := v.stands(&e)
			if stands {
				v.count(&e, outcome{status: OK}, true)
			}
			return stands
		})
	}
	began := v.opts.Now()
	return c.readAll(ctx, batch, func(e *ledger.Entry, out outcome) error {
		return v.settle(e, began, out)
	})
}

// settle lists what came of reading an item.
func (v *verifier) settle(e *ledger.Entry, began time.Time, out outcome) error {
	if out.status == OK {
		if err := v.found(e, &out); err != nil {
			return err
		}
	}
	if out.status == OK {
		if err := v.ledger.Verified(e, began, out.stat); err != nil {
			return err
		}
	}
	v.count(e, out, false)
	return nil
}

// found lists what looking into an item found, or that it finds nothing any
// more. What cannot be listed leaves the item unknown.
func (v *verifier) found(e *ledger.Entry, out *outcome) error {
	if v.opts.Check == nil {
		return nil
	}
	f, listed := v.ledger.Failure(&e.Key)
	listed = listed && f.Reason == ledger.NotParsed
	switch {
	case out.odd == nil && listed:
		return v.ledger.ClearFailure(&e.Key)
	case out.odd == nil || listed && f.Detail == out.odd.Error():
		return nil
	}
	err := v.ledger.Fail(&ledger.Failure{
		Key: e.Key, Name: e.ID, Reason: ledger.NotParsed, Detail: out.odd.Error(), At: v.opts.Now(),
	})
	if errors.Is(err, ledger.ErrFull) {
		*out = unknown(fmt.Errorf("%w; of this one: %w", err, out.odd))
		return nil
	}
	return err
}

// stands reports whether an earlier verification of e still holds.
func (v *verifier) stands(e *ledger.Entry) bool {
	if e.VerifiedAt.IsZero() {
		return false
	}
	if age := v.opts.Now().Sub(e.VerifiedAt); age < 0 || age > v.opts.MaxAge {
		return false
	}
	st, err := v.bag.Root().Lstat(e.Path)
	return err == nil && st.Mode.IsRegular() && unchanged(st, e.Stat)
}

func (v *verifier) count(e *ledger.Entry, out outcome, skipped bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := &v.report
	r.Items++
	switch {
	case skipped:
		r.Skipped++
	case out.status == OK:
		r.OK++
		r.Bytes += e.Size
		if out.direct {
			r.Direct++
		}
	case out.status == Damaged:
		r.Damaged++
	case out.status == Missing:
		r.Missing++
	default:
		r.Unknown++
	}
	if out.status != OK && len(r.Problems) < MaxProblems {
		r.Problems = append(r.Problems, Problem{Key: e.Key, Path: e.Path, Status: out.status, Err: out.why})
	}
	if out.status == OK && out.odd != nil {
		r.Malformed++
		if len(r.Odd) < MaxProblems {
			r.Odd = append(r.Odd, Problem{Key: e.Key, Path: e.Path, Status: OK, Err: out.odd})
		}
	}
	v.tell(false)
}

// tell reports progress where there is enough to tell of.
func (v *verifier) tell(end bool) {
	now := Progress{Done: v.report.Items, Total: v.total, Bytes: v.report.Bytes}
	if end && now != v.told || now.Done-v.told.Done >= 256 || now.Bytes-v.told.Bytes >= 8<<20 {
		v.told = now
		v.opts.Progress(now)
	}
}

// sameKnown compares st with what the last verification took; of an item that
// was never read back only the size is known.
func sameKnown(st disk.Stat, e *ledger.Entry) bool {
	if !st.Mode.IsRegular() || st.Size != e.Size {
		return false
	}
	return e.VerifiedAt.IsZero() || unchanged(st, e.Stat)
}

// unchanged reports whether a file with stat a can be the one that had b. The
// number of their device is left out: a disk gets another wherever it is plugged
// in, and that it is the same disk is told by its name ([ledger.Ledger.ReadFrom]).
func unchanged(a, b disk.Stat) bool {
	b.Dev = a.Dev
	return a.Same(b)
}
