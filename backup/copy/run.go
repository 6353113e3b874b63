package copy

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	batchItems = 2048
	batchBytes = 256 << 20
	batchTime  = time.Second

	// Reading waits for the source and writing for the disk, however few cores
	// there are: a fast disk takes a quarter more from eight writers than from four.
	// Beyond eight, slow ones only seek more.
	usualWorkers = 8
)

// Run copies what the ledger does not hold. The error is nil for [Complete] and
// [Partial]; for [Stopped] it is a [*bag.DestinationError], the ledger's or
// ctx's. The report is valid in every case.
func Run(ctx context.Context, b *bag.Bag, l *ledger.Ledger, items iter.Seq2[source.Item, error], o Options) (Report, error) {
	o.fill()
	defer disk.Waits()()
	r := &run{bag: b, ledger: l, opts: o, began: o.Now(), seen: l.NewSeen(), refs: map[source.Ref]bool{}}
	r.report.Began, r.report.Recovered = r.began, b.Recovered()
	for _, ref := range o.Sources {
		r.refs[ref] = true
	}
	err := r.all(ctx, items)
	if r.rest != nil {
		r.rest()
	}
	r.report.Ended = o.Now()
	switch {
	case err != nil:
		r.report.Outcome = Stopped
		return r.report, fmt.Errorf("cannot finish the copy: %w", err)
	case r.report.Failed > 0 || len(r.report.Incomplete) > 0:
		r.report.Outcome = Partial
	default:
		r.report.Outcome = Complete
	}
	return r.report, nil
}

