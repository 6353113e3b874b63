package dataset

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// OfFolder makes s a store whose items are the files of a folder that match, in
// the copy's folder inBag. It is there where the folder is.
func OfFolder(s Store, at, inBag string, match func(path string) bool) Store {
	s.Folder = at
	s.Watched = append(s.Watched, at)
	root, err := scan.Open(at)
	if err != nil {
		return Unreadable(s, err)
	}
	s.Close = root.Close
	s.List = func(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		f := &source.Folder{Ref: ref, Root: root, Folder: inBag, Match: match}
		return f.Items(ctx)
	}
	return s
}

// Flat matches the files of a folder itself, not of those in it, by extension
// (with its dot); "" is every file that is not hidden.
func Flat(ext string) func(string) bool {
	return func(p string) bool {
		return !strings.Contains(p, "/") && !strings.HasPrefix(p, ".") && (ext == "" || strings.EqualFold(path.Ext(p), ext))
	}
}

// OfFile makes s a store whose items are the contacts or calendar objects of one
// file, in the copy's folder inBag.
func OfFile(s Store, at, inBag string) Store {
	s.Watched = append(s.Watched, at)
	root, err := scan.Open(filepath.Dir(at))
	if err != nil {
		return Unreadable(s, err)
	}
	s.Close = root.Close
	s.List = func(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return func(yield func(source.Item, error) bool) {
			file, err := fileItem(ctx, root, ref, filepath.Base(at), inBag)
			if errors.Is(err, fs.ErrNotExist) {
				return // a program makes it once there is something to keep
			}
			var items []source.Item
			if err == nil {
				items, err = source.SplitFile(ctx, &file)
			}
			if err != nil {
				yield(Incomplete(ref, err))
				return
			}
			for i := range items {
				if !yield(items[i], nil) {
					return
				}
			}
		}
	}
	return s
}

func fileItem(ctx context.Context, root *scan.Root, ref source.Ref, name, inBag string) (source.Item, error) {
	if err := ctx.Err(); err != nil {
		return source.Item{}, err
	}
	stat, err := root.Lstat(name)
	if err != nil {
		return source.Item{}, err
	}
	return source.Item{
		Key: source.Key{Ref: ref, ID: name}, Name: name, Folder: inBag, Rev: stat.Rev(), Size: stat.Size,
		ModTime: stat.ModTime(), Ext: path.Ext(name), File: &source.FileRef{Root: root, Path: name},
	}, nil
}
