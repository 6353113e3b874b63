package tasks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

var _ engine.Restorer = (*Worker)(nil)

// Restore brings items of a copy back, foretells that, or drills it. The copy is
// opened for reading alone.
func (w *Worker) Restore(ctx context.Context, task engine.RestoreTask, report engine.Report) (out engine.RestoreReport, err error) {
	from, err := w.openCopy(ctx, &task)
	if err != nil {
		return out, restoreRefusal(err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if task.Drill {
		out, err = w.drill(ctx, from, &task, report)
		return out, restoreRefusal(err)
	}
	to, name, done, err := w.target(ctx, from.Reader, &task)
	if err != nil {
		return out, restoreRefusal(err)
	}
	defer done()
	r, err := restore.Run(ctx, from.Reader, to, selection(&task), restore.Options{
		DryRun: task.DryRun, Ledger: from.ledger, Witness: from.vouched == byAnother, Now: w.cfg.Clock.Now, Progress: progress(report),
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

// target is where the request wants things to go, and what a person calls it.
// done gives it back.
func (w *Worker) target(ctx context.Context, from *bag.Reader, task *engine.RestoreTask) (to restore.Target, name string, done func(), err error) {
	none := func() {}
	switch task.To.Kind {
	case engine.ToFolder:
		to, err = restore.NewFolder(task.To.Path, restore.FolderOptions{})
		if err == nil {
			err = w.notSynced(ctx, task)
		}
		return to, task.To.Path, none, err
	case engine.ToFile:
		to, err = restore.NewFile(task.To.Path, restore.FolderOptions{})
		if err == nil {
			err = w.notSynced(ctx, task)
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
func (w *Worker) notSynced(ctx context.Context, task *engine.RestoreTask) error {
	if task.To.Synced {
		return nil
	}
	folders, err := w.syncClientFolders(ctx)
	of, unknown := syncedFolders(w.listPlaces(ctx))
	if err := errors.Join(err, unknown); err != nil {
		return &restore.PlaceError{Path: task.To.Path, Why: "it is not known which folders are kept in step with a cloud: " + err.Error()}
	}
	at, err := w.lookAt(ctx, task.To.Path)
	if err != nil {
		return &restore.PlaceError{Path: task.To.Path, Why: err.Error()}
	}
	for _, f := range slices.Concat(of, folders) {
		q, err := w.lookAt(ctx, f)
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
