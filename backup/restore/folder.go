package restore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/place"
)

// FolderOptions of a folder. The zero value is usable.
type FolderOptions struct {
	Wrap func(disk.Root) disk.Root // puts a port around the file system, for tests; may be nil
	// Free says how many bytes may be filled; nil: statfs of the folder.
	Free    func() (int64, error)
	Workers int // how many files are written at once; 0: 4
	// Plain leaves out the Markdown beside journals: what is written is the
	// copy's items, and nothing else.
	Plain bool
}

// Folder restores every item as a file of its own, byte for byte, with its
// modification time: "<folder>/<dataset>/<book>/<its own path>". A note that
// was kept as a VJOURNAL gets a Markdown file beside it.
//
// A file is written to ".clearance-restore" in the folder and renamed to its
// place once its bytes are known to be right; that folder goes when the run
// ends, and what a killed run left in it goes with the next.
type Folder struct {
	path string
	opts FolderOptions
}

// NewFolder is the target of a folder, which is made where only its last name
// is missing.
func NewFolder(path string, o FolderOptions) (*Folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the folder to restore to: %w", err)
	}
	if o.Wrap == nil {
		o.Wrap = func(r disk.Root) disk.Root { return r }
	}
	if o.Workers <= 0 {
		o.Workers = 4
	}
	f := &Folder{path: abs, opts: o}
	if f.opts.Free == nil {
		f.opts.Free = func() (int64, error) {
			p, err := place.Look(abs)
			return p.FreeBytes, err
		}
	}
	return f, nil
}

// Path is the folder.
func (f *Folder) Path() string { return f.path }

// Takes every item.
func (f *Folder) Takes(*Item) bool { return true }

const (
	workDir  = ".clearance-restore"
	lockName = workDir + "/lock"

	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// Write writes the items as files.
func (f *Folder) Write(ctx context.Context, b Batch) error {
	root, err := f.open(b.DryRun)
	if err != nil {
		return err
	}
	w := &folderRun{root: root, dry: b.DryRun, plain: f.opts.Plain, folders: map[string]string{}, claims: map[string][32]byte{}}
	if root != nil {
		defer root.Close()
	}
	if !b.DryRun {
		lock, err := w.begin(f.path)
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	if err := f.room(w, b); err != nil {
		return errors.Join(err, w.end())
	}
	if err := f.each(ctx, w, b); err != nil {
		return errors.Join(err, w.end())
	}
	if b.DryRun {
		return nil
	}
	if err := root.SyncAll(); err != nil {
		return &TargetError{err}
	}
	return w.end()
}

// open opens the folder; nil where a dry run finds none.
func (f *Folder) open(dry bool) (disk.Root, error) {
	st, err := os.Stat(f.path)
	switch {
	case err == nil && !st.IsDir():
		return nil, &PlaceError{f.path, "it is not a folder"}
	case errors.Is(err, fs.ErrNotExist):
		if up, err := os.Stat(filepath.Dir(f.path)); err != nil || !up.IsDir() {
			return nil, &PlaceError{f.path, "the folder that it lies in is not there"}
		}
		if dry {
			return nil, nil
		}
		if err := os.Mkdir(f.path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, &TargetError{err}
		}
	case err != nil:
		return nil, &TargetError{err}
	}
	root, err := disk.Open(f.path)
	if err != nil {
		return nil, &TargetError{err}
	}
	return f.opts.Wrap(root), nil
}

// room refuses a run for which there is too little room, before it writes. What a
// line says alone keeps nothing else from coming back: a file that would fill the
// disk by itself fails by its name, and so does what nobody vouches for where it
// does not fit beside the rest.
func (f *Folder) room(w *folderRun, b Batch) (err error) {
	if w.free, err = f.opts.Free(); err != nil {
		return &TargetError{err}
	}
	if b.Bytes < w.free {
		return nil
	}
	var proven, other int64
	vouched := false
	for it := range b.Items {
		vouched = vouched || it.Proof == ByLedger
		st, err := w.lstat(strings.Join(it.Names(), "/"))
		switch there := err == nil && st.Size == it.Size; {
		case there || it.Size >= w.free || !it.whole():
		case it.Proof == ByLedger:
			proven = sum(proven, it.Size)
		default:
			other = sum(other, it.Size)
		}
	}
	need := sum(proven, other)
	w.crowded = vouched && proven < w.free && need >= w.free
	if need >= w.free && !w.crowded {
		return &NoRoomError{Path: f.path, Need: need, Free: w.free}
	}
	return nil
}

// each puts the items, a few at a time. What nobody vouches for comes last, and
// waits until the rest has its names: else a forgery could be quicker.
func (f *Folder) each(ctx context.Context, w *folderRun, b Batch) error {
	g, ctx := errgroup.WithContext(ctx)
	queue := make(chan *Item)
	var vouched sync.WaitGroup // items that are on their way
	for range f.opts.Workers {
		g.Go(func() error {
			for it := range queue {
				res, err := w.put(ctx, it)
				if it.Proof == ByLedger {
					vouched.Done()
				}
				if err != nil {
					return err
				}
				b.Done(it, res)
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(queue)
		for it := range b.Items {
			if it.Proof == ByLedger {
				vouched.Add(1)
			} else {
				vouched.Wait()
			}
			select {
			case queue <- it:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return g.Wait()
}

// folderRun is one run over an open folder.
type folderRun struct {
	root  disk.Root // nil: a dry run into a folder that is not there
	dry   bool
	plain bool
	free  int64 // bytes that may be filled
	// crowded: there is no room for what the ledger does not vouch for.
	crowded bool

	mu      sync.Mutex
	folders map[string]string   // as wanted → as they are
	claims  map[string][32]byte // in a dry run: the places that would be taken by now
}

// begin takes the lock and clears what a killed run left.
func (w *folderRun) begin(path string) (disk.File, error) {
	if err := w.root.Mkdir(workDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &TargetError{err}
	}
	lock, err := w.root.Append(lockName, fileMode)
	if err != nil {
		return nil, &TargetError{err}
	}
	if err := lock.TryLock(); err != nil {
		if errors.Is(err, disk.ErrLocked) {
			err = &LockedError{path}
		} else {
			err = &TargetError{err}
		}
		return nil, errors.Join(err, lock.Close())
	}
	if err := w.clear(); err != nil {
		return nil, errors.Join(&TargetError{err}, lock.Close())
	}
	return lock, nil
}

// clear removes what was staged. What else has such a name is not ours.
func (w *folderRun) clear() error {
	names, err := w.root.Names(workDir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !strings.HasPrefix(n, partPrefix) {
			continue
		}
		at := workDir + "/" + n
		if st, err := w.root.Lstat(at); err == nil && !st.Mode.IsRegular() {
			continue
		}
		if err := w.root.Remove(at); err != nil {
			return err
		}
	}
	return nil
}

// end takes the folder for staging away. Somebody else's file in it keeps it.
func (w *folderRun) end() error {
	if w.dry {
		return nil
	}
	if err := w.clear(); err != nil {
		return &TargetError{err}
	}
	if err := w.root.Remove(lockName); err != nil {
		return &TargetError{err}
	}
	if err := w.root.Remove(workDir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		return &TargetError{err}
	}
	return nil
}

const partPrefix = "part-"

func (w *folderRun) lstat(name string) (disk.Stat, error) {
	if w.root == nil {
		return disk.Stat{}, fs.ErrNotExist
	}
	return w.root.Lstat(name)
}
