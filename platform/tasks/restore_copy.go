package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
)

// vouched says what outside a copy speaks for what is in it.
type vouched string

const (
	byNothing vouched = ""        // this device has no list of it
	byItsOwn  vouched = "own"     // this device's list of this copy
	byPlace   vouched = "place"   // the list of the copy that this device made there: this one says that it is another
	byAnother vouched = "another" // the list of another copy, which holds some of the same items
)

// opened is a copy open for restoring.
type opened struct {
	*bag.Reader
	ledger  *ledger.Ledger // nil: byNothing
	vouched vouched
	lists   int // how many copies this device has lists of
}

// openCopy opens the copy that is meant, for reading alone, with the list of this
// device's that vouches for it. Whoever can write the copy can write another id
// into it: then it is held against the list of the copy that lay there, or of
// any that has something of it, before it counts as one that nothing vouches for.
func (w *Worker) openCopy(ctx context.Context, task *engine.RestoreTask) (*opened, error) {
	at, err := w.findCopy(ctx, task)
	if err != nil {
		return nil, err
	}
	from, err := bag.OpenReader(ctx, at, bag.Options{Now: w.cfg.Clock.Now})
	if err != nil {
		return nil, err
	}
	o := &opened{Reader: from}
	if err := w.vouch(ctx, o, task); err != nil {
		return nil, errors.Join(err, from.Close())
	}
	return o, nil
}

// vouch finds the list that speaks for a copy.
func (w *Worker) vouch(ctx context.Context, o *opened, task *engine.RestoreTask) (err error) {
	if key := w.listOf(o.Reader, task.Known); key != "" {
		o.vouched = byItsOwn
		o.ledger, err = w.openLedger(key)
		return err
	}
	keys, err := w.copiesKnown()
	if err != nil {
		return err
	}
	o.lists = len(keys)
	here := w.madeThere(o.Path(), task)
	for _, key := range slices.Concat(here, keys) {
		l, err := w.openLedger(key)
		if err != nil {
			return err
		}
		if some, err := knowsSome(ctx, l, o.Reader); err != nil {
			return err
		} else if !some {
			continue
		}
		o.ledger, o.vouched = l, byAnother
		if slices.Contains(here, key) {
			o.vouched = byPlace
		}
		return nil
	}
	if task.From != "" {
		return nil
	}
	return &engine.BlockedError{
		Why:    departure.Reason{Code: "other-copy", Text: o.Path() + " is not the copy that this device made there: it says that it is another one, and holds nothing of what was copied"},
		Remedy: departure.Remedy{Code: "from", Text: "find out who put it there. To restore from it all the same, name its folder", Command: "clearance restore --from FOLDER"},
	}
}

// bagID is the form of an id that may name a folder of ours: the copy may be
// anybody's.
var bagID = regexp.MustCompile(`^clearance:[0-9a-f]{32}$`)

// listOf is the name of this device's list of a copy, by the copy's own id; ""
// where there is none.
func (w *Worker) listOf(from *bag.Reader, known []engine.KnownCopy) string {
	if !bagID.MatchString(from.ID()) {
		return ""
	}
	key := from.ID()
	for _, k := range known {
		if bagOf(k.Destination.BagID) == from.ID() && strings.HasPrefix(from.Path(), k.Destination.Folder) {
			key = k.Destination.BagID
		}
	}
	if _, err := os.Stat(w.copyDir(key)); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return key
}

// madeThere are the names of the copies that this device made where this one
// lies, under a name that this one has, and that are not there beside it.
func (w *Worker) madeThere(at string, task *engine.RestoreTask) (keys []string) {
	p, err := place.Look(filepath.Dir(at))
	if err != nil {
		return nil
	}
	for _, k := range task.Known {
		d := k.Destination
		job := engine.Job{Departure: departure.Departure{Account: k.Account}, Destination: d}
		there := d.Within == "" && p.Path == d.Folder || d.Within != "" && p.Within() == d.Within
		if task.From == "" || there && p.Is(d.Disk) != place.Other && w.named(job, filepath.Base(at)) && !w.holds(job, &p) {
			keys = append(keys, d.BagID)
		}
	}
	return slices.DeleteFunc(keys, func(key string) bool {
		_, err := os.Stat(w.copyDir(key))
		return err != nil
	})
}

func (w *Worker) named(job engine.Job, name string) bool {
	for n := range w.names(job) {
		if n == name {
			return true
		}
	}
	return false
}

// knowsSome reports whether a list has anything of what a copy lists.
func knowsSome(ctx context.Context, l *ledger.Ledger, from *bag.Reader) (bool, error) {
	for r, err := range from.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		e, ok, err := l.Get(&r.Key)
		if err != nil {
			return false, err
		}
		if ok && e.SHA256 == r.SHA256 && e.Size == r.Size {
			return true, nil
		}
	}
	return false, nil
}

// findCopy is where the copy lies that is meant.
func (w *Worker) findCopy(ctx context.Context, task *engine.RestoreTask) (string, error) {
	if task.From != "" {
		return copyAt(task.From)
	}
	if len(task.Known) > 1 {
		var names []string
		for _, k := range task.Known {
			names = append(names, k.Account.Name+" in "+k.Destination.Folder)
		}
		return "", &engine.BlockedError{
			Why:    departure.Reason{Code: "which-copy", Text: fmt.Sprintf("there are %d copies: %s", len(names), strings.Join(names, "; "))},
			Remedy: departure.Remedy{Code: "from", Text: "say which one", Command: "clearance restore --from FOLDER"},
		}
	}
	k := task.Known[0]
	job := engine.Job{Departure: departure.Departure{Account: k.Account}, Destination: k.Destination}
	p, err := w.locate(ctx, job)
	if err != nil {
		return "", &engine.BlockedError{Why: placeReason(err), Remedy: departure.Remedy{Code: "plug-in", Text: "plug its disk in, or name the folder of the copy", Command: "clearance restore --from FOLDER"}}
	}
	for name := range w.names(job) {
		text, err := bagInfo(filepath.Join(p.Path, name), p.Dev)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err == nil && strings.Contains(text, bagOf(k.Destination.BagID)) {
			return filepath.Join(p.Path, name), nil
		}
	}
	return copyAt(p.Path)
}

// copyAt is the copy in a folder: the folder itself, or the only one that lies
// in it.
func copyAt(folder string) (string, error) {
	folder = filepath.Clean(folder)
	if isCopy(folder) {
		return folder, nil
	}
	list, err := os.ReadDir(folder)
	if err != nil {
		return "", &engine.RefusedError{Code: "not-found", Text: fmt.Sprintf("%s cannot be read as a folder: %v", folder, cause(err))}
	}
	var found []string
	for _, e := range list {
		if at := filepath.Join(folder, e.Name()); e.IsDir() && isCopy(at) {
			found = append(found, at)
		}
	}
	switch len(found) {
	case 0:
		return "", &engine.RefusedError{Code: "not-found", Text: fmt.Sprintf("there is no copy of Clearance's in %s: a copy is a folder with the files items.jsonl and manifest-sha256.txt in it", folder)}
	case 1:
		return found[0], nil
	}
	return "", &engine.RefusedError{Code: "invalid", Text: fmt.Sprintf("there are %d copies in %s: name one of them, such as %s", len(found), folder, found[0])}
}

func isCopy(folder string) bool {
	st, err := os.Lstat(filepath.Join(folder, "bag-info.txt"))
	return err == nil && st.Mode().IsRegular()
}

// cause is the bare error of a call to the system.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
