package copy

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/verify"
)

// resume lists what a killed run put into the bag and did not list.
func (r *run) resume() error {
	for rec, err := range r.bag.Waiting() {
		if err != nil {
			return err
		}
		if s := r.ledger.State(&rec.Key, rec.Rev); s == ledger.Held || s == ledger.Unsettled {
			continue
		}
		old, ok, err := r.ledger.Get(&rec.Key)
		if err != nil {
			return err
		}
		if ok && old.SHA256 == rec.SHA256 && old.Path == rec.Path {
			continue
		}
		if err := r.ledger.Put(entryOf(&rec, r.began)); err != nil {
			return err
		}
		r.report.Resumed++
	}
	if r.report.Resumed == 0 {
		return nil
	}
	return r.ledger.Sync()
}

// heal finds copies that someone edited or took away, and takes them off the
// ledger, so that they are copied anew.
func (r *run) heal(ctx context.Context) error {
	var mu sync.Mutex
	var odd []verify.Look
	err := verify.Sweep(ctx, r.bag, r.ledger, func(batch []verify.Look) {
		for i := range batch {
			if k := &batch[i]; !k.Same {
				mu.Lock()
				odd = append(odd, *k)
				mu.Unlock()
			}
		}
	})
	if err != nil {
		return err
	}
	settled := map[string]bool{} // path → still whole
	for i := range odd {
		if err := r.healOne(&odd[i], settled); err != nil {
			return err
		}
	}
	return r.ledger.Sync()
}

func (r *run) healOne(k *verify.Look, settled map[string]bool) error {
	e := &k.Entry
	whole, known := settled[e.Path]
	if !known {
		gone := errors.Is(k.Err, fs.ErrNotExist)
		var err error
		if whole, err = r.bag.Heal(e.Path, e.SHA256, e.Size); err != nil {
			return err
		}
		settled[e.Path] = whole
		switch {
		case whole:
		case gone:
			r.report.Removed++
		default:
			r.report.Edited++
		}
	}
	if whole {
		return nil
	}
	return r.ledger.Forget(&e.Key)
}
