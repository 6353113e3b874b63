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

	"github.com/clearance-project/clearance/backup/source"
)

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
		for cut := 0; cut < len(data); cut += 1 + len(data)/80 {
			check(fmt.Sprintf("cut at %d", cut), data[:cut])
		}
		for range 150 {
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

// One entry that is a bomb does not hold up the others.
func TestOneBombAmongOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	noise := make([]byte, 500_000)
	for i := range noise {
		noise[i] = byte(r.IntN(256))
	}
	items, failed, err := one(t, "a.zip", zipOf(t, file{"good.jpg", string(noise)}, file{"bomb.jpg", strings.Repeat("\x00", slack+1)}), source.Photos)
	must(t, err)
	if len(items) != 1 || items["good.jpg"].data != string(noise) || failed["bomb.jpg"] != source.TooLarge {
		t.Errorf("%q, failed %v", ids(items), failed)
	}
}

// What unpacks to more than it says is not given beyond that.
func TestMoreThanItSaysEndsThere(t *testing.T) {
	data := zipOf(t, file{"a.jpg", strings.Repeat("a", 10<<20)})
	entries, err := zipIndex(t.Context(), bytes.NewReader(data), int64(len(data)))
	must(t, err)
	entries[0].size = 100_000
	in, err := openZip(bytes.NewReader(data), &entries[0])
	must(t, err)
	n, err := io.Copy(io.Discard, in)
	if !errors.Is(err, ErrDamaged) || n > 100_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A tape whose bytes are others than those that were listed.
func TestTapeThatIsAnother(t *testing.T) {
	data, other := tgzOf(t, file{"a.jpg", "one"}), tgzOf(t, file{"a.jpg", "two"})
	x := &index{kind: taped, facts: map[int32]facts{}, kept: map[int32][]byte{}}
	entries, err := tapeIndex(t.Context(), &tape{in: bytes.NewReader(data), size: int64(len(data))}, x.see)
	must(t, err)
	in, err := (&tape{in: bytes.NewReader(other), size: int64(len(other))}).open(t.Context(), &entries[0])
	must(t, err)
	if _, err := io.ReadAll(in); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}
