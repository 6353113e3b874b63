package eds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Dirs are the folders that EDS keeps its things in.
type Dirs struct {
	Data  string // $XDG_DATA_HOME/evolution
	Cache string // $XDG_CACHE_HOME/evolution
}

// TrashFile is a regular file of a removed source.
type TrashFile struct {
	Path  string // relative to Trashed.Root
	Size  int64
	Mtime time.Time
}

// Trashed is one folder that EDS moved away when its source was removed. EDS
// deletes it for good after a while: data after 28 days, caches after 7.
type Trashed struct {
	UID       string    // of the source
	Component string    // addressbook, calendar, memos, tasks, mail, sources
	Cache     bool      // from the cache folder, else from the data folder
	Root      string    // absolute, or empty
	Moved     time.Time // of the folder's last change
	Files     []TrashFile
	Skipped   []string // neither files nor folders (links, pipes), or unreadable: relative paths
}

// components are EDS's folders that have a trash.
var components = []string{"addressbook", "calendar", "mail", "memos", "sources", "tasks"}

const (
	maxTrashFiles = 200_000
	maxTrashDepth = 16
)

// Trash lists what EDS kept of removed sources with these UIDs, cache.db,
// photos and all: give the UIDs of an account's sources, the collection
// too, under whose UID the children's entries are kept. Before the removal there
// is nothing; nil means that nothing is kept. Links are not followed. An
// unreadable folder that is there is an error: what it holds is unknown. A UID
// that cannot be a folder's name is answered without a Root, and is Skipped.
func Trash(ctx context.Context, dirs Dirs, uids []string) ([]Trashed, error) {
	var out []Trashed
	for _, uid := range uids {
		if !plainName(uid) {
			out = append(out, Trashed{UID: uid, Skipped: []string{uid}})
		}
	}
	budget := maxTrashFiles
	for _, base := range []string{dirs.Data, dirs.Cache} {
		for _, component := range components {
			for _, uid := range uids {
				if !plainName(uid) {
					continue
				}
				t, err := trashed(ctx, filepath.Join(base, component, "trash"), uid, &budget)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					return nil, fmt.Errorf("cannot list the trash of %s: %w", component, err)
				}
				t.Component, t.Cache = component, base == dirs.Cache
				out = append(out, t)
			}
		}
	}
	return out, nil
}

func plainName(uid string) bool {
	return uid != "" && uid != "." && uid != ".." && len(uid) <= 255 && !strings.ContainsAny(uid, "/\x00")
}

func trashed(ctx context.Context, trash, uid string, budget *int) (Trashed, error) {
	root, err := os.OpenRoot(trash)
	if err != nil {
		return Trashed{}, bareExist(err)
	}
	defer root.Close()
	st, err := root.Lstat(uid)
	if err != nil {
		return Trashed{}, bareExist(err)
	}
	t := Trashed{UID: uid, Root: filepath.Join(trash, uid), Moved: st.ModTime()}
	if st.Mode().IsRegular() {
		// a cached .source file; Root is its folder then
		t.Root, t.Files = trash, []TrashFile{{Path: uid, Size: st.Size(), Mtime: st.ModTime()}}
		return t, nil
	}
	if !st.IsDir() {
		return Trashed{}, fmt.Errorf("%w: %s", ErrRefused, st.Mode().Type())
	}
	sub, err := root.OpenRoot(uid)
	if err != nil {
		return Trashed{}, bareExist(err)
	}
	defer sub.Close()
	return t, t.walk(ctx, sub.FS(), budget)
}

func (t *Trashed) walk(ctx context.Context, files fs.FS, budget *int) error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if path == "." {
				return bareExist(err)
			}
			t.Skipped = append(t.Skipped, path)
			return nil
		}
		if *budget--; *budget < 0 {
			return fmt.Errorf("more than %d files: %w", maxTrashFiles, ErrTooLarge)
		}
		if d.IsDir() {
			if strings.Count(path, "/") >= maxTrashDepth {
				return fmt.Errorf("folders deeper than %d: %w", maxTrashDepth, ErrTooLarge)
			}
			return nil
		}
		st, err := d.Info()
		if err != nil || !st.Mode().IsRegular() {
			t.Skipped = append(t.Skipped, path)
			return nil
		}
		t.Files = append(t.Files, TrashFile{Path: path, Size: st.Size(), Mtime: st.ModTime()})
		return nil
	})
}

// bareExist drops the path and keeps "does not exist" recognisable.
func bareExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return bare(err)
}
