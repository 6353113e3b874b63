package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/backup/source"
)

// File restores contacts to one .vcf file, or events and tasks to one .ics
// file, to import elsewhere. Where a file has that name, it stays as it is, and
// what it lacks goes to "name~2.vcf" beside it, or to the next that is free.
type File struct {
	dir, name string
	set       source.Dataset
	wrap      func(disk.Root) disk.Root
	free      func() (int64, error)
}

// NewFile is the target of a file whose name ends in .vcf or .ics.
func NewFile(path string, o FolderOptions) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the file to restore to: %w", err)
	}
	f := &File{dir: filepath.Dir(abs), name: filepath.Base(abs), wrap: o.Wrap, free: o.Free}
	switch strings.ToLower(filepath.Ext(abs)) {
	case ".vcf":
		f.set = source.Contacts
	case ".ics":
		f.set = source.Calendars
	default:
		return nil, &PlaceError{abs, "its name ends neither in .vcf, for contacts, nor in .ics, for calendars"}
	}
	if f.wrap == nil {
		f.wrap = func(r disk.Root) disk.Root { return r }
	}
	if f.free == nil {
		f.free = func() (int64, error) {
			p, err := place.Look(f.dir)
			return p.FreeBytes, err
		}
	}
	return f, nil
}

// Path is the file.
func (f *File) Path() string { return filepath.Join(f.dir, f.name) }

// Takes contacts, or calendar objects; what was kept raw of a removed book is
// neither.
func (f *File) Takes(it *Item) bool { return it.Dataset == f.set && IsObject(it) }

// IsObject reports whether an item is a contact or calendar object, and not a
// raw file of a removed store.
func IsObject(it *Item) bool {
	lower := strings.ToLower(it.Path)
	return !strings.HasPrefix(it.Source, "trash:") && (strings.HasSuffix(lower, ".vcf") || strings.HasSuffix(lower, ".ics"))
}

const maxNumbered = 1000

// Write writes the objects that no file of that name has.
func (f *File) Write(ctx context.Context, b Batch) error {
	under, err := disk.Open(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &PlaceError{f.Path(), "the folder that it lies in is not there"}
	}
	if err != nil {
		return &TargetError{err}
	}
	root := f.wrap(under)
	defer root.Close()
	free, err := f.free()
	if err != nil {
		return &TargetError{err}
	}
	if b.Bytes >= free {
		need := int64(0)
		for it := range b.Items {
			if it.Size <= it.objectLimit() && it.whole() { // what is larger fails by its name
				need = sum(need, it.Size)
			}
		}
		if need >= free {
			return &NoRoomError{Path: f.Path(), Need: need, Free: free}
		}
	}
	w := &fileRun{root: root, set: f.set, there: shelf{}}
	name, err := w.load(ctx, f.name)
	if err != nil {
		return err
	}
	if b.DryRun {
		err = w.export(ctx, f.name, b, io.Discard)
	} else {
		name, err = w.write(ctx, name, f.name, b)
	}
	if err != nil {
		return err
	}
	for _, p := range w.pending {
		p.res.Where = name
		b.Done(p.it, p.res)
	}
	return nil
}

// shelf is what a target holds: digests by UID.
type shelf map[string]map[string]bool

func (s shelf) add(o *Object) {
	if s[o.UID] == nil {
		s[o.UID] = map[string]bool{}
	}
	s[o.UID][o.Digest] = true
}

// place says how an object goes beside what is there; Failed where something
// else has the UID beside its own too.
func (s shelf) place(o Object) (Object, State) {
	if s[o.UID] == nil {
		return o, Written
	}
	if s[o.UID][o.Digest] {
		return o, Already
	}
	other := o.As(o.OtherUID())
	switch {
	case s[other.UID] == nil:
		return other, Beside
	case s[other.UID][other.Digest]:
		return other, Already
	}
	return other, Failed
}

type pendingResult struct {
	it  *Item
	res Result
}

type fileRun struct {
	root    disk.Root
	set     source.Dataset
	there   shelf
	pending []pendingResult
	err     error
}

