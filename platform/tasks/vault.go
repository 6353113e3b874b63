package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/verify"
)

// ledgerOf is the ledger of the departure's copy, nil while there is none.
func (w *Worker) ledgerOf(job engine.Job) (*ledger.Ledger, error) {
	if job.Destination.BagID == "" {
		return nil, nil
	}
	return w.openLedger(job.Destination.BagID)
}

func (w *Worker) openLedger(id string) (*ledger.Ledger, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l, ok := w.ledgers[id]; ok {
		return l, nil
	}
	dir := filepath.Join(w.cfg.State, "bags", filepath.Base(id))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot open the list of what was copied: %w", err)
	}
	l, err := ledger.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the list of what was copied: %w", err)
	}
	w.ledgers[id] = l
	return l, nil
}

// dropLedger closes a ledger after an error, so that it is opened anew.
func (w *Worker) dropLedger(id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, ok := w.ledgers[id]
	if !ok {
		return nil
	}
	delete(w.ledgers, id)
	return l.Close()
}

// maxCopies bounds the folders of one name that are looked through for a copy.
const maxCopies = 100

// openBag opens the departure's copy, recognised by its id. With make it is
// born where there is none yet.
func (w *Worker) openBag(job engine.Job, birth bool) (*bag.Bag, error) {
	base := bag.Name(job.Departure.Account.Identity, w.cfg.User, w.cfg.Device)
	o := bag.Options{Now: w.cfg.Clock.Now}
	for n := 1; n <= maxCopies; n++ {
		name := base
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		at := filepath.Join(job.Destination.Folder, name)
		if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
			if !birth || job.Destination.BagID != "" {
				return nil, &awayError{at}
			}
			return bag.Create(job.Destination.Folder, name, o)
		}
		b, err := bag.Open(at, o)
		var foreign *bag.NotABagError
		if errors.As(err, &foreign) {
			continue // somebody's folder of that name
		}
		if err != nil {
			return nil, err
		}
		if job.Destination.BagID == b.ID() || (job.Destination.BagID == "" && birth && w.hasLedger(b.ID())) {
			return b, nil
		}
		if err := b.Close(); err != nil {
			return nil, err
		}
	}
	return nil, &awayError{base}
}

// hasLedger reports whether a copy found at a destination is one of ours, from
// an earlier departure: it is gone on with.
func (w *Worker) hasLedger(id string) bool {
	_, err := os.Stat(filepath.Join(w.cfg.State, "bags", filepath.Base(id)))
	return err == nil
}

// awayError says that the copy is not where it was.
type awayError struct{ at string }

func (e *awayError) Error() string {
	return "your copy is not at " + e.at + ": the disk may not be plugged in, or the folder was moved"
}

// copyFacts is what is known of the copy at its destination.
func (w *Worker) copyFacts(ctx context.Context, s *survey, l *ledger.Ledger, need int64) departure.Copy {
	job := s.job
	c := departure.Copy{Place: departure.PlaceUnset, Need: need, BagID: job.Destination.BagID}
	if job.Destination.Folder == "" {
		return c
	}
	c = w.judgePlace(s, job.Destination.Folder)
	c.Need, c.BagID = need, job.Destination.BagID
	if job.Destination.Disk != "" && c.Disk != job.Destination.Disk {
		// An empty mount point is not the disk, and what it is does not matter.
		c.Present, c.Place = false, ""
		c.PlaceWhy = departure.Reason{Code: "other-disk", Text: "another disk is at " + job.Destination.Folder + " than the one your copy is on"}
		return c
	}
	if l == nil || job.Destination.BagID == "" {
		return c
	}
	b, err := w.openBag(job, false)
	if err != nil {
		c.Present = false
		c.PlaceWhy = departure.Reason{Code: "copy-away", Text: err.Error()}
		var trouble *bag.DestinationError
		if errors.As(err, &trouble) {
			c.PlaceWhy = troubleReason(trouble)
			if trouble.Trouble == bag.ReadOnly {
				c.Place = departure.PlaceRefused
			}
		}
		return c
	}
	if err := w.copyStats(ctx, b, l, &c); err != nil {
		c.Present = false
		c.PlaceWhy = departure.Reason{Code: "copy-unreadable", Text: "your copy could not be looked at: " + err.Error()}
	}
	if err := b.Close(); err != nil {
		c.Present = false
		c.PlaceWhy = departure.Reason{Code: "copy-unreadable", Text: "your copy could not be looked at: " + err.Error()}
	}
	return c
}

