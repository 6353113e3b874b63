package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

func TestBothContainersGiveWhatWasPutIn(t *testing.T) {
	files := []file{
		{"photos/IMG_1.jpg", strings.Repeat("one", 50_000)}, {"photos/Zoë/ünï – 写真.jpg", "two"},
		{"photos/empty.jpg", ""}, {"all.vcf", "BEGIN:VCARD\nEND:VCARD\n"}, {"notes/a.md", "# A\n"},
	}
	for name, data := range map[string][]byte{"a.zip": zipOf(t, files...), "a.tgz": tgzOf(t, files...), "A.TAR.GZ": tgzOf(t, files...), "odd.zip": append([]byte("#!/bin/sh\n"), zipOf(t, files...)...)} {
		if name == "odd.zip" {
			data = append([]byte("PK\x03\x04"), data...) // something stands before the archive
		}
		items, failed, err := one(t, name, data, source.Files)
		must(t, err)
		if len(items) != len(files) || len(failed) != 0 {
			t.Errorf("%s: %q, failed %v", name, ids(items), failed)
		}
		for _, f := range files {
			g, ok := items[f.name]
			if !ok || g.err != nil || g.data != f.data || g.Path != f.name || g.Rev == "" || g.Unsettled || !g.ModTime.Equal(written) {
				t.Errorf("%s: %q: %v, %d bytes, %+v", name, f.name, g.err, len(g.data), g.Item)
			}
		}
		photos, _, err := one(t, name, data, source.Photos)
		must(t, err)
		if len(photos) != len(files) {
			t.Errorf("%s: photos %q", name, ids(photos))
		}
		contacts, _, err := one(t, name, data, source.Contacts)
		must(t, err)
		equal(t, name, ids(contacts), []string{"all.vcf"})
	}
}

// Two tapes that were put one behind the other (cat a.tgz b.tgz, or tar -A) hold
// files that a reader of the first does not see: that is never an empty tail.
func TestWhatLiesBehindATapesEndIsNotPassedOver(t *testing.T) {
	first, second := tgzOf(t, file{"a.jpg", "one"}), tgzOf(t, file{"b.jpg", "two"})
	for name, data := range map[string][]byte{
		"two tapes":        append(bytes.Clone(first), second...),
		"two in one":       gzipped(t, append(tarOf(t, file{"a.jpg", "one"}), tarOf(t, file{"b.jpg", "two"})...)),
		"something behind": gzipped(t, append(tarOf(t, file{"a.jpg", "one"}), "x"...)),
	} {
		if items, _, err := one(t, "a.tgz", data, source.Photos); err == nil {
			t.Errorf("%s: listed as whole, with %q", name, ids(items))
		}
	}
	padded := gzipped(t, append(tarOf(t, file{"a.jpg", "one"}), make([]byte, 20<<10)...))
	if items, _, err := one(t, "a.tgz", padded, source.Photos); err != nil || len(items) != 1 {
		t.Errorf("padded as tar does: %q, %v", ids(items), err)
	}
}

// An item of a tape is read out of order, by several at once, and again.
func TestTapeIsReadInAnyOrder(t *testing.T) {
	var files []file
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		b := make([]byte, r.IntN(40_000))
		for j := range b {
			b[j] = byte(r.IntN(256))
		}
		files = append(files, file{fmt.Sprintf("%02d.jpg", i), string(b)})
	}
	s := newStand(t)
	s.write("a.tgz", tgzOf(t, files...))
	x, err := s.open("a.tgz")
	must(t, err)
	v := x.volumes[0]
	t.Run("at once", func(t *testing.T) {
		for w := range 4 {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(3, uint64(w)))
				for range 40 {
					i := r.IntN(len(files))
					in, err := v.open(t.Context(), int32(i))
					must(t, err)
					raw, err := io.ReadAll(in)
					if must(t, errors.Join(err, in.Close())); string(raw) != files[i].data {
						t.Errorf("%s is another", files[i].name)
					}
				}
			})
		}
	})
	if n := len(v.tape.idle); n > maxReels {
		t.Errorf("%d passes are kept", n)
	}
	// In order, one pass is enough.
	v.tape.idle = nil
	for i := range files {
		in, err := v.open(t.Context(), int32(i))
		must(t, err)
		_, err = io.Copy(io.Discard, in)
		must(t, errors.Join(err, in.Close()))
	}
	if n := len(v.tape.idle); n != 1 {
		t.Errorf("%d passes for one", n)
	}
}

