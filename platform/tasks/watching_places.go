package tasks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/watch"
)

// filedPrefix begins the id of a watched folder in which a place has files.
const filedPrefix = "place-files:"

// maxFiledFolders bounds the folders that are watched for the places' files.
// What lies in others is looked at with every fence and every look.
const maxFiledFolders = 128

// filedSight is what was last seen of the places that stand in files. A program
// writes its settings all day long: what it wrote counts only where a sign-in is
// another by it.
type filedSight struct {
	mu      sync.Mutex
	places  []filedState // as the worker's own; nil before the first look
	entries departure.Digest
	watched map[string]bool // the folders that are watched for them
}

// filedState is what was last seen of one of them.
type filedState struct {
	files  []string
	stamps string
}

// maxFiled bounds the files of a place that are known of, those that are gone too.
const maxFiled = 20_000

// filedLimit bounds the listing of the places that stand in files, for an event.
const filedLimit = 30 * time.Second

// see looks once more, and reports whether a sign-in is another than it was. The
// stamps are taken first: what is written while the places are listed is seen by
// the next event.
func (f *filedSight) see(ctx context.Context, w *Worker) (differs bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := make([]filedState, len(w.places))
	if f.places != nil {
		w.overPlaces(func(i int, p binding.Place) { now[i] = w.stamped(ctx, p, f.places[i].files) })
		if slices.EqualFunc(now, f.places, func(a, b filedState) bool { return a.stamps == b.stamps }) {
			return false
		}
	}
	w.overPlaces(func(i int, p binding.Place) {
		filed, ok := p.(binding.Filed)
		if !ok {
			return
		}
		files, err := askedPlace(ctx, w, p, func(context.Context) ([]string, error) { return filed.Files(), nil })
		if err != nil {
			now[i].stamps = err.Error()
			return
		}
		// One that is just being written may not name the files that it leads to.
		files = slices.Compact(slices.Sorted(slices.Values(append(files, now[i].files...))))
		now[i] = w.stamped(ctx, p, files[:min(len(files), maxFiled)])
	})
	f.places = now
	was := f.entries
	f.entries = w.filedEntries(ctx)
	return was != f.entries
}

// stamped takes the stamps of a place's files: that they give no answer is one too.
func (w *Worker) stamped(ctx context.Context, p binding.Place, files []string) filedState {
	if len(files) == 0 {
		return filedState{}
	}
	stamps, err := askedPlace(ctx, w, p, func(context.Context) (string, error) { return stampsOf(files), nil })
	if err != nil {
		stamps = err.Error()
	}
	return filedState{files, stamps}
}

// filedEntries is the digest of what the places that stand in files say of who is
// signed in, or of why they do not.
func (w *Worker) filedEntries(ctx context.Context) departure.Digest {
	all := make([][]any, len(w.places))
	w.overPlaces(func(i int, p binding.Place) {
		if _, ok := p.(binding.Filed); !ok {
			return
		}
		entries, err := askedPlace(ctx, w, p, p.Entries)
		if err != nil {
			all[i] = append(all[i], p.Kind(), err.Error())
		}
		for _, e := range entries {
			all[i] = append(all[i], []any{e.ID, e.Who, e.Server, e.Leftover, e.Guided, e.Carries, e.Mail, e.Folders, e.Mounts, e.Unread})
		}
	})
	return departure.DigestOf(all)
}

// watchFiled watches the folders of their files that are not watched yet: those of
// a place that gave no answer until now are not known before.
func (wa *watching) watchFiled(ctx context.Context) error {
	f := &wa.filed
	f.mu.Lock()
	var fresh []string
	for _, p := range f.places {
		for _, file := range p.files {
			if dir := filepath.Dir(file); !f.watched[dir] && len(f.watched) < maxFiledFolders {
				f.watched[dir] = true
				fresh = append(fresh, dir)
			}
		}
	}
	f.mu.Unlock() // who adds a folder may wait for an event to be told
	for _, dir := range fresh {
		if err := wa.files.Add(ctx, watch.Source{ID: filedPrefix + dir, Root: dir, Skip: func(string) bool { return true }}); err != nil {
			return err
		}
	}
	return nil
}