func (w *Worker) copyStats(ctx context.Context, b *bag.Bag, l *ledger.Ledger, c *departure.Copy) error {
	st, err := verify.CopyStats(ctx, b, l)
	if err != nil {
		return err
	}
	digest, err := l.Digest()
	if err != nil {
		return err
	}
	c.Shown = b.Path()
	c.Ledger, c.Stats = departure.Digest(digest), departure.Digest(st.Digest)
	c.Items, c.Unread = int64(st.Items), int64(st.Unverified)
	c.Differs = int64(st.Differ + st.Missing + st.Unknown)
	c.OldestRead = w.now()
	for e, err := range l.All() {
		if err != nil {
			return err
		}
		c.Bytes += e.Size
		if e.VerifiedAt.Before(c.OldestRead) {
			c.OldestRead = e.VerifiedAt
		}
	}
	return nil
}

// judgePlace says whether a copy in a folder would lie apart from what
// disappears.
func (w *Worker) judgePlace(s *survey, folder string) departure.Copy {
	c := departure.Copy{Shown: folder}
	refuse := func(code, text string) departure.Copy {
		c.Place, c.PlaceWhy = departure.PlaceRefused, departure.Reason{Code: code, Text: text}
		return c
	}
	p, err := place.Look(folder)
	if err != nil {
		c.PlaceWhy = departure.Reason{Code: "place", Text: folder + " could not be looked at: " + err.Error()}
		return c
	}
	c.Disk, c.Free, c.Present = p.FSID, p.FreeBytes, p.Exists && p.Folder
	switch {
	case p.Exists && !p.Folder:
		return refuse("not-a-folder", folder+" is not a folder")
	case !p.Exists:
		c.PlaceWhy = departure.Reason{Code: "copy-away", Text: folder + " is not there"}
		return c
	case p.Memory():
		return refuse("memory", folder+" is in memory: it is gone when this device is switched off")
	case p.Fronted():
		return refuse("fronted", folder+" is served by a program ("+p.FSType+"): what it says is written may never have left this device")
	case p.ReadOnly || !p.Writable:
		return refuse("read-only", folder+" cannot be written to")
	}
	if why := s.overlaps(&p); why != "" {
		return refuse("inside", why)
	}
	c.Place = departure.PlaceApart
	if home, err := place.Look(w.cfg.Home); err != nil || home.Dev == p.Dev || (home.FSID != "" && home.FSID == p.FSID) {
		c.Place = departure.PlaceSameDisk
	}
	return c
}

// InspectDestination opens a folder as a place for the copy.
func (w *Worker) InspectDestination(ctx context.Context, job engine.Job, folder string) (c departure.Copy, d engine.Destination, err error) {
	if !filepath.IsAbs(folder) {
		return c, d, &engine.RefusedError{Code: "invalid", Text: "give the whole path of the folder, from / on"}
	}
	s, err := w.survey(ctx, job)
	if err != nil {
		return c, d, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	folder = filepath.Clean(folder)
	c = w.judgePlace(s, folder)
	return c, engine.Destination{Folder: folder, Disk: c.Disk}, nil
}

// readAge is the age from which an item is read back again.
func (w *Worker) readAge(before time.Time) time.Duration {
	return max(w.now().Sub(before), time.Nanosecond)
}
