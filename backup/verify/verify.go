package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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
	// back longer than MaxAge ago, or has another stat since.
	OnlyNew bool
	MaxAge  time.Duration // 0: 24 h
	// Check looks at the content of an item that is whole: head is its first
	// bytes, all of them if len(head) is the item's size; it is only lent. An
	// error makes the item malformed, which damages nothing. Called from
	// several goroutines.
	Check    func(e *ledger.Entry, head []byte) error
	HeadSize int // bytes of head at most; 0: 4 MiB
	Progress func(Progress)
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
	Items   int // entries of the ledger
	OK      int // read back now, and right
	Skipped int // read back before, with [Options.OnlyNew]
	Damaged int
	Missing int
	Unknown int
	Bytes   int64 // read back

	Problems  []Problem // damaged, missing, unknown
	Malformed int       // whole, but not what its kind should be
	Odd       []Problem // the malformed ones
	Began     time.Time
	Ended     time.Time
}

// Whole reports whether every item is ok.
func (r *Report) Whole() bool { return r.Damaged+r.Missing+r.Unknown == 0 && r.OK+r.Skipped == r.Items }

// Run reads the items of the ledger back from the bag. It records in the ledger
// what was right. The error is of the ledger or of ctx; the report then holds
// what was done until there.
func Run(ctx context.Context, b *bag.Bag, l *ledger.Ledger, o Options) (Report, error) {
	o.fill()
	v := &verifier{bag: b, ledger: l, opts: o, report: Report{Began: o.Now()}, total: l.Len()}
	err := v.run(ctx)
	v.report.Ended = o.Now()
	if serr := l.Sync(); err == nil {
		err = serr
	}
	if err != nil {
		return v.report, fmt.Errorf("cannot read the copy back: %w", err)
	}
	return v.report, nil
}

func (o *Options) fill() {
	if o.Workers <= 0 {
		o.Workers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 24 * time.Hour
	}
	if o.HeadSize <= 0 {
		o.HeadSize = 4 << 20
	}
	if o.Check == nil {
		o.HeadSize = 0
	}
}

type verifier struct {
	bag    *bag.Bag
	ledger *ledger.Ledger
	opts   Options
	total  int

	mu     sync.Mutex
	report Report
	failed error
}

func (v *verifier) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan *ledger.Entry, 64)
	var wg sync.WaitGroup
	for range v.opts.Workers {
		wg.Go(func() {
			c := newCold(v.bag.Root(), v.opts.HeadSize)
			for e := range jobs {
				if ctx.Err() == nil && v.one(ctx, c, e) != nil {
					cancel()
				}
			}
		})
	}
	err := v.feed(ctx, jobs)
	close(jobs)
	wg.Wait()
	return errors.Join(v.failed, err)
}

func (v *verifier) feed(ctx context.Context, jobs chan<- *ledger.Entry) error {
	for e, err := range v.ledger.All() {
		if err != nil {
			return err
		}
		select {
		case jobs <- &e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// one verifies one item. The error is the ledger's.
func (v *verifier) one(ctx context.Context, c *cold, e *ledger.Entry) error {
	if v.opts.OnlyNew && v.stands(e) {
		v.count(e, outcome{status: OK}, nil, true)
		return nil
	}
	began := v.opts.Now()
	out := c.read(ctx, e)
	if ctx.Err() != nil {
		return nil
	}
	var odd error
	if out.status == OK {
		if err := v.ledger.Verified(e, began, out.stat); err != nil {
			v.mu.Lock()
			v.failed = err
			v.mu.Unlock()
			return err
		}
		if v.opts.Check != nil {
			odd = v.opts.Check(e, c.head)
		}
	}
	v.count(e, out, odd, false)
	return nil
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
	return err == nil && st.Mode.IsRegular() && st.Same(e.Stat)
}

func (v *verifier) count(e *ledger.Entry, out outcome, odd error, skipped bool) {
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
	if odd != nil {
		r.Malformed++
		if len(r.Odd) < MaxProblems {
			r.Odd = append(r.Odd, Problem{Key: e.Key, Path: e.Path, Status: OK, Err: odd})
		}
	}
	if v.opts.Progress != nil {
		v.opts.Progress(Progress{Done: r.Items, Total: v.total, Bytes: r.Bytes})
	}
}

// sameKnown compares st with what the last verification took; of an item that
// was never read back only the size is known.
func sameKnown(st disk.Stat, e *ledger.Entry) bool {
	if !st.Mode.IsRegular() || st.Size != e.Size {
		return false
	}
	return e.VerifiedAt.IsZero() || st.Same(e.Stat)
}
