package tasks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/source/archive"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/watch"
)

// watching is the watch of one departure's sources on this device.
type watching struct {
	w       *Worker
	job     engine.Job
	changed func(departure.SourceID)
	files   *watch.Watcher
	stores  storeWatch

	filed filedSight // of the places that stand in files

	renew chan struct{} // capacity 1: the books must be looked for again

	mu    sync.Mutex // serialises the books' events
	books *eds.Watch // nil where it has to be made anew, or there are none
	none  bool       // this device has no evolution-data-server
	ids   map[string]departure.SourceID
	keys  map[string]string // by store uid: what it held when it was last read

	synced map[departure.SourceID]bool // folders kept in step with the account that are watched
}

// Watch tells of every change on this device from here on. What changes at the
// server is found by asking it.
func (w *Worker) Watch(ctx context.Context, job engine.Job, changed func(departure.SourceID)) error {
	wa := &watching{w: w, job: job, changed: changed, renew: make(chan struct{}, 1), ids: make(map[string]departure.SourceID), keys: make(map[string]string),
		stores: storeWatch{roots: make(map[string]*watchedRoot)}, synced: make(map[departure.SourceID]bool), filed: filedSight{watched: make(map[string]bool)}}
	if err := wa.watchFiles(ctx); err != nil {
		return err
	}
	unhear, err := wa.hearPlaces(ctx)
	if err != nil {
		return errors.Join(err, wa.files.Close())
	}
	if err := wa.watchBooks(ctx); err != nil {
		unhear()
		return errors.Join(err, wa.files.Close())
	}
	unplug := w.watchPlace(job, changed)
	w.mu.Lock()
	w.watches[job.Departure.ID] = wa
	w.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wa.follow(ctx)
	}()
	context.AfterFunc(ctx, func() {
		<-ended
		unplug()
		unhear()
		w.mu.Lock()
		if w.watches[job.Departure.ID] == wa {
			delete(w.watches, job.Departure.ID)
		}
		w.mu.Unlock()
		_ = wa.files.Close() // nobody is left to be told
	})
	return nil
}

func (wa *watching) watchFiles(ctx context.Context) error {
	files, err := watch.New(watch.Options{
		Clock: wa.w.cfg.Clock, Cookies: filepath.Join(wa.w.cfg.State, "fences", wa.job.Departure.ID),
		Changed: wa.fileEvent, Patience: wa.w.patient,
	})
	if err != nil {
		return err
	}
	wa.files = files
	add := func(id departure.SourceID, at string) error {
		skip := wa.isCopy
		info, err := wa.w.stated(ctx, at)
		if err == nil && info.Mode().IsRegular() || errors.Is(err, os.ErrNotExist) && archive.IsPart(filepath.Base(at)) {
			// The file alone counts: what lies in folders beside it, our own state
			// perhaps, would never rest.
			at, skip = filepath.Dir(at), func(string) bool { return true }
		}
		return files.Add(ctx, watch.Source{ID: string(id), Root: at, Skip: skip})
	}
	for _, g := range wa.job.Given {
		err = errors.Join(err, add(g.ID, g.Path))
	}
	if wa.w.cfg.Dirs.Pictures != "" && wa.job.Departure.Required(ownPictures) {
		err = errors.Join(err, add(ownPictures.ID, wa.w.cfg.Dirs.Pictures))
	}
	wa.filed.see(ctx, wa.w)
	err = errors.Join(err, wa.watchFiled(ctx))
	if err == nil {
		_, err = wa.watchStores(ctx)
	}
	if err != nil {
		return errors.Join(err, files.Close())
	}
	return nil
}

// isCopy reports whether a folder is the destination itself: our own writing
// there is no change of a source.
func (wa *watching) isCopy(dir string) bool {
	return wa.job.Destination.Folder != "" && filepath.Clean(dir) == wa.job.Destination.Folder
}