func (o *Options) fill() {
	if o.Workers <= 0 {
		o.Workers = usualWorkers
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patience <= 0 {
		o.Patience = patience
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
}

type run struct {
	bag    *bag.Bag
	ledger *ledger.Ledger
	opts   Options
	began  time.Time
	seen   *ledger.Seen
	refs   map[source.Ref]bool // sources that the listing shows

	silence silence
	// rest ends collectOften, where there is so much that it began. It goes on until
	// the lists are folded: what the listing held is garbage then, and nobody comes.
	rest func()

	mu      sync.Mutex // over report, between the listing and the committing side
	report  Report
	telling sync.Mutex // one progress at a time, none before an older one
}

func (r *run) all(ctx context.Context, items iter.Seq2[source.Item, error]) error {
	if err := r.resume(); err != nil {
		return err
	}
	var err error
	if r.report.Mended, err = Mend(r.bag, r.ledger); err != nil {
		return err
	}
	if !r.opts.TrustCopies {
		if err := r.heal(ctx); err != nil {
			return err
		}
	}
	if err := r.copy(ctx, items); err != nil {
		return err
	}
	if err := r.closeFailures(); err != nil {
		return err
	}
	if err := r.countMissing(); err != nil {
		return err
	}
	if err := r.ledger.Sync(); err != nil {
		return err
	}
	if r.opts.KeepJournal {
		return nil
	}
	return Fold(r.bag, r.ledger)
}

// Fold brings the bag's own lists up to date, with the failures that hold.
func Fold(b *bag.Bag, l *ledger.Ledger) error {
	list, _ := l.Failures()
	return b.Fold(func(yield func(bag.Failure) bool) {
		for _, f := range list {
			if !yield(bag.Failure{Key: f.Key, Name: f.Name, Reason: string(f.Reason), Detail: f.Detail, At: f.At}) {
				return
			}
		}
	})
}

// job is an item to read.
type job struct {
	item  source.Item
	state ledger.State
}

// done is an item that was read and staged, or failed.
type done struct {
	add     bag.Addition
	failure *ledger.Failure
	fatal   error
}

// copy runs listing, reading and committing side by side.
func (r *run) copy(ctx context.Context, items iter.Seq2[source.Item, error]) error {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs, results := make(chan job, 4*r.opts.Workers), make(chan done, batchItems/2)
	var readers sync.WaitGroup
	for range r.opts.Workers {
		readers.Go(func() { r.reader(work, jobs, results) })
	}
	committed := make(chan error, 1)
	go func() {
		err := r.commitAll(results)
		if err != nil {
			cancel(err)
			for d := range results { // let the readers end
				discard(&d)
			}
		}
		committed <- err
	}()
	lerr := r.list(work, items, jobs)
	close(jobs)
	readers.Wait()
	close(results)
	if err := <-committed; err != nil {
		return err
	}
	if lerr != nil && work.Err() == nil {
		return lerr
	}
	return context.Cause(work)
}

func discard(d *done) {
	if d.add.Staged != nil {
		_ = d.add.Staged.Discard() // the next opening of the bag empties the folder anyway
	}
}

// list hands on what must be read.
func (r *run) list(ctx context.Context, items iter.Seq2[source.Item, error], jobs chan<- job) error {
	n := 0
	for it, err := range items {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && unlistable(&it) {
			err = &source.Failed{Item: it, Reason: source.TooLarge, Err: errUnlistable}
		}
		if err != nil {
			if err := r.listingError(err); err != nil {
				return err
			}
			continue
		}
		r.refs[it.Ref] = true
		state := r.seen.State(&it.Key, it.Rev)
		r.mu.Lock()
		r.report.Listed++
		if state == ledger.Held && !it.Unsettled {
			r.report.Unchanged++
		}
		r.mu.Unlock()
		if n++; n%4096 == 0 {
			r.progress()
		}
		if state == ledger.Held && !it.Unsettled {
			continue
		}
		select {
		case jobs <- job{item: it, state: state}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *run) listingError(err error) error {
	if f, ok := errors.AsType[*source.Failed](err); ok {
		r.refs[f.Item.Ref] = true
		r.seen.State(&f.Item.Key, f.Item.Rev)
		r.mu.Lock()
		r.report.Listed++
		r.mu.Unlock()
		return r.failed(r.failure(&f.Item, f.Reason, f.Err))
	}
	in, ok := errors.AsType[*source.Incomplete](err)
	if !ok {
		in = &source.Incomplete{Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.report.Incomplete) < MaxNamed {
		r.report.Incomplete = append(r.report.Incomplete, in)
	}
	return nil
}

func (r *run) failure(it *source.Item, why source.Reason, err error) *ledger.Failure {
	f := failureOf(it, why, err, r.opts.Now())
	return &f
}

func (r *run) failed(f *ledger.Failure) error {
	if err := r.ledger.Fail(f); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Failed++
	if len(r.report.Failures) < MaxNamed {
		r.report.Failures = append(r.report.Failures, *f)
	}
	return nil
}

var buffers = sync.Pool{New: func() any { b := disk.Buffer(bufferSize); return &b }}

func (r *run) reader(ctx context.Context, jobs <-chan job, results chan<- done) {
	w := newWorker()
	defer func() { w.rest() }()
	for j := range jobs {
		if ctx.Err() != nil {
			continue
		}
		if r.silence.reigns(&j.item) {
			results <- done{failure: r.failure(&j.item, source.Unreadable, errNoAnswer)}
			continue
		}
		d, ended := patiently(ctx, r.opts.Patience, w, func() done { return r.stage(ctx, &j, w) }, func(d done) { discard(&d) })
		switch {
		case ended:
		case ctx.Err() != nil:
			d, w = done{fatal: ctx.Err()}, newWorker()
		default:
			r.silence.add(&j.item)
			d, w = done{failure: r.failure(&j.item, source.Unreadable, noAnswer(r.opts.Patience))}, newWorker()
		}
		results <- d
	}
}

// stage reads one item into the bag's temporary folder.
func (r *run) stage(ctx context.Context, j *job, w *worker) done {
	it := &j.item
	s, err := r.bag.Stage(it.Size)
	if err == nil {
		var got reading
		if got, err = read(ctx, it, s, w, r.opts.Now); err == nil {
			err = s.Finish(got.modTime)
		}
		if err == nil {
			return done{add: bag.Addition{Item: it, Rev: got.rev, Unsettled: got.unsettled, Staged: s}}
		}
		if derr := s.Discard(); derr != nil && errors.As(err, new(*itemError)) {
			return done{fatal: derr}
		}
	}
	if ctx.Err() != nil { // the run ends: nothing is wrong with the item
		return done{fatal: ctx.Err()}
	}
	if ie, ok := errors.AsType[*itemError](err); ok {
		return done{failure: r.failure(it, ie.reason, ie.err)}
	}
	if tl, ok := errors.AsType[*bag.TooLargeError](err); ok {
		return done{failure: r.failure(it, source.TooLarge, tl)}
	}
	return done{fatal: err}
}

func (r *run) progress() {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	p := Progress{
		Listed: r.report.Listed, Unchanged: r.report.Unchanged, Copied: r.report.Copied,
		Failed: r.report.Failed, Bytes: r.report.Bytes,
	}
	r.mu.Unlock()
	r.opts.Progress(p)
}

// complete reports whether the listing of a source was whole.
func (r *run) complete(ref source.Ref) bool {
	return r.refs[ref] && !slices.ContainsFunc(r.report.Incomplete, func(in *source.Incomplete) bool {
		return in.Ref == ref || in.Ref == source.Ref{}
	})
}

// closeFailures drops failures of before that this run did not see again.
func (r *run) closeFailures() error {
	list, _ := r.ledger.Failures()
	for i := range list {
		f := &list[i]
		if r.opts.Keeps != nil && r.opts.Keeps(f) {
			continue
		}
		if f.At.Before(r.began) && r.complete(f.Ref) {
			if err := r.ledger.ClearFailure(&f.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) countMissing() error {
	for e, err := range r.seen.Unseen() {
		if err != nil {
			return err
		}
		if r.complete(e.Ref) && e.FirstSeen.Before(r.began) {
			r.report.Missing++
		}
	}
	return nil
}
