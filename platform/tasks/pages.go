package tasks

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/viewer"
)

// previewTime is how long one run makes previews of photos at most: the person
// waits for the copy, not for pictures of it. The next run goes on.
const (
	previewTime = 15 * time.Second
	noPreviews  = -1 // what was made before is shown
)

// beside writes what lies beside the copy for convenience: the files to import
// elsewhere, and the pages to look at. It says why something could not be
// written, "" if everything was: the copy is what it is either way.
func (w *Worker) beside(ctx context.Context, b *bag.Bag, l *ledger.Ledger, job engine.Job, wrong int, budget time.Duration) string {
	verified, err := readSoFar(l)
	verified.Wrong = wrong
	if err == nil {
		err = w.export(b)
	}
	_, perr := viewer.Write(ctx, b, viewer.Options{
		Now: w.cfg.Clock.Now, Account: cmp.Or(job.Departure.Account.Name, job.Departure.Account.Identity),
		Verified: verified, Budget: budget,
	})
	if err = errors.Join(err, perr); err != nil {
		return err.Error()
	}
	return ""
}

// readSoFar is what the ledger knows of the reading back.
func readSoFar(l *ledger.Ledger) (viewer.Verified, error) {
	var v viewer.Verified
	for e, err := range l.All() {
		if err != nil {
			return viewer.Verified{}, err
		}
		if e.VerifiedAt.IsZero() {
			v.Unread++
			continue
		}
		v.Items++
		if v.At.IsZero() || e.VerifiedAt.Before(v.At) {
			v.At = e.VerifiedAt
		}
	}
	return v, nil
}

// hasPages reports whether the copy can be looked at.
func hasPages(b *bag.Bag) bool {
	_, err := b.Root().Lstat("index.html")
	return !errors.Is(err, fs.ErrNotExist)
}
