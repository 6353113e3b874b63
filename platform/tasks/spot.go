package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/place"
)

// awayError says that the copy is not where it was.
type awayError struct {
	code, text string
}

func (e *awayError) Error() string { return e.text }

// twinError says that two disks cannot be told apart: one is a clone.
type twinError struct{ name, a, b string }

func (e *twinError) Error() string {
	return fmt.Sprintf("two disks are plugged in that both say they are %s, at %s and at %s: one was copied from the other whole, and it is not certain which your copy was read back from",
		e.name, e.a, e.b)
}

// diskName is what a person calls the disk of the copy.
func diskName(d engine.Destination) string {
	if d.Label != "" {
		return d.Label
	}
	return "the disk of your copy"
}

// locate finds the folder of the copy as it is now, wherever its disk is plugged
// in. What it gives exists. The disk is the one that was chosen, as far as its
// own name tells; which copy is on it is told by the bag.
func (w *Worker) locate(ctx context.Context, job engine.Job) (place.Place, error) {
	d := job.Destination
	here, herr := w.lookAt(ctx, d.Folder)
	if d.Disk == "" || (herr != nil && d.Within == "") {
		return here, herr // no disk is known by name yet
	}
	at := []place.Place{}
	if herr == nil && w.isSpot(job, &here) {
		at = append(at, here)
	}
	if d.Within != "" {
		found, err := asked(ctx, w, d.Disk, func() ([]place.Place, error) { return place.Find(d.Disk, d.Within) })
		if err != nil {
			return place.Place{}, err
		}
		for i := range found {
			if p := &found[i]; w.isSpot(job, p) && (len(at) == 0 || at[0].Dev != p.Dev) {
				at = append(at, *p)
			}
		}
	}
	switch len(at) {
	case 0:
		// What is left of a disk that was pulled out may answer with errors alone,
		// while it is plugged in elsewhere.
		if herr != nil {
			return place.Place{}, &awayError{"copy-unreadable", diskName(d) + " cannot be read: " + herr.Error()}
		}
		return place.Place{}, notThere(d, &here)
	case 1:
		return at[0], nil
	}
	return w.oneOf(job, at)
}

// isSpot reports whether a folder can be that of the copy: there, on a disk of
// the right name that is still plugged in.
func (w *Worker) isSpot(job engine.Job, p *place.Place) bool {
	if !p.Exists || p.Unplugged() || (job.Destination.Within != "" && p.Within() != job.Destination.Within) {
		return false
	}
	switch p.Is(job.Destination.Disk) {
	case place.Same:
		return true
	case place.Perhaps:
		return job.Destination.BagID != "" && w.holds(job, p)
	}
	return false
}

// oneOf chooses among several disks of one name: the one that holds the copy,
// if it is the only one.
func (w *Worker) oneOf(job engine.Job, at []place.Place) (place.Place, error) {
	if job.Destination.BagID == "" {
		return at[0], nil // nothing was written yet: the folder as it was chosen
	}
	var holding []place.Place
	for i := range at {
		if w.holds(job, &at[i]) {
			holding = append(holding, at[i])
		}
	}
	switch len(holding) {
	case 0:
		return at[0], nil
	case 1:
		return holding[0], nil
	}
	return place.Place{}, &twinError{diskName(job.Destination), holding[0].MountAt, holding[1].MountAt}
}

// notThere says why the copy is not where it was, by what is there instead.
func notThere(d engine.Destination, here *place.Place) error {
	name := diskName(d)
	switch {
	case here.Is(d.Disk) == place.Same && here.Unplugged():
		return &awayError{"unplugged", name + " was pulled out; what was copied stays and counts"}
	case here.Is(d.Disk) == place.Same:
		return &awayError{"copy-away", "the folder " + d.Folder + " is not there, on " + name}
	case here.Exists:
		return &awayError{"other-disk", name + " is not plugged in: what is at " + d.Folder + " now is another disk, or the empty folder beneath"}
	}
	return &awayError{"copy-away", name + " is not plugged in: " + d.Folder + " is not there"}
}

// holds reports whether a folder has the bag of the departure's copy, by its id
// alone: it is opened and recognised afterwards.
func (w *Worker) holds(job engine.Job, p *place.Place) bool {
	id := bagOf(job.Destination.BagID)
	for name := range w.names(job) {
		text, err := bagInfo(filepath.Join(p.Path, name), p.Dev)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err == nil && strings.Contains(text, id) {
			return true
		}
	}
	return false
}