// watchBooks begins to hear of the account's books, and of this device's own
// where they count.
func (wa *watching) watchBooks(ctx context.Context) error {
	ok, err := wa.w.eds.Installed(ctx)
	if err != nil {
		return err
	}
	if !ok {
		wa.none = true
		return nil
	}
	s, err := wa.w.survey(ctx, wa.job)
	if err != nil {
		return err
	}
	defer func() { _ = s.close(context.WithoutCancel(ctx)) }() // the stores are opened again to be heard
	var uids []string
	ids, keys := make(map[string]departure.SourceID), make(map[string]string)
	for _, b := range slices.Concat(s.books, s.own) {
		ids[b.entry.UID] = b.src.ID
		uids = append(uids, b.entry.UID)
		if l, err := b.store.Keys(ctx); err == nil {
			keys[b.entry.UID] = l.Digest
		}
	}
	books, err := wa.w.eds.Watch(ctx, uids)
	if books == nil {
		return err
	}
	wa.mu.Lock()
	defer wa.mu.Unlock()
	wa.books, wa.ids, wa.keys = books, ids, keys
	return nil
}

// renewWait is the wait before books that were lost are looked for again.
const renewWait = time.Second

// follow hears of the books until ctx ends. Books that come or go are watched
// anew; until then a fence fails.
func (wa *watching) follow(ctx context.Context) {
	for ctx.Err() == nil {
		wa.mu.Lock()
		books := wa.books
		wa.mu.Unlock()
		if wa.none {
			return
		}
		if books == nil {
			wait, stop := wa.w.cfg.Clock.After(renewWait)
			select {
			case <-ctx.Done():
			case <-wait:
				if wa.watchBooks(ctx) == nil {
					wa.changed("") // what happened in between is not known
				}
			}
			stop()
			continue
		}
		select {
		case <-ctx.Done():
		case <-wa.renew:
		case <-books.Wake():
			wa.drain(ctx)
			continue
		}
		wa.forget(ctx, books)
	}
}

// forget ends a watch of the books.
func (wa *watching) forget(ctx context.Context, books *eds.Watch) {
	wa.mu.Lock()
	wa.books = nil
	wa.mu.Unlock()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = books.Close(end) // the stores go with the connection
}

// drain hands on the events that wait, and asks for new books where they changed. An item event counts only where the keys are others than when they
// were last read.
func (wa *watching) drain(ctx context.Context) {
	wa.mu.Lock()
	defer wa.mu.Unlock()
	if wa.books == nil {
		return
	}
	for _, e := range wa.books.Take() {
		switch {
		case !e.Change.Counts():
		case e.Change == eds.ItemsChanged && wa.unchanged(ctx, e.Source):
		case e.Change == eds.ItemsChanged:
			wa.changed(wa.ids[e.Source])
		default:
			wa.changed("")
			select {
			case wa.renew <- struct{}{}:
			default:
			}
		}
	}
}

// unchanged reads a store's keys and reports whether they are as before.
func (wa *watching) unchanged(ctx context.Context, uid string) bool {
	store, err := wa.w.eds.Open(ctx, uid)
	if err != nil {
		return false
	}
	defer func() { _ = store.Close(context.WithoutCancel(ctx)) }() // only read
	l, err := store.Keys(ctx)
	if err != nil {
		return false
	}
	same := wa.keys[uid] == l.Digest
	wa.keys[uid] = l.Digest
	return same
}

// errUnwatched means that a change could go unheard.
var errUnwatched = errors.New("this device's sources are not watched yet")

// fenceWatch returns once every change on this device made before the call was
// told.
func (w *Worker) fenceWatch(ctx context.Context, job engine.Job) error {
	w.mu.Lock()
	wa := w.watches[job.Departure.ID]
	w.mu.Unlock()
	if wa == nil {
		return errUnwatched
	}
	if fresh, err := wa.watchStores(ctx); err != nil {
		return err
	} else if fresh {
		wa.changed("") // what came before it was watched was not heard
	}
	if err := wa.files.Fence(ctx); err != nil {
		return err
	}
	w.mounts.Changed() // whether the disk of the copy is where it was is asked, not awaited
	wa.tellFiled(ctx)
	if err := wa.watchFiled(ctx); err != nil {
		return err
	}
	if err := w.fencePlaces(ctx); err != nil {
		return err
	}
	if wa.none {
		return nil
	}
	wa.mu.Lock()
	books := wa.books
	wa.mu.Unlock()
	if books == nil {
		return errUnwatched
	}
	if err := books.Fence(ctx); err != nil {
		return err
	}
	wa.drain(ctx)
	return nil
}

// tell hands a change that was found by asking to the departure's watch.
func (w *Worker) tell(job engine.Job, id departure.SourceID) {
	w.mu.Lock()
	wa := w.watches[job.Departure.ID]
	w.mu.Unlock()
	if wa != nil {
		wa.changed(id)
	}
}