// load reads what the files of that name hold, and gives the first free name.
func (w *fileRun) load(ctx context.Context, name string) (string, error) {
	for n := 1; n <= maxNumbered; n++ {
		at := name
		if n > 1 {
			at = withSuffix(name, "~"+strconv.Itoa(n))
		}
		_, err := w.root.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return at, nil
		}
		if err != nil {
			return "", &TargetError{err}
		}
		if err := w.read(ctx, at); err != nil {
			return "", err
		}
	}
	return "", &PlaceError{name, "there are very many files of that name already"}
}

// read takes in the objects of a file that is there. What is none counts for
// nothing.
func (w *fileRun) read(ctx context.Context, at string) error {
	f, err := w.root.Open(at)
	if err != nil {
		return ctx.Err() // a link, a folder, not ours to read: it stays, and holds nothing that we know of
	}
	defer f.Close()
	in := &steady{ctx: ctx, in: f}
	if w.set == source.Contacts {
		for card, err := range source.VCards(in) {
			if err == nil && card.Err == nil {
				w.there.add(&Object{UID: card.ID(), Digest: contactDigest(card.Raw)})
			}
		}
		return ctx.Err()
	}
	raw, err := io.ReadAll(io.LimitReader(in, source.MaxCalendar+1))
	if err != nil {
		return ctx.Err()
	}
	if len(raw) > source.MaxCalendar {
		return &PlaceError{at, fmt.Sprintf("a file of that name has more than %d MiB, and what it holds cannot be told: choose another name", source.MaxCalendar>>20)}
	}
	list, err := source.SplitCalendar(raw)
	if err != nil {
		return ctx.Err()
	}
	for i := range list {
		if list[i].Err == nil {
			w.there.add(&Object{UID: list[i].ID(), Digest: calendarDigest(list[i].Raw)})
		}
	}
	return ctx.Err()
}

// write stages the file and renames it to its place; nothing is written where
// nothing lacks. What a killed run staged is begun anew.
func (w *fileRun) write(ctx context.Context, name, title string, b Batch) (string, error) {
	part := cut(workDir+"-"+title, maxName-len(".part")) + ".part"
	out, err := w.root.Append(part, fileMode)
	if err != nil {
		return "", &TargetError{err}
	}
	if err := out.TryLock(); err != nil {
		if errors.Is(err, disk.ErrLocked) {
			return "", errors.Join(&LockedError{title}, out.Close())
		}
		return "", errors.Join(&TargetError{err}, out.Close())
	}
	if err = target(out.Truncate(0)); err == nil {
		err = w.export(ctx, title, b, out)
	}
	if err == nil {
		err = target(out.Sync())
	}
	err = errors.Join(err, target(out.Close()))
	if err == nil && w.adds() {
		err = target(w.root.Place(part, name))
	} else if rerr := w.root.Remove(part); rerr != nil {
		err = errors.Join(err, &TargetError{rerr})
	}
	if err == nil {
		err = target(w.root.SyncDir("."))
	}
	return name, err
}

func target(err error) error {
	if err == nil {
		return nil
	}
	return &TargetError{err}
}

func (w *fileRun) adds() bool {
	for _, p := range w.pending {
		if p.res.State == Written || p.res.State == Beside {
			return true
		}
	}
	return false
}

func (w *fileRun) export(ctx context.Context, title string, b Batch, out io.Writer) (err error) {
	objects := w.objects(ctx, b)
	if w.set == source.Contacts {
		_, err = source.ExportContacts(out, objects)
	} else {
		_, err = source.ExportCalendar(out, strings.TrimSuffix(title, filepath.Ext(title)), objects)
	}
	return errors.Join(w.err, target(err))
}

// objects yields what is to be written, and notes what becomes of each item.
func (w *fileRun) objects(ctx context.Context, b Batch) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for it := range b.Items {
			list, err := it.Objects(ctx)
			if w.err = ctx.Err(); w.err != nil {
				return
			}
			if err != nil {
				w.pending = append(w.pending, pendingResult{it, Fail(err)})
				continue
			}
			res := Result{State: Already}
			for _, o := range list {
				o, state := w.there.place(o)
				if state == Already {
					continue
				}
				if state == Failed {
					res = failed(Conflict, fmt.Errorf("other contacts or entries have both its id and %q", o.UID))
					break
				}
				w.there.add(&o)
				if !yield(o.Raw) {
					return
				}
				if res.State != Beside {
					res.State = state
				}
			}
			w.pending = append(w.pending, pendingResult{it, res})
		}
	}
}
