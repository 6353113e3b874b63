package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// Export is an open export: every part of it that is there.
type Export struct {
	Found
	volumes []*volume
	now     func() time.Time
	items   map[source.Dataset][]item
	counts  map[source.Dataset]int
	proven  bool
	named   map[string]bool // what was named as lacking
}

// Open opens the parts of an export beneath a folder and sorts what they hold.
// What is missing is no error here but in Whole, which also knows what the parts
// themselves tell.
func Open(ctx context.Context, root *scan.Root, f Found, s *Shelf, now func() time.Time) (*Export, error) {
	x := &Export{Found: f, now: now, named: map[string]bool{}}
	for _, p := range f.parts {
		v, err := openVolume(ctx, root, p, s, now)
		if err != nil {
			return nil, errors.Join(err, x.Close())
		}
		x.volumes = append(x.volumes, v)
	}
	if x.Kind == Plain && x.holdsTakeout() {
		x.Kind, x.open = Takeout, true
	}
	x.sort()
	return x, nil
}

// holdsTakeout tells Google's export by its top folder, whatever its file is
// called.
func (x *Export) holdsTakeout() bool {
	for _, v := range x.volumes {
		for i := range v.entries {
			if !strings.HasPrefix(v.entries[i].name, "Takeout/") {
				return false
			}
		}
	}
	return len(x.volumes) > 0 && len(x.volumes[0].entries) > 0
}

// Close closes the parts.
func (x *Export) Close() error {
	var errs []error
	for _, v := range x.volumes {
		errs = append(errs, v.file.Close())
	}
	return errors.Join(errs...)
}

// Whole says which parts are missing, and what else keeps the export from being
// listed.
func (f *Found) Whole() error {
	switch {
	case len(f.Loading) > 0:
		return fmt.Errorf("%s is still being downloaded, or was broken off", strings.Join(f.Loading, ", "))
	case len(f.parts) == 0:
		return errors.New("no part of it is there")
	case len(f.Missing) > 0:
		verb := " is missing"
		if len(f.Missing) > 1 {
			verb = " are missing"
		}
		return errors.New(strings.Join(f.Missing, ", ") + verb + ": download what is missing and put it beside the other parts")
	case len(f.Twice) > 0:
		return fmt.Errorf("%s is there twice: keep one of each part", strings.Join(f.Twice, ", "))
	case len(f.Strange) > 0:
		return fmt.Errorf("%s is no part of this export: put the parts of one export into a folder of their own, or give one of them by name", f.Strange[0])
	}
	return nil
}

// Unproven reports that nothing here shows whether the last part is there: only
// the provider's page tells how many there are.
func (x *Export) Unproven() bool { return x.open && !x.proven }

// Count is how many items of a dataset a person would count.
func (x *Export) Count(d source.Dataset) int { return x.counts[d] }

// Holds reports whether there is anything of a dataset, failures counted.
func (x *Export) Holds(d source.Dataset) bool { return len(x.items[d]) > 0 }

// item is one item of a dataset.
type item struct {
	v      *volume
	i      int32 // in the volume's entries; -1: in none
	id     string
	path   string
	beside bool  // a person would not count it
	taken  int64 // seconds since 1970, 0: not known
	note   bool  // made of an entry: a note to read
	files  map[string]string

	reason source.Reason // for what is not there
	why    error
}

func (it *item) entry() *entry { return &it.v.entries[it.i] }

// place is where an item lies in its part; what is not there comes last.
func (it *item) place() int64 {
	if it.i < 0 {
		return math.MaxInt64
	}
	return it.entry().at
}

