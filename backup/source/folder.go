package source

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/scan"
)

// Folder is a source whose items are the files beneath a folder: photos, notes
// or other files. Items are named by their path relative to it.
type Folder struct {
	Ref
	Root   *scan.Root
	Folder string                 // as [Item.Folder]
	BagIDs map[string]bool        // as [scan.Options.BagIDs]
	Match  func(path string) bool // which files are items; nil: all
	Now    func() time.Time       // nil: the system's clock
	// Patience is as [scan.Options.Patience].
	Patience time.Duration
	Found    func(scan.Finding) // sees every finding; may be nil
	Done     func(scan.Summary) // called once, at the end of a listing; may be nil

	silent atomic.Bool // files that were asked what they are gave no answer
}

// Items lists the folder. Files come as items, what cannot be copied as
// [*Failed], and a listing that may lack files ends with [*Incomplete].
func (f *Folder) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		now := f.Now
		if now == nil {
			now = time.Now
		}
		began := now()
		var failed []*Failed
		stopped := false // the reader wants no more: yield must not be called again
		flush := func() bool {
			for _, e := range failed {
				if !yield(e.Item, e) {
					return false
				}
			}
			failed = failed[:0]
			return true
		}
		opts := scan.Options{BagIDs: f.BagIDs, Now: now, Patience: f.Patience, Found: func(x scan.Finding) {
			if f.Found != nil {
				f.Found(x)
			}
			if e := f.failed(x); e != nil {
				failed = append(failed, e)
			}
		}}
		sum, err := f.Root.Walk(ctx, opts, func(entries []scan.Entry) error {
			for i := range entries {
				item, counts, err := f.judge(&entries[i], began)
				if !counts {
					continue
				}
				if stopped = !yield(item, err); stopped {
					return errStopped
				}
			}
			if stopped = !flush(); stopped {
				return errStopped
			}
			return nil
		})
		if stopped || !flush() {
			return
		}
		if f.Done != nil {
			f.Done(sum)
		}
		if err != nil {
			yield(Item{Key: Key{Ref: f.Ref}}, &Incomplete{Ref: f.Ref, Err: err})
		}
	}
}

var errStopped = errors.New("stopped by the reader")

// judge says what a file is: an item, one that cannot be copied, or, if counts is
// false, none of this source's.
func (f *Folder) judge(e *scan.Entry, began time.Time) (item Item, counts bool, err error) {
	of, stub := Placeholder(e.Path, e.Size)
	if !stub {
		of = e.Path
	}
	if f.Match != nil && !strings.HasSuffix(of, "/") && !f.Match(of) {
		return Item{}, false, nil // what a folder holds that was never fetched, nobody knows
	}
	item = f.item(e, began)
	switch {
	case stub, e.Size == maxHydrate && f.unfetched(e.Path):
		return item, true, &Failed{Item: item, Reason: OnlyInCloud}
	case f.Dataset == Photos && Thumbnail(e.Path):
		return item, true, &Failed{Item: item, Reason: OnlyThumb}
	}
	return item, true, nil
}

// unfetched asks a file for the mark of a cloud drive. One that cannot be asked
// fails when it is read.
func (f *Folder) unfetched(p string) bool {
	if f.silent.Load() {
		return true
	}
	marked, answered := scan.Ask(path.Join(f.Root.Path(), p), asking, func() bool {
		file, _, err := f.Root.OpenFile(p)
		if err != nil {
			return false
		}
		defer file.Close()
		_, err = unix.Fgetxattr(int(file.Fd()), hydrateAttr, nil)
		return err == nil
	})
	f.silent.Store(!answered)
	return marked || !answered
}

// asking is how long a file of one byte may take to say what it is. One that
// does not has most likely to be fetched.
const asking = 10 * time.Second

func (f *Folder) item(e *scan.Entry, began time.Time) Item {
	return Item{
		Key:       Key{Ref: f.Ref, ID: e.Path},
		Name:      path.Base(e.Path),
		Path:      e.Path,
		Folder:    f.Folder,
		Rev:       e.Rev(),
		Unsettled: e.Unsettled(began),
		Rest:      e.Rest(began),
		Size:      e.Size,
		ModTime:   e.ModTime(),
		Ext:       path.Ext(e.Path),
		File:      &FileRef{Root: f.Root, Path: e.Path},
	}
}

func (f *Folder) failed(x scan.Finding) *Failed {
	var why Reason
	switch x.Kind {
	case scan.FIFO, scan.Socket, scan.Device, scan.Kernel:
		why = Special
	case scan.LinkOutside:
		why = LinkOutside
	case scan.LinkBroken:
		why = LinkBroken
	default:
		// Unreadable files are items too and fail when read; links inside lead
		// to what is listed itself; own bags are no items; the rest makes the
		// listing incomplete.
		return nil
	}
	if why == Special && x.Kind != scan.Kernel && f.Match != nil && !f.Match(x.Path) {
		return nil // a link may lead to a folder of items, whatever its own name
	}
	return &Failed{
		Item:   Item{Key: Key{Ref: f.Ref, ID: x.Path}, Name: path.Base(x.Path), Path: x.Path, Folder: f.Folder, Size: -1},
		Reason: why, Err: x.Err,
	}
}
