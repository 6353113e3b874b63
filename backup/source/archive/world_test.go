package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// file is a file to put into an archive.
type file struct{ name, data string }

var written = time.Date(2024, 7, 12, 11, 23, 42, 0, time.UTC)

// zipOf is a zip as Google writes it: sizes behind the bytes, UTF-8.
func zipOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		in, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: written})
		must(t, err)
		_, err = io.WriteString(in, f.data)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func tgzOf(t testing.TB, files ...file) []byte {
	t.Helper()
	return gzipped(t, tarOf(t, files...))
}

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		must(t, w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data)), ModTime: written}))
		_, err := io.WriteString(w, f.data)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(raw)
	must(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

// stand is a folder with archives.
type stand struct {
	t     testing.TB
	dir   string
	shelf Shelf
}

func newStand(t testing.TB) *stand { return &stand{t: t, dir: t.TempDir()} }

func (s *stand) write(name string, data []byte) {
	s.t.Helper()
	at := filepath.Join(s.dir, name)
	must(s.t, os.WriteFile(at, data, 0o600))
	must(s.t, os.Chtimes(at, written, written))
}

func (s *stand) found(only string) Found {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	must(s.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return Find(names, only)
}

// later is a clock by which the stamps of what was written have rested.
func later() time.Time { return time.Now().Add(time.Hour) }

func (s *stand) open(only string) (*Export, error) {
	s.t.Helper()
	root, err := scan.Open(s.dir)
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, root.Close()) })
	x, err := Open(s.t.Context(), root, s.found(only), &s.shelf, later)
	if err == nil {
		s.t.Cleanup(func() { must(s.t, x.Close()) })
	}
	return x, err
}

// got is one item of a listing, read.
type got struct {
	source.Item
	data string
	err  error // of reading
}

// list lists a dataset of an export and reads every item. failed are by reason.
func list(t testing.TB, x *Export, d source.Dataset) (items map[string]got, failed map[string]source.Reason, err error) {
	t.Helper()
	items, failed = map[string]got{}, map[string]source.Reason{}
	src := &Source{Ref: source.Ref{Account: "a", Dataset: d, Source: "s"}, Export: x, Folder: x.Name}
	for it, ierr := range src.Items(t.Context()) {
		var f *source.Failed
		switch {
		case errors.As(ierr, &f):
			failed[it.ID] = f.Reason
			continue
		case ierr != nil:
			return items, failed, ierr
		}
		if _, twice := items[it.ID]; twice {
			t.Errorf("%q is listed twice", it.ID)
		}
		g := got{Item: it}
		g.data, g.err = readItem(t.Context(), &it)
		if g.err == nil && it.Size >= 0 && int64(len(g.data)) != it.Size {
			t.Errorf("%q has %d bytes, not %d", it.ID, len(g.data), it.Size)
		}
		items[it.ID] = g
	}
	return items, failed, nil
}

func readItem(ctx context.Context, it *source.Item) (string, error) {
	var in io.ReadCloser
	var err error
	if it.File != nil {
		in, _, err = it.File.Open()
	} else {
		in, err = it.Open(ctx)
	}
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(in)
	return string(raw), errors.Join(err, in.Close())
}

// one is a listing of one archive, given by its file.
func one(t testing.TB, name string, data []byte, d source.Dataset) (map[string]got, map[string]source.Reason, error) {
	t.Helper()
	s := newStand(t)
	s.write(name, data)
	x, err := s.open(name)
	if err != nil {
		return nil, nil, err
	}
	return list(t, x, d)
}

func ids[V any](m map[string]V) []string {
	var out []string
	for id := range m {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// takenJSON is a sidecar of Google's.
func takenJSON(title string, at int64, trashed bool) string {
	more := ""
	if trashed {
		more = `, "trashed": true`
	}
	return fmt.Sprintf(`{"title": %q, "description": "", "photoTakenTime": {"timestamp": "%d", "formatted": "x"}%s}`, title, at, more)
}

// browserPage is the page on which Google lists an export.
func browserPage(folders map[string][]string, failed ...string) string {
	page := `<html><body><div id="service-details-PHOTOS" class="service-detail"><h1 class="data-folder-name">Google Photos</h1>`
	for _, f := range slices.Sorted(func(yield func(string) bool) {
		for f := range folders {
			if !yield(f) {
				return
			}
		}
	}) {
		page += `<div class="extracted-folder-name">` + f + `</div>`
		for _, n := range folders[f] {
			page += `<div class="file-leaf"><div class="extracted-file-name"> ` + n + `</div><div class="failure-message"></div></div>`
		}
	}
	for _, n := range failed {
		page += `<div class="file-leaf"><div class="extracted-file-name">` + n + `</div><div class="failure-message">Service failed to retrieve this item</div></div>`
	}
	return page + `</body></html>`
}
