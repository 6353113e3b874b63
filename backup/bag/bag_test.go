package bag

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/source"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func check(t testing.TB, dir string) {
	t.Helper()
	for _, m := range []string{manifestName, tagName} {
		cmd := exec.Command("sha256sum", "-c", "--strict", "--quiet", m)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", m, err, out)
		}
	}
}

func put(t testing.TB, b *Bag, id, text string) Record {
	t.Helper()
	s, err := b.Stage(int64(len(text)))
	must(t, err)
	_, err = io.WriteString(s, text)
	must(t, err)
	it := &source.Item{Key: source.Key{Ref: source.Ref{Account: "a", Dataset: source.Files, Source: "s"}, ID: id}, Path: id}
	must(t, s.Finish(it.ModTime))
	list, err := b.Commit([]Addition{{Item: it, Staged: s}})
	must(t, err)
	return list[0]
}

func TestBornWhole(t *testing.T) {
	dir := t.TempDir()
	b, err := Create(dir, "copy", Options{})
	must(t, err)
	check(t, b.Path())
	if !strings.HasPrefix(b.ID(), idPrefix) || len(b.ID()) != len(idPrefix)+32 {
		t.Errorf("id %q", b.ID())
	}
	must(t, b.Close())
	if _, err := Create(dir, "copy", Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	for _, bad := range []string{"", "..", "a/b", "a\nb"} {
		if _, err := Create(dir, bad, Options{}); err == nil {
			t.Errorf("%q was taken for a name", bad)
		}
	}
	list, err := os.ReadDir(dir)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
	must(t, filepath.WalkDir(filepath.Join(dir, "copy"), func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		st, err := d.Info()
		must(t, err)
		want := fileMode
		switch {
		case d.IsDir():
			want = dirMode
		case strings.Contains(p, "/data/"):
			want = payloadMode
		}
		if st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", p, st.Mode().Perm(), want)
		}
		return nil
	}))
}

func TestFoldedListsSayWhatIsThere(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	defer b.Close()
	r := put(t, b, "dir/a.txt", "one")
	check(t, b.Path()) // the journal alone has it
	must(t, b.Fold(nil))
	check(t, b.Path())
	st, err := os.Stat(filepath.Join(b.Path(), r.Path))
	must(t, err)
	if st.Mode().Perm() != payloadMode {
		t.Errorf("mode %v", st.Mode())
	}
	n := 0
	for got, err := range b.Items() {
		must(t, err)
		if got.Key != r.Key || got.Path != "data/files/dir/a.txt" || got.SHA256 != r.SHA256 || got.State != Copied {
			t.Errorf("%+v", got)
		}
		n++
	}
	if n != 1 || b.Pending() != 0 {
		t.Errorf("%d items, %d pending", n, b.Pending())
	}
}

func TestStrangersFileIsNeverReplaced(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	defer b.Close()
	put(t, b, "x", "x")
	mine := filepath.Join(b.Path(), "data/files/A.txt")
	must(t, os.WriteFile(mine, []byte("mine"), 0o600))
	b.names = newNames(b.root)
	if r := put(t, b, "a.txt", "one"); r.Path != "data/files/a~2.txt" {
		t.Errorf("path %q", r.Path)
	}
	text, err := os.ReadFile(mine)
	must(t, err)
	if string(text) != "mine" {
		t.Errorf("it holds %q", text)
	}
}

func TestLinkInTheBagIsNotFollowed(t *testing.T) {
	outside := t.TempDir()
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	defer b.Close()
	must(t, os.Mkdir(filepath.Join(b.Path(), "data/files"), 0o700))
	must(t, os.Symlink(outside, filepath.Join(b.Path(), "data/files/album")))
	must(t, os.Mkdir(filepath.Join(b.Path(), "data/other"), 0o700))
	must(t, os.Symlink("../other", filepath.Join(b.Path(), "data/files/inner")))
	for id, want := range map[string]string{"album/a": "data/files/album~2/a", "inner/a": "data/files/inner~2/a"} {
		if r := put(t, b, id, id); r.Path != want {
			t.Errorf("%q lies at %q", id, r.Path)
		}
	}
	for _, d := range []string{outside, filepath.Join(b.Path(), "data/other")} {
		if list, err := os.ReadDir(d); err != nil || len(list) != 0 {
			t.Errorf("written through the link: %v %v", list, err)
		}
	}
}

func TestManifestTakenAwayIsMadeAnew(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	put(t, b, "a", "one")
	must(t, b.Fold(nil))
	must(t, b.Close())
	must(t, os.Remove(filepath.Join(b.Path(), manifestName)))
	must(t, os.Remove(filepath.Join(b.Path(), tagName)))
	b, err = Open(b.Path(), Options{})
	must(t, err)
	defer b.Close()
	must(t, b.Fold(nil))
	check(t, b.Path())
	text, err := os.ReadFile(filepath.Join(b.Path(), manifestName))
	must(t, err)
	if strings.Count(string(text), "\n") != 2 {
		t.Errorf("%s", text)
	}
}

