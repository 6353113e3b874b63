package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// What is not honest fails by name, and takes nothing else with it.
func TestEntriesThatCannotBeTaken(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	put := func(h *zip.FileHeader, data string) {
		in, err := w.CreateHeader(h)
		must(t, err)
		_, err = io.WriteString(in, data)
		must(t, err)
	}
	put(&zip.FileHeader{Name: "good.jpg"}, "good")
	put(&zip.FileHeader{Name: "../../evil.jpg"}, "evil")
	put(&zip.FileHeader{Name: "/etc/evil.jpg"}, "evil")
	link := &zip.FileHeader{Name: "link.jpg"}
	link.SetMode(os.ModeSymlink | 0o777)
	put(link, "/etc/passwd")
	put(&zip.FileHeader{Name: "locked.jpg", Flags: 1}, "secret")
	put(&zip.FileHeader{Name: "twice.jpg"}, "first")
	put(&zip.FileHeader{Name: "twice.jpg"}, "second")
	put(&zip.FileHeader{Name: "twice.jpg"}, "first")
	put(&zip.FileHeader{Name: "bomb.jpg", Method: zip.Deflate}, strings.Repeat("\x00", slack+1))
	put(&zip.FileHeader{Name: "within.zip"}, "PK")
	must(t, w.Close())
	// Beside a gigabyte that does not shrink, the whole stands; here the bomb alone is
	// refused.
	data := b.Bytes()
	if _, _, err := one(t, "a.zip", data, source.Photos); !errors.Is(err, ErrBomb) {
		t.Fatalf("an archive that is mostly a bomb: %v", err)
	}
	data = without(t, data, "bomb.jpg")
	items, failed, err := one(t, "a.zip", data, source.Photos)
	must(t, err)
	equal(t, "taken", ids(items), []string{"good.jpg", "twice.jpg", "twice.jpg#2", "within.zip"})
	if items["twice.jpg"].data != "first" || items["twice.jpg#2"].data != "second" {
		t.Error("of two files with one name, one was lost")
	}
	want := map[string]source.Reason{
		"../../evil.jpg": source.UnsafeName, "/etc/evil.jpg": source.UnsafeName, "link.jpg": source.ArchivedLink,
		"locked.jpg": source.Encrypted, "within.zip//": source.Nested,
	}
	if fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("failed: %v", failed)
	}
	for _, r := range want {
		if r.Sentence() == string(r) {
			t.Errorf("nothing is said of %s", r)
		}
	}

	var tb bytes.Buffer
	tw := tar.NewWriter(&tb)
	for _, h := range []tar.Header{
		{Name: "good.jpg", Size: 4}, {Name: "../evil.jpg", Size: 4}, {Name: "/evil.jpg", Size: 4},
		{Name: "link.jpg", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "hard.jpg", Typeflag: tar.TypeLink, Linkname: "good.jpg"},
		{Name: "pipe.jpg", Typeflag: tar.TypeFifo}, {Name: "disk.jpg", Typeflag: tar.TypeBlock}, {Name: "folder/", Typeflag: tar.TypeDir},
	} {
		must(t, tw.WriteHeader(&h))
		_, err := io.WriteString(tw, "good"[:h.Size])
		must(t, err)
	}
	must(t, tw.Close())
	items, failed, err = one(t, "a.tgz", gzipped(t, tb.Bytes()), source.Photos)
	must(t, err)
	equal(t, "taken", ids(items), []string{"good.jpg"})
	want = map[string]source.Reason{
		"../evil.jpg": source.UnsafeName, "/evil.jpg": source.UnsafeName, "link.jpg": source.ArchivedLink, "hard.jpg": source.ArchivedLink,
		"pipe.jpg": source.Special, "disk.jpg": source.Special,
	}
	if fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("failed: %v", failed)
	}
}

// without writes a zip again and leaves one entry out.
func without(t *testing.T, data []byte, name string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range r.File {
		if f.Name != name {
			must(t, w.Copy(f))
		}
	}
	must(t, w.Close())
	return b.Bytes()
}

