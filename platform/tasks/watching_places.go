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

// filedStamp is what was last seen of the files that places stand in. Much else
// lies beside such a file, so its folder's events alone tell nothing.
type filedStamp struct {
	mu   sync.Mutex
	seen string
}

// filedFiles are the files that places stand in.
func (w *Worker) filedFiles() []string {
	var files []string
	for _, p := range w.places {
		if f, ok := p.(binding.Filed); ok {
			files = append(files, f.Files()...)
		}
	}
	return files
}

// filedFolders are the folders to watch for them, and takes their first stamp.
func (wa *watching) filedFolders() []string {
	files := wa.w.filedFiles()
	wa.filed.mu.Lock()
	wa.filed.seen = stampsOf(files)
	wa.filed.mu.Unlock()
	var folders []string
	for _, f := range files {
		if dir := filepath.Dir(f); !slices.Contains(folders, dir) && len(folders) < maxFiledFolders {
			folders = append(folders, dir)
		}
	}
	return folders
}

// tellFiled tells where one of the files is not as it was seen last.
func (wa *watching) tellFiled() {
	wa.filed.mu.Lock()
	now := stampsOf(wa.w.filedFiles())
	same := now == wa.filed.seen
	wa.filed.seen = now
	wa.filed.mu.Unlock()
	if !same {
		wa.changed("")
	}
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
func (wa *watching) hearPlaces() (unhear func(), err error) {
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
		stop, err := t.Watch(func() { wa.changed("") })
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
			if err := t.Fence(ctx); err != nil {
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
