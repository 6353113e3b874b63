package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if inNamespace() {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// inLoop runs f in the loop of a bench.
func inLoop(b *bench, f func()) error {
	_, err := do(b.ctx(), b.loop, func() (none struct{}) { f(); return none })
	return err
}

// limit is the longest wait of a test for something that must come.
const limit = 20 * time.Second

// bench is a watcher with what came of it.
type bench struct {
	*Watcher
	t     *testing.T
	clock *handClock
	dir   string // a folder for roots
	wakes chan []string

	mu    sync.Mutex
	cond  *sync.Cond
	count map[string]int
	kinds map[string]Kind
	hold  func() // called in the callback, without the lock
}

func newBench(t *testing.T) *bench { return newBenchIn(t, t.TempDir()) }

func newBenchIn(t *testing.T, dir string) *bench { return newPatientBench(t, dir, 0) }

func newPatientBench(t *testing.T, dir string, patience time.Duration) *bench {
	t.Helper()
	b := &bench{
		t: t, clock: newHandClock(), dir: dir, wakes: make(chan []string, 100),
		count: map[string]int{}, kinds: map[string]Kind{},
	}
	b.cond = sync.NewCond(&b.mu)
	w, err := New(Options{
		Clock: b.clock, Cookies: filepath.Join(t.TempDir(), "cookies"), Changed: b.changed,
		Wake: func(ids []string) { b.wakes <- ids }, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Watcher = w
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) changed(e Event) {
	b.mu.Lock()
	hold := b.hold
	b.mu.Unlock()
	if hold != nil {
		hold()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count[e.Source]++
	b.kinds[e.Source] |= e.Kind
	b.cond.Broadcast()
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	b.t.Cleanup(cancel)
	return ctx
}

func (b *bench) add(id, root string) {
	b.t.Helper()
	if err := b.Add(b.ctx(), Source{ID: id, Root: root}); err != nil {
		b.t.Fatal(err)
	}
	b.fence()
}

func (b *bench) fence(ids ...string) {
	b.t.Helper()
	if err := b.Fence(b.ctx(), ids...); err != nil {
		b.t.Fatal(err)
	}
}

// epoch is how often a source's changes were told of.
func (b *bench) epoch(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count[id]
}

// seen takes the kinds told of so far.
func (b *bench) seen(id string) Kind {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.kinds[id]
	b.kinds[id] = 0
	return k
}

// await waits for a kind without a fence.
func (b *bench) await(id string, k Kind) {
	b.t.Helper()
	stop := context.AfterFunc(b.ctx(), b.cond.Broadcast)
	defer stop()
	end := time.Now().Add(limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.kinds[id]&k == 0 {
		if time.Now().After(end) {
			b.t.Fatalf("%s: no event %v came within %v, only %v", id, k, limit, b.kinds[id])
		}
		b.cond.Wait()
	}
}

// tells runs f and requires that the change is told of before a fence ends.
func (b *bench) tells(id, what string, f func()) {
	b.t.Helper()
	before := b.epoch(id)
	f()
	b.fence(id)
	if b.epoch(id) == before {
		b.t.Fatalf("%s: nothing was told of: %s", id, what)
	}
}

func (b *bench) silent(id, what string, f func()) {
	b.t.Helper()
	before := b.epoch(id)
	f()
	b.fence(id)
	if n := b.epoch(id); n != before {
		b.t.Fatalf("%s: %d events although nothing of it changed: %s", id, n-before, what)
	}
}

func (b *bench) stat(id string) Status {
	b.t.Helper()
	list, err := b.Status(b.ctx())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range list {
		if s.Source.ID == id {
			return s
		}
	}
	b.t.Fatalf("no status of %q", id)
	return Status{}
}

func (b *bench) wantMode(id string, m Mode, folders int) {
	b.t.Helper()
	if s := b.stat(id); s.Mode != m || s.Folders != folders {
		b.t.Fatalf("%s is %s with %d folders (%s), want %s with %d", id, s.Mode, s.Folders, s.Why, m, folders)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte("x"), 0o600))
}

func mkdir(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	must(t, os.MkdirAll(path, 0o700))
	return path
}

func TestEveryKindOfChangeIsTold(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	old := mkdir(t, root, "old")
	file := filepath.Join(old, "file")
	write(t, file)
	b.add("r", root)
	for _, c := range []struct {
		what string
		do   func()
	}{
		{"write", func() { write(t, file) }},
		{"append", func() {
			f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString("y")
			must(t, errors.Join(err, f.Close()))
		}},
		{"truncate", func() { must(t, os.Truncate(file, 0)) }},
		{"chmod", func() { must(t, os.Chmod(file, 0o640)) }},
		{"times", func() { must(t, os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0))) }},
		{"rename", func() { must(t, os.Rename(file, file+"2")) }},
		{"link", func() { must(t, os.Link(file+"2", file)) }},
		{"symlink", func() { must(t, os.Symlink("/", filepath.Join(old, "link"))) }},
		{"fifo", func() { must(t, unix.Mkfifo(filepath.Join(old, "pipe"), 0o600)) }},
		{"remove", func() { must(t, os.Remove(file)) }},
		{"mkdir", func() { mkdir(t, old, "new") }},
		{"write in a new folder", func() { write(t, filepath.Join(old, "new", "f")) }},
		{"rmdir", func() { must(t, os.RemoveAll(filepath.Join(old, "new"))) }},
		{"chmod of the root", func() { must(t, os.Chmod(root, 0o750)) }},
	} {
		b.tells("r", c.what, c.do)
	}
	b.wantMode("r", Live, 2)
}

func TestNothingIsToldWithoutAChange(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root", "sub")
	write(t, filepath.Join(root, "f"))
	b.add("r", filepath.Dir(root))
	b.silent("r", "reading", func() {
		_, err := os.ReadFile(filepath.Join(root, "f"))
		must(t, err)
		_, err = os.ReadDir(root)
		must(t, err)
	})
	b.silent("r", "a change outside", func() { write(t, filepath.Join(b.dir, "outside")) })
}

// A write through a mapping raises no inotify event: this holds the kernel's
// behaviour that the package comment warns of. A look by stat finds it.
func TestWriteThroughMmapIsNotSeen(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	file := filepath.Join(root, "f")
	must(t, os.WriteFile(file, make([]byte, 4096), 0o600))
	must(t, os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)))
	b.add("r", root)
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	must(t, err)
	defer func() { _ = f.Close() }()
	m, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	defer func() { _ = unix.Munmap(m) }()
	before := digestTree(t.Context(), root, func(string) bool { return false }, func() {})
	b.silent("r", "a write through mmap", func() {
		m[0] = 1
		must(t, unix.Msync(m, unix.MS_SYNC))
	})
	if digestTree(t.Context(), root, func(string) bool { return false }, func() {}) == before {
		t.Error("a look did not find the write through mmap")
	}
}