// tellFiled tells where a sign-in that stands in a file is not as it was seen
// last.
func (wa *watching) tellFiled(ctx context.Context) {
	if wa.filed.see(ctx, wa.w) {
		wa.changed("")
	}
}

// fenceSignIns lists the sign-ins once more, and tells where they are not as the
// look found them: what stands in files may have been otherwise in between, and a
// mount is in no file.
func (w *Worker) fenceSignIns(ctx context.Context, job engine.Job, look departure.Look) error {
	in, err := w.signIns(ctx, job)
	if err != nil {
		return err
	}
	if signedInAs(in.bindings, in.others) != signedInAs(look.Bindings, look.Others) {
		w.tell(job, "")
	}
	return nil
}

// signedInAs is the digest of what a verdict takes from the sign-ins.
func signedInAs(bindings []departure.Binding, others []departure.OtherHolder) departure.Digest {
	set := make(map[string]any)
	for _, b := range bindings {
		set["b:"+b.ID] = []any{b.State, b.Guided, b.Carries, b.Unread}
	}
	for _, o := range others {
		set["o:"+o.ID] = true
	}
	return departure.DigestOf(set)
}

// stampsOf is what changes with every writing of one of the files.
func stampsOf(files []string) string {
	var b strings.Builder
	for _, f := range files {
		var st unix.Stat_t
		if err := unix.Stat(f, &st); err != nil {
			fmt.Fprintf(&b, "%q %v\n", f, errors.Is(err, os.ErrNotExist))
			continue
		}
		fmt.Fprintf(&b, "%q %d %d %d %d %d\n", f, st.Dev, st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano())
	}
	return b.String()
}

// hearPlaces begins to hear of the places that tell themselves.
func (wa *watching) hearPlaces(ctx context.Context) (unhear func(), err error) {
	var stops []func()
	unhear = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for _, p := range wa.w.places {
		t, ok := p.(binding.Teller)
		if !ok {
			continue
		}
		stop, err := askedOf(ctx, wa.w, p.Kind(), func(context.Context) (func(), error) { return t.Watch(func() { wa.changed("") }) }, func(late func()) {
			if late != nil {
				late()
			}
		})
		if err != nil {
			unhear()
			return nil, err
		}
		stops = append(stops, stop)
	}
	return unhear, nil
}

// fencePlaces returns once every change before it was told by the places that
// tell themselves.
func (w *Worker) fencePlaces(ctx context.Context) error {
	for _, p := range w.places {
		if t, ok := p.(binding.Teller); ok {
			_, err := askedPlace(ctx, w, p, func(ctx context.Context) (none struct{}, err error) { return none, t.Fence(ctx) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// watchSynced watches a folder that is kept in step with the account, from the
// first look that meets it on.
func (w *Worker) watchSynced(ctx context.Context, job engine.Job, id departure.SourceID, folder string) error {
	w.mu.Lock()
	wa := w.watches[job.Departure.ID]
	w.mu.Unlock()
	if wa == nil {
		return nil // nobody is told of changes yet
	}
	wa.mu.Lock()
	defer wa.mu.Unlock()
	if wa.synced[id] {
		return nil
	}
	err := wa.files.Add(ctx, watch.Source{ID: string(id), Root: folder, Skip: wa.isCopy})
	if err == nil {
		wa.synced[id] = true
	}
	return err
}

// hearsSynced reports whether every folder of the look that is kept in step with
// the account is watched.
func (w *Worker) hearsSynced(job engine.Job, look departure.Look) bool {
	w.mu.Lock()
	wa := w.watches[job.Departure.ID]
	w.mu.Unlock()
	if wa == nil {
		return false
	}
	wa.mu.Lock()
	defer wa.mu.Unlock()
	return !slices.ContainsFunc(look.Listings, func(l departure.Listing) bool {
		return strings.HasPrefix(string(l.Source.ID), string(syncedPrefix(departure.Files))) && l.Complete && !wa.synced[l.Source.ID]
	})
}
