package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/source/archive"
)

// exportPrefix begins the names of the sources that are archives: a folder from
// which every part went is not one without files.
const exportPrefix = "export:"

// given is where an export lies that was given: a file, with the other parts
// beside it, or a folder of parts.
type given struct {
	folder string
	found  archive.Found
}

// givenArchive looks whether what was given is an archive, or a folder with the
// parts of an export. An archive in a folder of other files is one file of them.
func (w *Worker) givenArchive(ctx context.Context, at string) (g given, is bool, err error) {
	type found struct {
		given
		is bool
	}
	a, err := asked(ctx, w, at, func() (f found, err error) {
		f.given, f.is, err = lookForArchive(at)
		return f, err
	})
	return a.given, a.is, err
}

func lookForArchive(at string) (g given, is bool, err error) {
	info, err := os.Stat(at)
	only := ""
	switch {
	case errors.Is(err, os.ErrNotExist) && archive.IsPart(filepath.Base(at)):
		g.folder, only = filepath.Dir(at), filepath.Base(at) // other parts of it may be there
	case err != nil:
		return g, false, err
	case info.IsDir():
		g.folder = at
	case isArchive(at):
		g.folder, only = filepath.Dir(at), filepath.Base(at)
	default:
		return g, false, nil
	}
	entries, err := os.ReadDir(g.folder)
	if err != nil {
		return g, false, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
			is = is || archive.IsPart(e.Name())
		} else if only == "" && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name()+"/")
		}
	}
	if only == "" && !is {
		return g, false, nil
	}
	g.found = archive.Find(names, only)
	return g, true, nil
}

func isArchive(at string) bool {
	lower := strings.ToLower(at)
	for _, ext := range []string{".zip", ".tgz", ".tar.gz"} {
		if strings.HasSuffix(lower, ext) {
			return true
		}
	}
	return false
}

// inspectArchive refuses an export that cannot be read, or that has nothing of a
// dataset. One whose parts are not all there yet is taken: each look says so.
func (w *Worker) inspectArchive(ctx context.Context, g given, d departure.Dataset) error {
	root, err := scan.Open(g.folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // only read
	err = g.found.Whole()
	switch {
	case len(g.found.Strange) > 0:
		g.found.Missing, g.found.Loading = nil, nil // what it is given with has to go first
		return g.found.Whole()
	case err != nil, long(root, &g.found):
		return nil
	}
	x, err := archive.Open(ctx, root, g.found, &w.shelf, w.cfg.Clock.Now)
	if err != nil {
		return err
	}
	defer func() { _ = x.Close() }() // only read
	err = nothingOf(x, d)
	if err != nil && x.Unproven() {
		return fmt.Errorf("%w; if parts of it lack, put them beside the others first", err)
	}
	return err
}

// quickly is how large the tapes of an export may be that are read to their end
// while a person waits, bytes.
const quickly = 4 << 30

// long reports whether listing an export takes long; the first look does it then.
func long(root *scan.Root, f *archive.Found) bool {
	var size int64
	for _, name := range f.Files() {
		if st, err := root.Lstat(name); err == nil && !strings.HasSuffix(strings.ToLower(name), ".zip") {
			size += st.Size
		}
	}
	return size > quickly
}

// nothingOf refuses an export that has nothing of a dataset, with what it has.
func nothingOf(x *archive.Export, d departure.Dataset) error {
	if x.Holds(source.Dataset(d)) {
		return nil
	}
	var has []string
	for _, k := range []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars, departure.Files} {
		if n := x.Count(source.Dataset(k)); n > 0 {
			has = append(has, fmt.Sprintf("%d %s", n, ofKind(k, n)))
		}
	}
	if len(has) == 0 {
		return errors.New("it holds nothing")
	}
	return fmt.Errorf("it holds no %s, but %s", d, strings.Join(has, ", "))
}

// ofKind is what the files of a dataset in an archive are called: those of
// contacts and calendars hold many.
func ofKind(d departure.Dataset, n int) string {
	one := map[departure.Dataset]string{departure.Photos: "photo", departure.Contacts: "file of contacts", departure.Notes: "note",
		departure.Calendars: "calendar", departure.Files: "other file"}[d]
	switch {
	case n == 1:
		return one
	case d == departure.Contacts:
		return "files of contacts"
	}
	return one + "s"
}

// export opens an export, once in a survey, or says why not.
func (s *survey) export(ctx context.Context, g given) (*archive.Export, departure.Reason) {
	key := strings.Join(append(g.found.Files(), g.folder), "\x00")
	if x := s.exports[key]; x != nil {
		return x, departure.Reason{}
	}
	if err := g.found.Whole(); err != nil {
		return nil, departure.Reason{Code: "parts", Text: " is not whole: " + err.Error()}
	}
	root, err := scan.Open(g.folder)
	if err != nil {
		return nil, departure.Reason{Code: "folder", Text: " could not be opened: " + err.Error()}
	}
	s.roots = append(s.roots, root)
	x, err := archive.Open(ctx, root, g.found, &s.w.shelf, s.w.cfg.Clock.Now)
	if err != nil {
		return nil, departure.Reason{Code: "archive", Text: " could not be read: " + err.Error()}
	}
	s.closers = append(s.closers, func(context.Context) error { return x.Close() })
	if s.exports == nil {
		s.exports = make(map[string]*archive.Export)
	}
	s.exports[key] = x
	return x, departure.Reason{}
}

// addArchive adds what an export holds of a dataset.
func (s *survey) addArchive(ctx context.Context, src departure.Source, at string) {
	o := &origin{src: src, rehash: true, same: make(map[string]string)}
	s.add(o)
	g, is, err := s.w.givenArchive(ctx, at)
	switch {
	case err != nil:
		o.why = departure.Reason{Code: "folder", Text: src.Name + " could not be opened: " + err.Error()}
		return
	case !is:
		o.why = departure.Reason{Code: "parts", Text: "the parts of the export that was in " + src.Name + " are no longer there"}
		return
	}
	x, why := s.export(ctx, g)
	if x == nil {
		o.why = departure.Reason{Code: why.Code, Text: src.Name + why.Text}
		return
	}
	if err := nothingOf(x, src.Dataset); err != nil && !x.Unproven() { // else it may be in a part that lacks
		o.why = departure.Reason{Code: "parts", Text: src.Name + " is no source of your " + string(src.Dataset) + ": " + err.Error()}
		return
	}
	from := &archive.Source{Ref: o.ref(s.job), Export: x, Folder: x.Name}
	o.beside = from.Beside()
	if x.Unproven() {
		o.export, o.parts = x.Name, int64(x.Parts())
	}
	ext := wholeFile(o.src.Dataset)
	if o.src.Dataset == departure.Photos {
		o.same = from.Same()
	}
	o.list = func(ctx context.Context, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		if ext != "" {
			return split(ctx, from.Items(ctx), o.same)
		}
		return from.Items(ctx)
	}
}