func TestFoldersMadeDeepAreAllWatched(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	b.add("r", root)
	const writers, rounds = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				deep := filepath.Join(root, fmt.Sprint(w%3), fmt.Sprint(r), fmt.Sprint(w), "a", "b", "c")
				if err := os.MkdirAll(deep, 0o700); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(filepath.Join(deep, "f"), nil, 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.fence("r")
	folders := 0
	must(t, filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if d.IsDir() {
			folders++
		}
		return err
	}))
	b.wantMode("r", Live, folders)
	must(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "c" {
			b.tells("r", path, func() { write(t, filepath.Join(path, "late")) })
		}
		return err
	}))
}

func TestTenThousandFolders(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	for i := range 100 {
		for j := range 99 {
			mkdir(t, root, fmt.Sprint(i), fmt.Sprint(j))
		}
	}
	began := time.Now()
	b.add("r", root)
	t.Logf("10,001 folders watched in %v", time.Since(began))
	b.wantMode("r", Live, 1+100+100*99)
	for i := range 100 {
		b.tells("r", "one file in one folder", func() { write(t, filepath.Join(root, fmt.Sprint(i), fmt.Sprint(i*7%99), "f")) })
	}
	b.tells("r", "a hundred of them moved", func() { must(t, os.Rename(filepath.Join(root, "1"), filepath.Join(root, "moved"))) })
	b.wantMode("r", Live, 1+100+100*99)
	b.tells("r", "all removed", func() { must(t, os.RemoveAll(root)) })
	b.wantMode("r", Missing, 0)
}

func TestRenamedFoldersKeepBeingWatched(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	outside := mkdir(t, b.dir, "outside")
	mkdir(t, root, "a", "b", "c")
	b.add("r", root)
	at := filepath.Join(root, "a")
	for i := range 20 {
		to := filepath.Join(root, fmt.Sprintf("a%d", i))
		b.tells("r", "rename", func() { must(t, os.Rename(at, to)) })
		at = to
		b.tells("r", "write after the rename", func() { write(t, filepath.Join(at, "b", "c", "f")) })
	}
	b.wantMode("r", Live, 4)
	b.tells("r", "moved out", func() { must(t, os.Rename(at, filepath.Join(outside, "x"))) })
	b.wantMode("r", Live, 1)
	b.silent("r", "write in what was moved out", func() { write(t, filepath.Join(outside, "x", "b", "c", "f")) })
	b.tells("r", "moved in", func() { must(t, os.Rename(filepath.Join(outside, "x"), at)) })
	b.tells("r", "write in what was moved in", func() { write(t, filepath.Join(at, "b", "c", "g")) })
	mkdir(t, root, "empty")
	b.tells("r", "moved over an empty folder", func() { must(t, unix.Rename(at, filepath.Join(root, "empty"))) })
	b.tells("r", "write after moving over", func() { write(t, filepath.Join(root, "empty", "b", "c", "h")) })
	b.wantMode("r", Live, 4)
}

// Folders that swap names again and again must each be watched in the end.
func TestSwappedFolders(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	mkdir(t, root, "a", "x")
	mkdir(t, root, "b", "y")
	b.add("r", root)
	p := func(n string) string { return filepath.Join(root, n) }
	for range 50 {
		must(t, os.Rename(p("a"), p("t")))
		must(t, os.Rename(p("b"), p("a")))
		must(t, os.Rename(p("t"), p("b")))
	}
	b.fence("r")
	b.wantMode("r", Live, 5)
	for _, n := range []string{"a/x", "b/y"} {
		b.tells("r", n, func() { write(t, filepath.Join(root, n, "f")) })
	}
	must(t, os.Rename(p("a"), p("t")))
	mkdir(t, root, "a", "z")
	b.fence("r")
	b.wantMode("r", Live, 7)
	for _, n := range []string{"a/z", "t/x", "b/y"} {
		b.tells("r", n, func() { write(t, filepath.Join(root, n, "g")) })
	}
}