func TestExportIsReplacedWholeOrNotAtAll(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	defer b.Close()
	at := filepath.Join(b.Path(), "export/contacts.vcf")
	write := func(text string, fail error) error {
		return b.WriteExport("contacts.vcf", func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return errors.Join(err, fail)
		})
	}
	must(t, write("one", nil))
	must(t, write("two", nil))
	if err := write("thr", errors.New("no")); err == nil {
		t.Error("a failing export passes")
	}
	text, err := os.ReadFile(at)
	must(t, err)
	if string(text) != "two" {
		t.Errorf("it holds %q", text)
	}
	if err := b.WriteExport("../data/x", nil); err == nil {
		t.Error("an export beside its folder")
	}
	check(t, b.Path())
}

func TestFullAndReadOnlyDestination(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a full disk needs a mount, and that needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("SKIPPED: cannot mount a small disk: %v", err)
	}
	defer func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) }()
	b, err := Create(dir, "copy", Options{})
	must(t, err)
	put(t, b, "a", "one")
	s, err := b.Stage(-1)
	must(t, err)
	_, err = s.Write(make([]byte, 4<<20))
	if de, ok := errors.AsType[*DestinationError](err); !ok || de.Trouble != Full {
		t.Errorf("full: %v", err)
	}
	if _, err := b.Stage(8 << 20); err == nil {
		t.Error("room was promised that is not there")
	}
	must(t, s.Discard())
	must(t, b.Fold(nil))
	check(t, b.Path())
	must(t, b.Close())
	must(t, unix.Mount("none", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, err = Open(b.Path(), Options{})
	if de, ok := errors.AsType[*DestinationError](err); !ok || de.Trouble != ReadOnly {
		t.Errorf("read-only: %v", err)
	}
}

func TestRemovedDestination(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	defer b.Close()
	must(t, os.RemoveAll(b.Path()))
	_, err = b.Stage(1)
	if de, ok := errors.AsType[*DestinationError](err); !ok || de.Trouble != Gone {
		t.Errorf("%v", err)
	}
	if _, err = Open(b.Path(), Options{}); !errors.As(err, new(*DestinationError)) {
		t.Errorf("%v", err)
	}
	if _, err = Open(t.TempDir(), Options{}); !errors.As(err, new(*NotABagError)) {
		t.Errorf("an empty folder is a bag: %v", err)
	}
}

// A line of the journal is durable before its file is renamed: what a killed run
// left under its temporary name is in the bag all the same.
func TestOpeningFinishesWhatTheJournalSays(t *testing.T) {
	var broken atomic.Bool
	o := Options{Wrap: func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if broken.Load() && op == fault.Rename && strings.HasPrefix(name, "data/") {
				return unix.EIO
			}
			return nil
		})
	}}
	b, err := Create(t.TempDir(), "copy", o)
	must(t, err)
	path := b.Path()
	broken.Store(true)
	s, err := b.Stage(3)
	must(t, err)
	_, err = io.WriteString(s, "one")
	must(t, err)
	must(t, s.Finish(time.Time{}))
	it := &source.Item{Key: source.Key{Ref: source.Ref{Dataset: source.Files}, ID: "a"}, Path: "a"}
	if _, err := b.Commit([]Addition{{Item: it, Staged: s}}); !errors.Is(err, unix.EIO) {
		t.Fatal(err)
	}
	if err := b.Fold(nil); !errors.Is(err, unix.EIO) {
		t.Errorf("it goes on: %v", err)
	}
	must(t, b.Close())
	broken.Store(false)
	// Someone else's file took the place meanwhile.
	must(t, os.WriteFile(filepath.Join(path, "data/files/a"), []byte("mine"), 0o600))
	b, err = Open(path, o)
	must(t, err)
	defer b.Close()
	if got := b.Recovered(); got.Finished != 1 || got.Lost != 0 {
		t.Errorf("%+v", got)
	}
	n := 0
	for r, err := range b.Waiting() {
		must(t, err)
		if n++; r.ID != "a" || r.Path != "data/files/a~2" {
			t.Errorf("%+v", r)
		}
	}
	if n != 1 {
		t.Errorf("%d waiting", n)
	}
	must(t, b.Fold(nil))
	check(t, path)
	text, err := os.ReadFile(filepath.Join(path, "data/files/a~2"))
	must(t, err)
	if string(text) != "one" {
		t.Errorf("it holds %q", text)
	}
}
