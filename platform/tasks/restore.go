package tasks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

var _ engine.Restorer = (*Worker)(nil)

// Restore brings items of a copy back, foretells that, or drills it. The copy is
// opened for reading alone.
func (w *Worker) Restore(ctx context.Context, task engine.RestoreTask, report engine.Report) (out engine.RestoreReport, err error) {
	from, l, err := w.openCopy(ctx, &task)
	if err != nil {
		return out, restoreRefusal(err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if task.Drill {
		out, err = w.drill(ctx, from, l, &task, report)
		return out, restoreRefusal(err)
	}
	to, name, done, err := w.target(ctx, from, &task)
	if err != nil {
		return out, restoreRefusal(err)
	}
	defer done()
	r, err := restore.Run(ctx, from, to, selection(&task), restore.Options{
		DryRun: task.DryRun, Ledger: l, Now: w.cfg.Clock.Now, Progress: progress(report),
	})
	if err != nil {
		return out, restoreRefusal(err)
	}
	return restored(from, name, &r), nil
}

func progress(report engine.Report) func(restore.Progress) {
	return func(p restore.Progress) {
		report(engine.Progress{Step: engine.StepRestore, Items: int64(p.Done), Total: int64(p.Total), Bytes: p.Bytes, TotalBytes: p.TotalBytes})
	}
}

func selection(task *engine.RestoreTask) restore.Selection {
	s := restore.Selection{
		Books: task.Books, Since: task.Since, Until: task.Until, Search: task.Search, AllVersions: task.AllVersions, AsOf: task.AsOf,
	}
	for _, d := range task.Datasets {
		s.Datasets = append(s.Datasets, source.Dataset(d))
	}
	return s
}

// openCopy opens the copy that is meant, and this agent's own list of it where
// there is one.
func (w *Worker) openCopy(ctx context.Context, task *engine.RestoreTask) (*bag.Reader, *ledger.Ledger, error) {
	at, err := w.findCopy(task)
	if err != nil {
		return nil, nil, err
	}
	from, err := bag.OpenReader(ctx, at, bag.Options{Now: w.cfg.Clock.Now})
	if err != nil {
		return nil, nil, err
	}
	l, err := w.listOf(from, task.Known)
	if err != nil {
		return nil, nil, errors.Join(err, from.Close())
	}
	return from, l, nil
}

// findCopy is where the copy lies that is meant.
func (w *Worker) findCopy(task *engine.RestoreTask) (string, error) {
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
	p, err := w.locate(job)
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

// bagID is the form of an id that may name a folder of ours: the copy may be
// anybody's.
var bagID = regexp.MustCompile(`^clearance:[0-9a-f]{32}$`)

// listOf is this agent's own list of a copy, nil where it has none.
func (w *Worker) listOf(from *bag.Reader, known []engine.KnownCopy) (*ledger.Ledger, error) {
	if !bagID.MatchString(from.ID()) {
		return nil, nil
	}
	key := from.ID()
	for _, k := range known {
		if bagOf(k.Destination.BagID) == from.ID() && strings.HasPrefix(from.Path(), k.Destination.Folder) {
			key = k.Destination.BagID
		}
	}
	if _, err := os.Stat(w.copyDir(key)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return w.openLedger(key)
}

// target is where the request wants things to go, and what a person calls it.
// done gives it back.
func (w *Worker) target(ctx context.Context, from *bag.Reader, task *engine.RestoreTask) (to restore.Target, name string, done func(), err error) {
	none := func() {}
	switch task.To.Kind {
	case engine.ToFolder:
		to, err = restore.NewFolder(task.To.Path, restore.FolderOptions{})
		if err == nil {
			err = w.notSynced(task)
		}
		return to, task.To.Path, none, err
	case engine.ToFile:
		to, err = restore.NewFile(task.To.Path, restore.FolderOptions{})
		if err == nil {
			err = w.notSynced(task)
		}
		return to, task.To.Path, none, err
	case engine.ToBooks:
		ok, err := w.eds.Installed(ctx)
		if err != nil {
			return nil, "", none, &restore.TargetError{Err: err}
		}
		if !ok {
			return nil, "", none, &engine.BlockedError{
				Why:    departure.Reason{Code: "no-books", Text: "this device keeps no address books and calendars that can be written (evolution-data-server is not installed)"},
				Remedy: departure.Remedy{Code: "file", Text: "restore to a file and import that", Command: "clearance restore --to contacts.vcf"},
			}
		}
		return &books{eds: w.eds, name: "Restored from " + filepath.Base(from.Path())}, "this device's address book, calendar, tasks and notes", none, nil
	case engine.ToCardDAV:
		return w.server(ctx, task)
	}
	return nil, "", none, &engine.RefusedError{Code: "invalid", Text: "say where to restore to"}
}

// notSynced refuses a place that is kept in step with a cloud, unless it was
// said: what is restored there goes back up, and goes with the account.
func (w *Worker) notSynced(task *engine.RestoreTask) error {
	if task.To.Synced {
		return nil
	}
	folders, err := syncFolders(w.cfg.ConfigHome)
	if err != nil {
		return &restore.PlaceError{Path: task.To.Path, Why: "it is not known which folders are kept in step with a cloud: " + err.Error()}
	}
	at, err := place.Look(task.To.Path)
	if err != nil {
		return &restore.PlaceError{Path: task.To.Path, Why: err.Error()}
	}
	for _, f := range folders {
		q, err := place.Look(f)
		if err == nil && q.Exists && place.Overlaps(&at, &q) {
			return &engine.BlockedError{
				Why:    departure.Reason{Code: "synced", Text: fmt.Sprintf("%s is kept in step with a cloud: what is restored there goes up to the account, and is deleted here when it is deleted there", f)},
				Remedy: departure.Remedy{Code: "elsewhere", Text: "choose a folder outside of it; or, if that is what you want, say so", Command: "clearance restore --synced"},
			}
		}
	}
	return nil
}

// restoreRefusal is an error of a restore as a person reads it.
func restoreRefusal(err error) error {
	var (
		room   *restore.NoRoomError
		locked *restore.LockedError
		where  *restore.PlaceError
		target *restore.TargetError
		none   *bag.NotABagError
		busy   *bag.BusyError
		disk   *bag.DestinationError
	)
	blocked := func(code, text, next, command string) error {
		return &engine.BlockedError{Why: departure.Reason{Code: code, Text: text}, Remedy: departure.Remedy{Code: code, Text: next, Command: command}}
	}
	switch {
	case errors.As(err, &room):
		return blocked("no-room", fmt.Sprintf("there is too little room at %s: %s are needed and %s are free. Nothing was written", room.Path, humanize.Bytes(uint64(room.Need)), humanize.Bytes(uint64(max(room.Free, 0)))),
			"restore to another disk, or less at once with --only, --since or --search", "clearance restore --dry-run")
	case errors.As(err, &locked):
		return &engine.RefusedError{Code: "busy", Text: "another restore is writing there: wait until it ends, or stop it"}
	case errors.As(err, &where):
		return &engine.RefusedError{Code: "invalid", Text: where.Error()}
	case errors.As(err, &none):
		return &engine.RefusedError{Code: "not-found", Text: none.Path + " is no copy of Clearance's"}
	case errors.As(err, &busy):
		return &engine.RefusedError{Code: "busy", Text: busy.Error()}
	case errors.As(err, &disk):
		return blocked("copy-unreadable", "the copy cannot be read: "+cause(disk.Err).Error(), "plug its disk in, or name its folder", "clearance restore --from FOLDER")
	case errors.As(err, &target):
		return blocked("target", "what is restored cannot be written there: "+cause(target.Err).Error()+". What was written stays, and doing it again goes on from there", "do it again, or restore to another place", "clearance restore")
	}
	return err
}
