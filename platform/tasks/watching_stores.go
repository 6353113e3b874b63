package tasks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/watch"
)

// watchedPrefix begins the names of the watch's folders that hold stores.
const watchedPrefix = "stores:"

// storeWatch is what is watched of the stores of this device's programs. A
// program writes beside its store all day long: of a watched file, its own
// stamps decide whether an event counts.
type storeWatch struct {
	mu    sync.Mutex
	roots map[string]*watchedRoot // by folder
}

type watchedRoot struct {
	whole []departure.SourceID // everything beneath counts
	files map[string]*watchedFile
}

type watchedFile struct {
	ids   []departure.SourceID
	stamp fileStamp
}

// fileStamp is that of a file and of what SQLite keeps beside it; all zero: it
// is not there.
type fileStamp [3]oneStamp

type oneStamp struct {
	ino            uint64
	size           int64
	mtime, changed syscall.Timespec
}

// beside a database, with what was written and is not in it yet.
var besideDatabase = [...]string{"", "-wal", "-journal"}

func (w *Worker) stampOf(ctx context.Context, at string) (fileStamp, error) {
	return asked(ctx, w, at, func() (fileStamp, error) { return readStamp(at), nil })
}

func readStamp(at string) (s fileStamp) {
	for i, suffix := range besideDatabase {
		var st syscall.Stat_t
		if syscall.Lstat(at+suffix, &st) == nil {
			s[i] = oneStamp{st.Ino, st.Size, st.Mtim, st.Ctim}
		}
	}
	return s
}

// stampRest is how long after a change another one may leave a stamp as it was.
const stampRest = 2 * time.Second

// young reports whether a change since the stamp was taken may not show in it.
func (s *fileStamp) young(now time.Time) bool {
	return slices.ContainsFunc(s[:], func(f oneStamp) bool {
		return f.ino != 0 && now.Sub(time.Unix(f.changed.Unix())) < stampRest
	})
}

// watchStores watches the stores that count and are not watched yet, and reports
// whether there were any.
func (wa *watching) watchStores(ctx context.Context) (added bool, err error) {
	s := &survey{w: wa.w, job: wa.job}
	s.findStores(ctx)
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if s.missing.Code != "" {
		return false, errors.New(s.missing.Text)
	}
	for _, st := range s.stores {
		if !wa.job.Departure.Required(st.src) {
			continue
		}
		for _, at := range st.watched {
			fresh, err := wa.watchStore(ctx, st.src.ID, filepath.Clean(at))
			if err != nil {
				return added, err
			}
			added = added || fresh
		}
	}
	return added, nil
}

// watchStore watches one path of a store.
func (wa *watching) watchStore(ctx context.Context, id departure.SourceID, at string) (fresh bool, err error) {
	folder := at
	info, err := asked(ctx, wa.w, at, func() (os.FileInfo, error) { return os.Lstat(at) })
	if unanswered(err) {
		return false, err
	}
	whole := err == nil && info.IsDir()
	if !whole {
		folder = filepath.Dir(at)
	}
	var stamp *fileStamp // of a file
	if !whole {
		s, err := wa.w.stampOf(ctx, at)
		if err != nil {
			return false, err
		}
		stamp = &s
	}
	w := &wa.stores
	w.mu.Lock()
	// One folder is watched either as a whole or for files in it.
	name := watchedPrefix + folder
	if !whole {
		name += "/."
	}
	root, known := w.roots[name]
	if !known {
		root = &watchedRoot{files: make(map[string]*watchedFile)}
	}
	fresh = root.add(id, at, stamp)
	w.roots[name] = root
	w.mu.Unlock()
	if known {
		return fresh, nil
	}
	skip := wa.isCopy
	if !whole {
		skip = func(string) bool { return true }
	}
	err = wa.files.Add(ctx, watch.Source{ID: name, Root: folder, Skip: skip})
	if err != nil {
		w.mu.Lock()
		delete(w.roots, name)
		w.mu.Unlock()
	}
	return true, err
}

// add notes that a path is one of a store's, and reports whether that is new. A
// file has a stamp.
func (r *watchedRoot) add(id departure.SourceID, at string, stamp *fileStamp) bool {
	ids := &r.whole
	if stamp != nil {
		f, ok := r.files[at]
		if !ok {
			f = &watchedFile{stamp: *stamp}
			r.files[at] = f
		}
		ids = &f.ids
	}
	if slices.Contains(*ids, id) {
		return false
	}
	*ids = append(*ids, id)
	return true
}

// moved are the sources that an event in a watched folder may have changed: those
// of a file that gives no answer too.
func (wa *watching) moved(ctx context.Context, e watch.Event) (ids []departure.SourceID) {
	w, now := &wa.stores, wa.w.cfg.Clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	root, ok := w.roots[e.Source]
	if !ok {
		return nil
	}
	ids = slices.Clone(root.whole)
	for at, f := range root.files {
		is, err := wa.w.stampOf(ctx, at)
		if e.Kind != watch.Files || err != nil || is != f.stamp || is.young(now) {
			ids = append(ids, f.ids...)
		}
		f.stamp = is
	}
	return ids
}

// fileEvent hands on what the watch of files saw.
func (wa *watching) fileEvent(e watch.Event) {
	if e.Kind == watch.Attached {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), filedLimit)
	defer cancel()
	if strings.HasPrefix(e.Source, filedPrefix) {
		wa.tellFiled(ctx)
		return
	}
	if !strings.HasPrefix(e.Source, watchedPrefix) {
		wa.changed(departure.SourceID(e.Source))
		return
	}
	for _, id := range wa.moved(ctx, e) {
		wa.changed(id)
	}
}
