package copy

import (
	"context"
	"errors"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
)

// commitAll makes what was staged durable, in batches: first in the bag, then in
// the ledger. It ends when results does or at the first error that concerns more
// than an item. While a batch gets its names, which keeps a processor busy, the
// disk is waited for with the next.
func (r *run) commitAll(results <-chan done) error {
	secured, ended := make(chan []bag.Addition), make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = r.commitEach(secured)
	}()
	err := r.gather(results, secured, ended)
	close(secured)
	if <-ended; failed != nil {
		return failed
	}
	return err
}

// commitEach commits batches, and ends at the first error.
func (r *run) commitEach(batches <-chan []bag.Addition) error {
	for batch := range batches {
		if err := r.commit(batch); err != nil {
			return err
		}
		if r.rest == nil && r.ledger.Len() >= manyItems {
			r.rest = collectOften()
		}
	}
	return nil
}

// gather hands on what was staged in durable batches: full ones, and those that
// have waited for long enough; until nobody takes them any more.
func (r *run) gather(results <-chan done, secured chan<- []bag.Addition, ended <-chan struct{}) error {
	var batch []bag.Addition
	var bytes int64
	timer := time.NewTimer(batchTime)
	defer timer.Stop()
	flush := func() error {
		if err := r.bag.Secure(batch); err != nil {
			return err
		}
		if len(batch) > 0 {
			select {
			case secured <- batch:
			case <-ended:
			}
		}
		batch, bytes = nil, 0
		timer.Reset(batchTime)
		return nil
	}
	for {
		select {
		case d, open := <-results:
			if !open {
				return flush()
			}
			if d.fatal != nil {
				if errors.Is(d.fatal, context.Canceled) || errors.Is(d.fatal, context.DeadlineExceeded) {
					continue // what was staged before is kept; the run tells of ctx itself
				}
				return d.fatal
			}
			if d.failure != nil {
				if err := r.failed(d.failure); err != nil {
					return err
				}
				continue
			}
			batch = append(batch, d.add)
			bytes += d.add.Staged.Size()
			if len(batch) < batchItems && bytes < batchBytes {
				continue
			}
		case <-timer.C:
		case <-ended:
			return nil
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

// commit gives one batch its names and lists it.
func (r *run) commit(batch []bag.Addition) error {
	rest, listed, bytes := batch[:0], len(batch), int64(0)
	for i := range batch {
		a := &batch[i]
		bytes += a.Staged.Size()
		same, err := r.known(a)
		if err != nil {
			return err
		}
		if !same {
			rest = append(rest, *a)
		}
	}
	records, err := r.bag.Commit(rest)
	if err != nil {
		return err
	}
	now := r.opts.Now()
	for i := range records {
		if err := r.ledger.Put(entryOf(&records[i], now)); err != nil {
			return err
		}
	}
	if err := r.ledger.Sync(); err != nil {
		return err
	}
	r.mu.Lock()
	r.report.Copied += listed
	r.report.Bytes += bytes
	r.mu.Unlock()
	r.progress()
	return nil
}

// known looks the staged file up in the ledger. If the item itself is held with
// this content, only its revision is new: the copy stays what it is, and true
// is returned. If another item has the content, the addition is told where.
func (r *run) known(a *bag.Addition) (bool, error) {
	a.FirstSeen = r.opts.Now()
	old, ok, err := r.ledger.Get(&a.Item.Key)
	if err != nil {
		return false, err
	}
	sum, size := a.Staged.SHA256(), a.Staged.Size()
	if ok && old.SHA256 == sum && old.Size == size {
		a.FirstSeen = old.FirstSeen // the same version, whatever became of its copy
		if r.present(old.Path, size) {
			old.Rev, old.Unsettled = a.Rev, a.Unsettled
			if err := a.Staged.Discard(); err != nil {
				return false, err
			}
			return true, r.ledger.Put(&old)
		}
	}
	e, ok, err := r.ledger.ByContent(&sum)
	if err != nil {
		return false, err
	}
	if ok && e.Size == size {
		a.Have = e.Path
	}
	return false, nil
}

func (r *run) present(path string, size int64) bool {
	st, err := r.bag.Root().Lstat(path)
	return err == nil && st.Mode.IsRegular() && st.Size == size
}

func entryOf(rec *bag.Record, at time.Time) *ledger.Entry {
	return &ledger.Entry{
		Key: rec.Key, Rev: rec.Rev, Unsettled: rec.Unsettled, Size: rec.Size, SHA256: rec.SHA256,
		Path: rec.Path, FirstSeen: rec.FirstSeen, CopiedAt: at,
	}
}
