package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRootRemovedAndMadeAgain(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "above", "root", "sub")
	root = filepath.Dir(root)
	b.add("r", root)
	b.seen("r")
	must(t, os.RemoveAll(filepath.Dir(root)))
	b.await("r", Gone)
	b.wantMode("r", Missing, 0)
	b.seen("r")
	mkdir(t, root, "sub", "sub")
	b.await("r", Back)
	b.fence("r")
	b.wantMode("r", Live, 3)
	b.tells("r", "a write in the new root", func() { write(t, filepath.Join(root, "sub", "sub", "f")) })
}

func TestRootMovedAway(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	mkdir(t, root, "sub")
	b.add("r", root)
	b.seen("r")
	must(t, os.Rename(root, root+"2"))
	b.fence("r")
	if k := b.seen("r"); k&Gone == 0 {
		t.Fatalf("the root was moved, but only %v was told", k)
	}
	b.silent("r", "a write in what was moved away", func() { write(t, filepath.Join(root+"2", "sub", "f")) })
	must(t, os.Rename(root+"2", root))
	b.fence("r")
	if k := b.seen("r"); k&Back == 0 {
		t.Fatalf("the root came back, but only %v was told", k)
	}
	b.tells("r", "a write after the return", func() { write(t, filepath.Join(root, "sub", "f")) })
}

// Only a look tells that a folder above the root was replaced.
func TestFolderAboveTheRootReplaced(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "above", "root")
	b.add("r", root)
	b.seen("r")
	must(t, os.Rename(filepath.Dir(root), filepath.Join(b.dir, "gone")))
	mkdir(t, root)
	b.fence("r")
	if k := b.seen("r"); k&Back == 0 {
		t.Fatalf("another folder took the root's place, but only %v was told at the fence", k)
	}
	b.tells("r", "a write in the new root", func() { write(t, filepath.Join(root, "f")) })
	must(t, os.Rename(filepath.Dir(root), filepath.Join(b.dir, "gone2")))
	mkdir(t, root)
	b.clock.advance(time.Minute)
	b.await("r", Back)
}

func TestRootThatIsNotThereYet(t *testing.T) {
	b := newBench(t)
	root := filepath.Join(b.dir, "a", "b", "root")
	b.add("r", root)
	b.wantMode("r", Missing, 0)
	b.seen("r")
	mkdir(t, root)
	b.await("r", Back)
	b.wantMode("r", Live, 1)
	b.tells("r", "a write", func() { write(t, filepath.Join(root, "f")) })
}

func TestRootThatIsASymlink(t *testing.T) {
	b := newBench(t)
	one, two := mkdir(t, b.dir, "one"), mkdir(t, b.dir, "two")
	link := filepath.Join(b.dir, "link")
	must(t, os.Symlink("one", link))
	b.add("r", link)
	b.wantMode("r", Live, 1)
	b.tells("r", "a write behind the link", func() { write(t, filepath.Join(one, "f")) })
	must(t, os.Remove(link))
	must(t, os.Symlink(two, link))
	b.tells("r", "another target", func() {})
	b.tells("r", "a write behind the new link", func() { write(t, filepath.Join(two, "f")) })
	b.silent("r", "a write in the old target", func() { write(t, filepath.Join(one, "f")) })
	must(t, os.Remove(link))
	must(t, os.Symlink("link", link))
	if err := b.Fence(b.ctx(), "r"); err == nil {
		t.Fatal("a root that is a link to itself passed a fence")
	}
	b.wantMode("r", Failed, 0)
}

func TestSymlinksAreNotFollowed(t *testing.T) {
	b := newBench(t)
	root, outside := mkdir(t, b.dir, "root"), mkdir(t, b.dir, "outside")
	must(t, os.Symlink(outside, filepath.Join(root, "out")))
	must(t, os.Symlink(root, filepath.Join(root, "loop")))
	b.add("r", root)
	b.wantMode("r", Live, 1)
	b.silent("r", "a write behind a link", func() { write(t, filepath.Join(outside, "f")) })
}

func TestSkippedFolders(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	bag := mkdir(t, root, "deep", "bag", "data")
	bag = filepath.Dir(bag)
	must(t, b.Add(b.ctx(), Source{ID: "r", Root: root, Skip: func(dir string) bool { return dir == bag }}))
	b.fence()
	b.wantMode("r", Live, 2)
	b.silent("r", "a write in the bag", func() {
		write(t, filepath.Join(bag, "f"))
		write(t, filepath.Join(bag, "data", "f"))
		must(t, os.Chmod(bag, 0o750))
	})
	b.tells("r", "a write beside the bag", func() { write(t, filepath.Join(root, "deep", "f")) })
}

