package copy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"iter"
	"sync"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Rehashed says how the sources' bytes compare with the ledger.
type Rehashed struct {
	Items int
	Same  int
	Bytes int64 // read

	Differ     int // the bytes at the source are not those that were copied, or it was never copied
	DifferKeys []source.Key
	Failed     int // could not be read
	Failures   []ledger.Failure
	Incomplete []*source.Incomplete
}

// Whole reports whether every byte of every item is the one that was copied.
func (r *Rehashed) Whole() bool { return r.Same == r.Items && len(r.Incomplete) == 0 }

// Rehash reads every byte at the sources again and compares it with the ledger,
// trusting no stamp: a write through a memory map changes content and no stamp.
// The items that differ are marked, so that the next [Run] reads them again. The
// error is the ledger's or ctx's.
func Rehash(ctx context.Context, l *ledger.Ledger, items iter.Seq2[source.Item, error], o Options) (Rehashed, error) {
	o.fill()
	h := &rehash{ledger: l, opts: o}
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan source.Item, 4*o.Workers)
	var wg sync.WaitGroup
	for range o.Workers {
		wg.Go(func() {
			w := newWorker()
			defer func() { w.rest() }()
			for it := range jobs {
				if work.Err() != nil {
					continue
				}
				var err error
				if w, err = h.one(work, &it, w); err != nil {
					cancel(err)
				}
			}
		})
	}
	h.list(work, items, jobs)
	close(jobs)
	wg.Wait()
	if err := context.Cause(work); err != nil {
		return h.report, fmt.Errorf("cannot read the sources again: %w", err)
	}
	return h.report, nil
}

type rehash struct {
	ledger  *ledger.Ledger
	opts    Options
	silence silence
	mu      sync.Mutex
	report  Rehashed
}

func (h *rehash) list(ctx context.Context, items iter.Seq2[source.Item, error], jobs chan<- source.Item) {
	for it, err := range items {
		if err != nil {
			h.listingError(err)
			continue
		}
		select {
		case jobs <- it:
		case <-ctx.Done():
			return
		}
	}
}

func (h *rehash) listingError(err error) {
	if f, ok := errors.AsType[*source.Failed](err); ok {
		h.failed(&f.Item, f.Reason, f.Err)
		return
	}
	in, ok := errors.AsType[*source.Incomplete](err)
	if !ok {
		in = &source.Incomplete{Err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Incomplete = append(h.report.Incomplete, in)
}

func (h *rehash) failed(it *source.Item, why source.Reason, err error) {
	f := failureOf(it, why, err, h.opts.Now())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Items++
	h.report.Failed++
	if len(h.report.Failures) < MaxNamed {
		h.report.Failures = append(h.report.Failures, f)
	}
}

// summing is a sink that only sums.
type summing struct{ hash.Hash }

func (s summing) Restart() error { s.Reset(); return nil }

// summed is an item that was read again.
type summed struct {
	reading
	sum [32]byte
	err error
}

// one reads an item with w, and gives the worker for the next.
func (h *rehash) one(ctx context.Context, it *source.Item, w *worker) (*worker, error) {
	if h.silence.reigns(it) {
		h.failed(it, source.Unreadable, errNoAnswer)
		return w, nil
	}
	got, ended := patiently(ctx, h.opts.Patience, w, func() summed {
		sum := summing{sha256.New()}
		r, err := read(ctx, it, sum, w, h.opts.Now)
		return summed{r, [32]byte(sum.Sum(nil)), err}
	}, func(summed) {})
	if !ended {
		h.silence.add(it)
		got.err, w = noAnswer(h.opts.Patience), newWorker()
	}
	if ctx.Err() != nil {
		return w, nil
	}
	if got.err != nil {
		ie, ok := errors.AsType[*itemError](got.err)
		if !ok {
			return w, got.err
		}
		h.failed(it, ie.reason, ie.err)
		return w, nil
	}
	return w, h.compare(it, &got)
}

func (h *rehash) compare(it *source.Item, got *summed) error {
	e, held, err := h.ledger.Get(&it.Key)
	if err != nil {
		return err
	}
	same := held && e.Size == got.size && e.SHA256 == got.sum
	h.count(it, got.size, same)
	if same || !held {
		return nil
	}
	return h.ledger.Distrust(&it.Key)
}

func (h *rehash) count(it *source.Item, size int64, same bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.report.Items++
	h.report.Bytes += size
	if same {
		h.report.Same++
		return
	}
	h.report.Differ++
	if len(h.report.DifferKeys) < MaxNamed {
		h.report.DifferKeys = append(h.report.DifferKeys, it.Key)
	}
}
