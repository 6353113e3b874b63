package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, r disk.Root, name, text string) {
	t.Helper()
	f, err := r.Create(name, 0o600)
	must(t, err)
	_, err = f.Write([]byte(text))
	must(t, errors.Join(err, f.Close()))
}

func TestNoNameLeavesTheRootOrFollowsALink(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/root/real", 0o700))
	must(t, os.WriteFile(dir+"/secret", nil, 0o600))
	must(t, os.WriteFile(dir+"/root/real/f", nil, 0o600))
	must(t, os.Symlink("real", dir+"/root/inner"))
	must(t, os.Symlink("..", dir+"/root/up"))
	must(t, os.Symlink("real/f", dir+"/root/link"))
	must(t, unix.Mkfifo(dir+"/root/fifo", 0o600))
	r, err := disk.Open(dir + "/root")
	must(t, err)
	defer r.Close()
	for _, n := range []string{"inner/x", "up/x", "../x", "/x", "", ".", "real/../x", "real//x", "link", "inner"} {
		if f, err := r.Create(n, 0o600); err == nil {
			t.Errorf("%q was created", n)
			must(t, f.Close())
		}
	}
	for _, n := range []string{"inner/f", "up/secret", "../secret", "link", "fifo", "real"} {
		if f, err := r.Open(n); err == nil {
			t.Errorf("%q was opened", n)
			must(t, f.Close())
		}
		if f, err := r.Append(n, 0o600); err == nil {
			t.Errorf("%q was opened for writing", n)
			must(t, f.Close())
		}
	}
	if _, err := r.Create("inner/x", 0o600); !errors.Is(err, disk.ErrLink) {
		t.Errorf("through a link: %v", err)
	}
	must(t, r.Remove("link"))
	if _, err := os.Stat(dir + "/root/real/f"); err != nil {
		t.Error("removing a link removed what it leads to")
	}
}

func TestPlaceNeverReplacesAndReplaceDoes(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.Open(dir)
	must(t, err)
	defer r.Close()
	must(t, r.Mkdir("d", 0o700))
	create(t, r, "a", "a")
	create(t, r, "d/b", "b")
	if err := r.Place("a", "d/b"); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("%v", err)
	}
	must(t, r.Place("a", "d/a"))
	must(t, r.Replace("d/a", "d/b"))
	if text, err := os.ReadFile(dir + "/d/b"); err != nil || string(text) != "a" {
		t.Errorf("%q %v", text, err)
	}
	if _, err := r.Create("d/b", 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	// A folder that was renamed is reached by its new name only.
	must(t, r.Replace("d", "e"))
	if _, err := r.Lstat("d/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := r.Lstat("e/b"); err != nil {
		t.Error(err)
	}
}

func TestFileStatTimeAndLock(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.Open(dir)
	must(t, err)
	defer r.Close()
	f, err := r.Append("a", 0o600)
	must(t, err)
	defer f.Close()
	at := time.Date(1969, 12, 31, 23, 59, 58, 5000, time.UTC)
	must(t, f.SetTime(at))
	st, err := f.Stat()
	must(t, err)
	again, err := r.Lstat("a")
	must(t, err)
	if st.MtimeNS != at.UnixNano() || !st.Same(again) || !st.Mode.IsRegular() {
		t.Errorf("%+v, %+v", st, again)
	}
	must(t, f.TryLock())
	other, err := r.Append("a", 0o600)
	must(t, err)
	defer other.Close()
	if err := other.TryLock(); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("%v", err)
	}
}

func TestManyFoldersAreHeldWithinBounds(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.Open(dir)
	must(t, err)
	defer r.Close()
	for i := range 1000 {
		name := filepath.Join("d", string(rune('a'+i%26)), time.Duration(i).String())
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o700))
		create(t, r, name+"/f", "x")
	}
	open, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	if len(open) > 500 {
		t.Errorf("%d files are open", len(open))
	}
}