func TestNamesOfEntries(t *testing.T) {
	for name, want := range map[string]error{
		"a/b.jpg": nil, "./a//b.jpg": nil, "a/..b": nil, "../b.jpg": errUpwards, "a/../../b.jpg": errUpwards, "a/..": errUpwards,
		"/etc/passwd": errAbsolute, `C:\Users\a`: errAbsolute, "c:/x": errAbsolute, "": errEmptyName, ".": errEmptyName,
		"a\x00b": errZero, strings.Repeat("a", maxName+1): errLongName, `..\b.jpg`: nil, "C:": nil,
	} {
		path, _, err := clean(name, false)
		if !errors.Is(err, want) || err == nil && (strings.HasPrefix(path, "/") || strings.Contains("/"+path+"/", "/../")) {
			t.Errorf("%q: %q, %v", name, path, err)
		}
	}
	if p, _, err := clean(`a\b\c.jpg`, true); p != "a/b/c.jpg" || err != nil {
		t.Errorf("%q %v", p, err)
	}
	if _, _, err := clean(`a\..\..\c.jpg`, true); !errors.Is(err, errUpwards) {
		t.Errorf("%v", err)
	}
	cp437, err := charmap.CodePage437.NewEncoder().String("Übung é.jpg")
	must(t, err)
	if got := text([]byte(cp437)); got != "Übung é.jpg" {
		t.Errorf("%q", got)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	in, err := w.CreateHeader(&zip.FileHeader{Name: cp437, NonUTF8: true})
	must(t, err)
	_, err = io.WriteString(in, "x")
	must(t, errors.Join(err, w.Close()))
	items, _, err := one(t, "a.zip", b.Bytes(), source.Photos)
	must(t, err)
	equal(t, "code page", ids(items), []string{"Übung é.jpg"})
}

// The list is made anew only when the file changed.
func TestShelf(t *testing.T) {
	s := newStand(t)
	s.write("a.tgz", tgzOf(t, file{"a.jpg", "one"}))
	x, err := s.open("a.tgz")
	must(t, err)
	y, err := s.open("a.tgz")
	if must(t, err); x.volumes[0].index != y.volumes[0].index {
		t.Error("it was read again")
	}
	s.write("a.tgz", tgzOf(t, file{"a.jpg", "one"}, file{"b.jpg", "two"}))
	z, err := s.open("a.tgz")
	if must(t, err); len(z.volumes[0].entries) != 2 {
		t.Error("it was not read again")
	}
	s.shelf.Forget()
	w, err := s.open("a.tgz")
	if must(t, err); w.volumes[0].index == z.volumes[0].index {
		t.Error("it was not forgotten")
	}
}

// What was written a moment ago may change without a trace, and is listed anew.
func TestShelfKeepsNothingYoung(t *testing.T) {
	s := newStand(t)
	s.write("a.zip", zipOf(t, file{"a.jpg", "one"}))
	root, err := scan.Open(s.dir)
	must(t, err)
	t.Cleanup(func() { must(t, root.Close()) })
	var indexes []*index
	for range 2 {
		st, err := root.Lstat("a.zip")
		must(t, err)
		x, err := Open(t.Context(), root, s.found("a.zip"), &s.shelf, func() time.Time { return time.Unix(0, st.CtimeNS) })
		must(t, err)
		t.Cleanup(func() { must(t, x.Close()) })
		indexes = append(indexes, x.volumes[0].index)
		for it, err := range (&Source{Ref: source.Ref{Dataset: source.Photos}, Export: x}).Items(t.Context()) {
			if must(t, err); !it.Unsettled || it.Rest <= 0 {
				t.Errorf("%+v", it)
			}
		}
	}
	if indexes[0] == indexes[1] {
		t.Error("it was not read again")
	}
}

// Nobody waits for a listing that they called off.
func TestListingIsCalledOff(t *testing.T) {
	var files []file
	for i := range 3000 {
		files = append(files, file{fmt.Sprintf("%d.jpg", i), ""})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := zipOf(t, files...)
	if _, err := zipIndex(ctx, bytes.NewReader(data), int64(len(data))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	data = tgzOf(t, files...)
	if _, err := tapeIndex(ctx, &tape{in: bytes.NewReader(data), size: int64(len(data))}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// zeros gives as many zeros as are asked for.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// holes writes a file and leaves out what is zero.
type holes struct{ f *os.File }

func (h holes) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != 0 {
			return h.f.Write(p)
		}
	}
	_, err := h.f.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

func TestMoreThanFourGigabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 4 GiB of zeros")
	}
	const size = 4<<30 + 5
	s := newStand(t)
	f, err := os.Create(filepath.Join(s.dir, "large.zip"))
	must(t, err)
	w := zip.NewWriter(holes{f})
	put := func(name string, n int64) {
		in, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: written})
		must(t, err)
		_, err = io.CopyN(in, zeros{}, n)
		must(t, err)
	}
	put("film.mp4", size)
	put("after.jpg", 3)
	must(t, errors.Join(w.Close(), f.Close()))
	root, err := scan.Open(s.dir)
	must(t, err)
	t.Cleanup(func() { must(t, root.Close()) })
	x, err := Open(t.Context(), root, s.found("large.zip"), &s.shelf, later)
	must(t, err)
	t.Cleanup(func() { must(t, x.Close()) })
	seen := map[string]int64{}
	src := &Source{Ref: source.Ref{Dataset: source.Photos}, Export: x}
	for it, err := range src.Items(t.Context()) {
		must(t, err)
		in, err := it.Open(t.Context())
		must(t, err)
		n, err := io.Copy(io.Discard, in)
		must(t, errors.Join(err, in.Close()))
		if n != it.Size {
			t.Errorf("%s: %d of %d bytes", it.ID, n, it.Size)
		}
		seen[it.ID] = n
	}
	if seen["film.mp4"] != size || seen["after.jpg"] != 3 {
		t.Errorf("%v", seen)
	}
}