func TestBombInATape(t *testing.T) {
	big := file{"zeros.jpg", strings.Repeat("\x00", slack+slack/8)}
	if _, _, err := one(t, "a.tgz", tgzOf(t, big), source.Photos); !errors.Is(err, ErrBomb) {
		t.Errorf("%v", err)
	}
}

// A byte that is another, or one that lacks, is never success: the archive is
// refused, or the item fails by name.
func TestDamageNeverPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte(r.IntN(256))
	}
	files := []file{{"a.jpg", string(noise)}, {"b.jpg", strings.Repeat("text ", 900)}, {"c.jpg", "c"}}
	for name, data := range map[string][]byte{"a.zip": zipOf(t, files...), "a.tgz": tgzOf(t, files...)} {
		s := newStand(t)
		check := func(what string, bad []byte) {
			t.Helper()
			s.write(name, bad)
			s.shelf.Forget()
			x, err := s.open(name)
			if err != nil {
				return
			}
			items, failed, err := list(t, x, source.Photos)
			if err != nil {
				return
			}
			for _, f := range files {
				if g, ok := items[f.name]; ok && g.err == nil && g.data != f.data {
					t.Errorf("%s, %s: %s is another, and nothing is said", name, what, f.name)
				} else if !ok && failed[f.name] == "" && len(items)+len(failed) < len(files) {
					t.Errorf("%s, %s: %s is left out, and nothing is said", name, what, f.name)
				}
			}
		}
		for cut := 0; cut < len(data); cut += 1 + len(data)/200 {
			check(fmt.Sprintf("cut at %d", cut), data[:cut])
		}
		for range 400 {
			bad := bytes.Clone(data)
			at := r.IntN(len(bad))
			bad[at] ^= 1 << r.IntN(8)
			check(fmt.Sprintf("byte %d", at), bad)
		}
	}
}

func TestOverlappingEntriesAreRefused(t *testing.T) {
	data := zipOf(t, file{"a.jpg", "one"}, file{"b.jpg", "two"})
	// The second entry is said to begin where the first does.
	i := bytes.LastIndex(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[i+42:], 0)
	if _, _, err := one(t, "a.zip", data, source.Photos); !errors.Is(err, ErrOverlap) {
		t.Errorf("%v", err)
	}
}

// More than it says, or less.
func TestSizesThatAreLies(t *testing.T) {
	for _, size := range []uint32{1, 2, 4, 1000, math.MaxUint32 - 1} {
		data := zipOf(t, file{"a.jpg", "one"})
		i := bytes.LastIndex(data, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(data[i+24:], size)
		items, failed, err := one(t, "a.zip", data, source.Photos)
		if err == nil && failed["a.jpg"] == "" && items["a.jpg"].err == nil {
			t.Errorf("%d bytes: %q", size, items["a.jpg"].data)
		}
	}
	data := zipOf(t, file{"a.jpg", "one"})
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint16(data[end+10:], 2)
	if _, _, err := one(t, "a.zip", data, source.Photos); err == nil {
		t.Error("a list that is shorter than it says passes")
	}
}

func TestForeignFilesAreNoArchives(t *testing.T) {
	for name, data := range map[string]string{"text.zip": "hello, I am a text", "empty.zip": "", "short.tgz": "\x1f\x8b", "page.zip": "<html>sign in</html>"} {
		if _, _, err := one(t, name, []byte(data), source.Photos); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	items, failed, err := one(t, "none.zip", zipOf(t), source.Photos)
	if err != nil || len(items)+len(failed) != 0 {
		t.Errorf("an empty archive: %v %v %v", items, failed, err)
	}
}

// An archive that is changed while it is read is never success.
func TestArchiveThatChanges(t *testing.T) {
	s := newStand(t)
	s.write("a.zip", zipOf(t, file{"a.jpg", "one"}))
	x, err := s.open("a.zip")
	must(t, err)
	in, err := x.volumes[0].open(t.Context(), 0)
	must(t, err)
	must(t, os.Chtimes(filepath.Join(s.dir, "a.zip"), later(), later()))
	if _, err := io.ReadAll(in); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
	if _, _, err := list(t, x, source.Photos); err == nil {
		t.Error("the listing passes")
	}
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