func TestFolderForFencesInsideARoot(t *testing.T) {
	b := newBench(t)
	inner := filepath.Dir(b.loop.opts.Cookies)
	b.add("r", inner)
	b.silent("r", "fences", func() { b.fence(); b.fence() })
	if err := b.Add(b.ctx(), Source{ID: "c", Root: b.loop.opts.Cookies}); err == nil {
		t.Error("the folder for fences itself was accepted as a root")
	}
}

func TestNestedRoots(t *testing.T) {
	b := newBench(t)
	inner := mkdir(t, b.dir, "outer", "inner", "sub")
	inner = filepath.Dir(inner)
	outer := filepath.Dir(inner)
	b.add("i", inner)
	b.add("o", outer)
	b.wantMode("o", Live, 3)
	b.wantMode("i", Live, 2)
	for _, id := range []string{"i", "o"} {
		b.tells(id, "a write in both", func() { write(t, filepath.Join(inner, "sub", "f")) })
	}
	b.silent("i", "a write in the outer one", func() { write(t, filepath.Join(outer, "f")) })
	b.seen("i")
	must(t, os.Rename(inner, inner+"2"))
	b.fence()
	if k := b.seen("i"); k&Gone == 0 {
		t.Fatalf("the inner root was moved, but only %v was told", k)
	}
	b.wantMode("o", Live, 3)
	b.tells("o", "a write in the moved one", func() { write(t, filepath.Join(inner+"2", "sub", "f")) })
	must(t, os.Rename(inner+"2", inner))
	b.fence()
	must(t, b.Remove(b.ctx(), "o"))
	b.wantMode("i", Live, 2)
	b.tells("i", "a write after the outer one was given up", func() { write(t, filepath.Join(inner, "sub", "f")) })
	if err := b.Remove(b.ctx(), "o"); !errors.Is(err, ErrNoSource) {
		t.Errorf("removed twice: %v", err)
	}
}

// Both paths to one folder have one watch in the kernel.
func TestBindMountInTwoSources(t *testing.T) {
	b := newBench(t)
	one, two := mkdir(t, b.dir, "one", "sub"), mkdir(t, b.dir, "two")
	one = filepath.Dir(one)
	if err := unix.Mount(one, two, "", unix.MS_BIND, ""); err != nil {
		t.Skip("this run may not mount: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(two, unix.MNT_DETACH) })
	b.add("1", one)
	b.add("2", two)
	for i, path := range []string{filepath.Join(one, "sub"), filepath.Join(two, "sub")} {
		for _, id := range []string{"1", "2"} {
			folder := fmt.Sprintf("new%d%s", i, id)
			b.tells(id, "a write by "+path, func() { write(t, filepath.Join(path, "f")) })
			b.tells(id, "a folder by "+path, func() { mkdir(t, path, folder) })
			b.tells(id, "a write in that", func() { write(t, filepath.Join(path, folder, "f")) })
		}
	}
	b.seen("2")
	must(t, unix.Unmount(two, unix.MNT_DETACH))
	b.fence()
	if k := b.seen("2"); k&Back == 0 {
		t.Fatalf("the root was unmounted, but only %v was told", k)
	}
	b.silent("2", "a write in what was unmounted", func() { write(t, filepath.Join(one, "sub", "g")) })
}

// A tree deeper than a path may be long: shown, tried again, never a hang.
func TestTreeDeeperThanAPath(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	name := strings.Repeat("d", 250)
	fd, err := unix.Open(root, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	for range 20 {
		must(t, unix.Mkdirat(fd, name, 0o700))
		next, err := unix.Openat(fd, name, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		must(t, unix.Close(fd))
		fd = next
	}
	must(t, unix.Close(fd))
	b.add("r", root)
	s := b.stat("r")
	if s.Mode != Live || s.Unwatched != 1 || s.Why == "" || s.RetryAt.IsZero() {
		t.Fatalf("status %+v", s)
	}
	b.clock.advance(time.Minute)
	b.fence()
	if again := b.stat("r"); !again.RetryAt.After(s.RetryAt.Add(time.Minute)) {
		t.Errorf("the second try is at %v, the first was at %v: no backing off", again.RetryAt, s.RetryAt)
	}
}

func TestAddRefuses(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	for _, s := range []Source{{ID: "", Root: b.dir}, {ID: "x", Root: "relative"}, {ID: "r", Root: b.dir}} {
		if err := b.Add(b.ctx(), s); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
	if err := b.Fence(b.ctx(), "nobody"); !errors.Is(err, ErrNoSource) {
		t.Errorf("fence of an unknown source: %v", err)
	}
}

func TestClosedWatcher(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	must(t, b.Close())
	must(t, b.Close())
	_, statusErr := b.Status(b.ctx())
	for what, err := range map[string]error{
		"add": b.Add(context.Background(), Source{ID: "x", Root: b.dir}), "fence": b.Fence(context.Background()), "status": statusErr,
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s on a closed watcher: %v", what, err)
		}
	}
}