// names are those that the copy's folder may have, in the order in which they
// were taken.
func (w *Worker) names(job engine.Job) func(func(string) bool) {
	base := bag.Name(job.Departure.Account.Identity, w.cfg.User, w.cfg.Device)
	return func(yield func(string) bool) {
		for n := 1; n <= maxCopies; n++ {
			name := base
			if n > 1 {
				name += "-" + strconv.Itoa(n)
			}
			if !yield(name) {
				return
			}
		}
	}
}

// bagInfo is the start of a bag's bag-info.txt; "" of a folder without one.
func bagInfo(at string, dev uint64) (text string, err error) {
	root, err := disk.OpenOn(at, dev)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f, err := root.Open("bag-info.txt")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return string(b), err
}

// held is the departure's copy, open, and its disk held: while it is, its device
// number is nobody else's.
type held struct {
	*bag.Bag
	key   string // names the copy: a job's BagID
	place place.Place
	mark  bag.Mark
	state copyState
	hold  *os.File
}

// Close gives the copy and its disk back.
func (h *held) Close() error {
	var err error
	if h.Bag != nil {
		err = h.Bag.Close()
	}
	return errors.Join(err, h.hold.Close())
}

// openBag opens the departure's copy, recognised by its disk, its id and the run
// that wrote it last. With birth it is born where there is none yet, and a copy
// of an earlier departure is gone on with.
func (w *Worker) openBag(job engine.Job, birth bool) (_ *held, err error) {
	p, err := w.locate(context.Background(), job)
	if err != nil {
		return nil, err
	}
	if !p.Exists {
		return nil, &awayError{"copy-away", job.Destination.Folder + " is not there"}
	}
	h := &held{}
	if h.hold, h.place, err = place.Hold(p.Path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.place.Dev != p.Dev {
		return nil, notThere(job.Destination, &h.place)
	}
	o := bag.Options{Now: w.cfg.Clock.Now, On: h.place.Dev}
	for name := range w.names(job) {
		at := filepath.Join(h.place.Path, name)
		if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
			if !birth || job.Destination.BagID != "" {
				return nil, &awayError{"copy-away", "your copy is not at " + at + " on " + diskName(job.Destination) + ": the folder was moved or removed"}
			}
			h.Bag, err = bag.Create(h.place.Path, name, o)
			if err != nil {
				return nil, err
			}
			h.key = h.Bag.ID()
			return h, nil
		}
		b, err := bag.Open(at, o)
		var foreign *bag.NotABagError
		if errors.As(err, &foreign) {
			continue // somebody's folder of that name
		}
		if err != nil {
			return nil, err
		}
		h.Bag = b
		if uuid, ok := strings.CutPrefix(job.Destination.Disk, "uuid:"); ok && h.place.UUID == "" {
			h.place.UUID = uuid // nobody tells it today, and the name that was known stays the better one
		}
		ours, err := w.recognise(job, h, birth)
		if err != nil || ours {
			return h, err
		}
		h.Bag = nil
		if err := b.Close(); err != nil {
			return nil, err
		}
	}
	return nil, &awayError{"copy-away", "your copy is not in " + h.place.Path + " on " + diskName(job.Destination) + ": it was moved or removed"}
}

// watchPlace calls changed whenever the disk of the copy comes or goes, until it
// is stopped.
func (w *Worker) watchPlace(job engine.Job, changed func(departure.SourceID)) (stop func()) {
	if job.Destination.Folder == "" {
		return func() {}
	}
	var mu sync.Mutex
	var was string
	mu.Lock() // what happens from the first hearing on is held against what is seen after it
	defer mu.Unlock()
	stop = w.mounts.Tell(func() {
		mu.Lock()
		defer mu.Unlock()
		if now := w.standing(job); now != was {
			was = now
			changed("")
		}
	})
	was = w.standing(job)
	return stop
}

// standing is where the copy is now, as one comparable text.
func (w *Worker) standing(job engine.Job) string {
	p, err := w.locate(context.Background(), job)
	if err != nil {
		return placeReason(err).Text
	}
	return fmt.Sprint(p.Path, p.Exists, p.MountID, p.Dev, p.ReadOnly, p.Unplugged())
}

// DisksChanged looks again where the disks of the copies are: one may have come
// or gone without being unmounted.
func (w *Worker) DisksChanged() { w.mounts.Changed() }
