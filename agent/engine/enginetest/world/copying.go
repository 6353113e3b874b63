package world

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

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
	c.OldestRead, c.LatestRead = w.now(), w.now()
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
