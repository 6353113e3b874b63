package scan_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/scan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte("x"), 0o600))
}

func open(t testing.TB, dir string) *scan.Root {
	t.Helper()
	r, err := scan.Open(dir)
	must(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func walk(t testing.TB, r *scan.Root, o scan.Options) ([]string, scan.Summary, error) {
	t.Helper()
	var paths []string
	s, err := r.Walk(t.Context(), o, func(list []scan.Entry) error {
		for _, e := range list {
			paths = append(paths, e.Path)
		}
		return nil
	})
	slices.Sort(paths)
	return paths, s, err
}

func TestWalkListsEveryFileOnce(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 5000 { // more than one buffer of names
		want = append(want, fmt.Sprintf("flat/file-with-a-long-name-%05d.jpg", i))
	}
	for i := range 50 {
		want = append(want, strings.Repeat("d/", i)+"deep", fmt.Sprintf("w%d/x", i))
	}
	want = append(want, "bad\xff", "new\nline", "-dash", strings.Repeat("n", 255))
	for _, p := range want {
		write(t, dir+"/"+p)
	}
	slices.Sort(want)
	for _, workers := range []int{1, 8} {
		got, s, err := walk(t, open(t, dir), scan.Options{Workers: workers})
		must(t, err)
		if !slices.Equal(got, want) {
			t.Fatalf("%d workers: %d paths, want %d", workers, len(got), len(want))
		}
		if int(s.Entries) != len(want) || s.Bytes != s.Entries || s.Found != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestFolderThatCannotBeListedMakesTheListingIncomplete(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root may read everything: a folder so deep that it is not walked
		// stands in for one that refuses.
		dir := t.TempDir()
		d, err := os.Open(dir)
		must(t, err)
		fd := int(d.Fd())
		for range 1100 {
			must(t, unix.Mkdirat(fd, "d", 0o700))
			next, err := unix.Openat(fd, "d", unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
			must(t, err)
			if fd != int(d.Fd()) {
				must(t, unix.Close(fd))
			}
			fd = next
		}
		must(t, unix.Close(fd))
		must(t, d.Close())
		write(t, dir+"/a")
		got, s, err := walk(t, open(t, dir), scan.Options{})
		ie, ok := errors.AsType[*scan.IncompleteError](err)
		if !ok || ie.Count != 1 || s.Findings[0].Kind != scan.TooDeep || len(got) != 1 {
			t.Fatalf("%v %v %+v", got, err, s)
		}
		return
	}
	dir := t.TempDir()
	write(t, dir+"/a")
	write(t, dir+"/closed/b")
	must(t, os.Chmod(dir+"/closed", 0))
	defer func() { must(t, os.Chmod(dir+"/closed", 0o700)) }()
	got, s, err := walk(t, open(t, dir), scan.Options{})
	if !errors.As(err, new(*scan.IncompleteError)) || s.Hidden != 1 || len(got) != 1 {
		t.Fatalf("%v %v %+v", got, err, s)
	}
}

func TestPathsBeyondPathMax(t *testing.T) {
	dir := t.TempDir()
	at, err := os.OpenRoot(dir)
	must(t, err)
	name := strings.Repeat("n", 200)
	for range 40 { // 8,000 bytes
		must(t, at.Mkdir(name, 0o700))
		next, err := at.OpenRoot(name)
		must(t, err)
		must(t, at.Close())
		at = next
	}
	must(t, at.WriteFile("end", []byte("x"), 0o600))
	must(t, at.Close())
	r := open(t, dir)
	got, _, err := walk(t, r, scan.Options{})
	must(t, err)
	if len(got) != 1 || len(got[0]) != 40*201+3 {
		t.Fatalf("%d paths", len(got))
	}
	f, _, err := r.OpenFile(got[0])
	must(t, err)
	must(t, f.Close())
}

func TestOwnBagIsSkippedAndAnothersIsNot(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{"mine", "other"} {
		write(t, dir+"/"+id+"/data/x")
		must(t, os.WriteFile(dir+"/"+id+"/bag-info.txt", []byte("A: b\nExternal-Identifier: "+id+"\n"), 0o600))
	}
	got, s, err := walk(t, open(t, dir), scan.Options{BagIDs: map[string]bool{"mine": true}})
	must(t, err)
	if !slices.Equal(got, []string{"other/bag-info.txt", "other/data/x"}) {
		t.Errorf("%q", got)
	}
	if s.Found != 1 || s.Findings[0].Kind != scan.OwnBag || s.Findings[0].Path != "mine" {
		t.Errorf("%+v", s.Findings)
	}
}

func TestNothingIsOpenedOutsideOrThroughALink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/secret")
	write(t, dir+"/src/d/f")
	must(t, os.Symlink("..", dir+"/src/up"))
	must(t, os.Symlink("d", dir+"/src/in"))
	must(t, os.Symlink("d/f", dir+"/src/link"))
	must(t, unix.Mkfifo(dir+"/src/fifo", 0o600))
	r := open(t, dir+"/src")
	for _, p := range []string{"", ".", "..", "../secret", "/etc/passwd", "up/secret", "in/f", "link", "fifo", "d", "d/../d/f", "d//f", "./d/f", "d/f/", "a\x00b"} {
		if f, _, err := r.OpenFile(p); err == nil {
			t.Errorf("%q was opened", p)
			must(t, f.Close())
		}
	}
	f, st, err := r.OpenFile("d/f")
	must(t, err)
	must(t, f.Close())
	if again, err := r.Lstat("d/f"); err != nil || again != st {
		t.Errorf("%v %v", again, err)
	}
}

func TestWalkEndsWithItsContextAndWithItsReader(t *testing.T) {
	dir := t.TempDir()
	for i := range 3000 {
		write(t, fmt.Sprintf("%s/%d/%d", dir, i%100, i))
	}
	r := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := r.Walk(ctx, scan.Options{}, func([]scan.Entry) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	stop := errors.New("enough")
	if _, err = r.Walk(t.Context(), scan.Options{}, func([]scan.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestRev(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a")
	r := open(t, dir)
	one, err := r.Lstat("a")
	must(t, err)
	seen := map[string]bool{one.Rev(): true}
	for _, change := range []func(*scan.Stat){
		func(s *scan.Stat) { s.Size++ }, func(s *scan.Stat) { s.MtimeNS++ },
		func(s *scan.Stat) { s.CtimeNS++ }, func(s *scan.Stat) { s.Ino++ },
	} {
		s := one
		change(&s)
		if seen[s.Rev()] {
			t.Errorf("%+v has a revision seen before", s)
		}
		seen[s.Rev()] = true
	}
	moved := one
	moved.Dev++
	if moved.Rev() != one.Rev() {
		t.Error("the device number is in the revision")
	}
}

func TestDigestIsOfTheSet(t *testing.T) {
	sum := func(pairs ...string) string {
		var k scan.Keys
		for i := 0; i < len(pairs); i += 2 {
			k.Add(pairs[i], pairs[i+1])
		}
		return k.Digest()
	}
	if sum("a", "1", "b", "2") != sum("b", "2", "a", "1") {
		t.Error("the order counts")
	}
	for _, other := range []string{sum("a", "1"), sum("a", "2", "b", "1"), sum("a1", "", "b", "2"), sum("a", "1", "b", "2", "b", "2")} {
		if sum("a", "1", "b", "2") == other {
			t.Error("two sets, one digest")
		}
	}
}