// sort puts every entry where it belongs.
func (x *Export) sort() {
	x.items, x.counts = map[source.Dataset][]item{}, map[source.Dataset]int{}
	switch x.Kind {
	case Takeout:
		x.sortTakeout()
	case ICloud:
		x.sortICloud()
	default:
		x.sortPlain()
	}
	order := map[*volume]int{}
	for i, v := range x.volumes {
		order[v] = i
	}
	for d, items := range x.items {
		// As they lie in the archive: a tape is read forward.
		slices.SortStableFunc(items, func(a, b item) int {
			return cmp.Or(cmp.Compare(order[a.v], order[b.v]), cmp.Compare(a.place(), b.place()))
		})
		var paths []string
		for i := range items {
			switch it := &items[i]; {
			case it.beside:
			case d == source.Photos:
				paths = append(paths, it.path)
			default:
				x.counts[d]++
			}
		}
		shots, _ := source.Group(paths)
		if d == source.Photos {
			x.counts[d] = len(shots)
		}
	}
}

// each calls do for every entry, with an id that is its own: where two entries
// have one name and one content, the first alone counts; where they differ, both.
// Apple calls two photos alike in two parts: there each part is for itself.
func (x *Export) each(do func(it item)) {
	type named struct {
		first *entry
		n     int
		revs  map[string]bool // of the second and on
	}
	names := map[string]named{}
	for _, v := range x.volumes {
		for i := range v.entries {
			e := &v.entries[i]
			key := e.name
			if x.Kind == ICloud {
				key = v.part.file + "/" + key
			}
			it := item{v: v, i: int32(i), id: key, path: e.name}
			s := names[key]
			if s.n > 0 {
				if e.reason == "" && (s.first.rev() == e.rev() || s.revs[e.rev()]) {
					continue
				}
				if s.revs == nil {
					s.revs = map[string]bool{}
				}
				s.revs[e.rev()] = true
				it.id = fmt.Sprintf("%s#%d", key, s.n+1)
			} else {
				s.first = e
			}
			s.n++
			names[key] = s
			do(it)
		}
	}
}

// guess is the dataset of a file by its name alone.
func (x *Export) guess(name string) source.Dataset {
	d := source.Files
	switch ext := strings.ToLower(path.Ext(name)); {
	case source.IsMedia(name):
		d = source.Photos
	case ext == ".vcf":
		d = source.Contacts
	case ext == ".ics":
		d = source.Calendars
	}
	if !x.Holds(d) {
		return source.Files
	}
	return d
}

func (x *Export) put(d source.Dataset, it item) { x.items[d] = append(x.items[d], it) }

// sortPlain takes an archive as a folder is taken: every file is one of the
// photos, notes and files that it was given for; contacts and calendars have
// files of their own.
func (x *Export) sortPlain() {
	var all []item
	pictures, notes := false, false
	x.each(func(it item) {
		all = append(all, it)
		ext := strings.ToLower(path.Ext(it.path))
		pictures = pictures || source.IsMedia(it.path)
		notes = notes || isNote(ext)
		switch ext {
		case ".vcf":
			x.put(source.Contacts, it)
		case ".ics":
			x.put(source.Calendars, it)
		}
	})
	x.items[source.Files] = all
	for _, it := range all {
		if pictures {
			side := it
			side.beside = !source.IsMedia(it.path)
			x.put(source.Photos, side)
			x.within(source.Photos, it)
		}
		if notes {
			side := it
			side.beside = !isNote(strings.ToLower(path.Ext(it.path)))
			x.put(source.Notes, side)
			x.within(source.Notes, it)
		}
	}
	if notes {
		x.references(all)
	}
}

func isNote(ext string) bool {
	switch ext {
	case ".md", ".markdown", ".txt", ".html", ".htm":
		return true
	}
	return false
}

// errNested: an archive may hold anything, and is copied as one file.
var errNested = errors.New("it is in your copy as one file, and was not looked into")

// within names an archive that lies within this one. No file has such an id.
func (x *Export) within(d source.Dataset, it item) {
	if !nested(it.path) {
		return
	}
	x.put(d, item{v: it.v, i: -1, id: it.id + "//", path: it.path, beside: true, reason: source.Nested, why: errNested})
}

func nested(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".zip", ".tgz", ".tar", ".7z", ".rar":
		return true
	}
	return strings.HasSuffix(strings.ToLower(name), ".tar.gz")
}
