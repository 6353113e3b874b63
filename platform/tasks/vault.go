package tasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	dir := w.copyDir(id)
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

// copyFacts is what is known of the copy at its destination.
func (w *Worker) copyFacts(ctx context.Context, s *survey, l *ledger.Ledger, need int64) departure.Copy {
	job := s.job
	c := departure.Copy{Place: departure.PlaceUnset, Need: need, BagID: job.Destination.BagID}
	if job.Destination.Folder == "" {
		return c
	}
	p, err := w.locate(ctx, job)
	if err != nil {
		// What is there instead, an empty mount point perhaps, does not matter.
		c.Place, c.Shown, c.DiskName, c.Disk = "", job.Destination.Folder, job.Destination.Label, job.Destination.Disk
		c.PlaceWhy = placeReason(err)
		return c
	}
	c = w.judgePlace(ctx, s, &p)
	c.Need, c.BagID = need, job.Destination.BagID
	if c.Disk != job.Destination.Disk && p.Is(job.Destination.Disk) != place.Other {
		c.Disk = job.Destination.Disk // told in another way today
	}
	if l == nil || job.Destination.BagID == "" || !c.Present {
		return c
	}
	b, err := w.openBag(job, false)
	if err == nil {
		err = errors.Join(w.copyStats(ctx, b, l, &c), b.Close())
	}
	if err != nil {
		c.Present, c.PlaceWhy = false, placeReason(err)
		var trouble *bag.DestinationError
		if errors.As(err, &trouble) {
			c.PlaceWhy = troubleReason(trouble, job.Destination)
			if trouble.Trouble == bag.ReadOnly {
				c.Place = departure.PlaceRefused
			}
		}
		var clone *cloneError
		var twin *twinError
		if errors.As(err, &clone) || errors.As(err, &twin) {
			c.Place = ""
		}
	}
	return c
}

// placeReason says to a person why the copy cannot be looked at.
func placeReason(err error) departure.Reason {
	var away *awayError
	var twin *twinError
	var clone *cloneError
	switch {
	case errors.As(err, &away):
		return departure.Reason{Code: away.code, Text: away.text}
	case errors.As(err, &twin):
		return departure.Reason{Code: "two-disks", Text: twin.Error() + ". Unplug the one that is not your copy's"}
	case errors.As(err, &clone):
		return departure.Reason{Code: "older-double", Text: clone.Error()}
	}
	return departure.Reason{Code: "copy-unreadable", Text: "your copy could not be looked at: " + err.Error()}
}

func (w *Worker) copyStats(ctx context.Context, b *held, l *ledger.Ledger, c *departure.Copy) error {
	st, err := verify.CopyStats(ctx, b.Bag, l)
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
	c.Bytes, c.OldestRead, c.LatestRead = st.Bytes, st.Oldest, st.Latest
	c.ReadBack = readBack(l.LastReading())
	elsewhere := b.state.elsewhere(deviceOf(&b.place))
	for e, err := range l.All() {
		if err != nil {
			return err
		}
		if !e.VerifiedAt.IsZero() && (elsewhere || e.VerifiedAt.Before(b.state.Since)) {
			c.Unread++ // read back, but on another device
		}
	}
	c.Unread = min(c.Unread, c.Items)
	return nil
}

func readBack(r ledger.Reading) departure.ReadBack {
	return departure.ReadBack{
		Began: r.Began, Ended: r.Ended, Items: r.Items, Bytes: r.Bytes, Direct: r.Direct, Dropped: r.Dropped,
		Stood: r.Stood, Wrong: r.Wrong, Disk: r.At.Disk, BagID: r.At.Bag,
	}
}

// judgePlace says whether a copy in a folder would lie apart from what
// disappears.
func (w *Worker) judgePlace(ctx context.Context, s *survey, p *place.Place) departure.Copy {
	folder := p.Path
	c := departure.Copy{Shown: folder, DiskName: p.Called(), Lacks: lacks(p)}
	refuse := func(code, text string) departure.Copy {
		c.Place, c.PlaceWhy = departure.PlaceRefused, departure.Reason{Code: code, Text: text}
		return c
	}
	c.Disk, c.Free, c.Present = p.Disk(), p.FreeBytes, p.Exists && p.Folder && !p.Unplugged()
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
	if why := s.overlaps(ctx, p); why != "" {
		return refuse("inside", why)
	}
	c.Place = departure.PlaceApart
	if home, err := w.lookAt(ctx, w.cfg.Dirs.Home); err != nil || home.Dev == p.Dev || (home.FSID != "" && home.FSID == p.FSID) || home.Disk() == p.Disk() {
		c.Place, c.DiskName = departure.PlaceSameDisk, ""
	}
	return c
}

// lacks says what the disk of a place cannot keep of a file.
func lacks(p *place.Place) string {
	var said []string
	for _, l := range p.Lacks() {
		said = append(said, l.Sentence())
	}
	return strings.Join(said, "; ")
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
	p, err := w.lookAt(ctx, folder)
	if err != nil {
		return departure.Copy{Shown: folder, PlaceWhy: departure.Reason{Code: "place", Text: folder + " could not be looked at: " + err.Error()}}, d, nil
	}
	c = w.judgePlace(ctx, s, &p)
	return c, engine.Destination{Folder: folder, Disk: c.Disk, Within: p.Within(), Label: c.DiskName}, nil
}

// readAge is the age from which an item is read back again.
func (w *Worker) readAge(before time.Time) time.Duration {
	return max(w.now().Sub(before), time.Nanosecond)
}
