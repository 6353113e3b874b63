package beside

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/packaging/bench/corpus"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// bin is where the programs that are measured are.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "bench-"); err == nil {
			defer os.RemoveAll(bin)
			var out []byte
			out, err = exec.Command("go", "build", "-o", bin, "../engine", "../measure").CombinedOutput()
			fmt.Fprint(os.Stderr, string(out))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "cannot build what is measured:", err)
			return 1
		}
		return m.Run()
	}())
}

func place(t *testing.T, images bool) *Place {
	t.Helper()
	p, err := Open(t.Context(), filepath.Join(t.TempDir(), "a work folder"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if images && !p.Images {
		t.Skipf("SKIPPED: no file systems can be made here: %s", p.Why)
	}
	// What others run on this machine keeps its caches.
	p.Images, p.whole = images, false
	return p
}

// TestRun measures a tiny corpus with ours and cp, on images and in folders.
func TestRun(t *testing.T) {
	for name, images := range map[string]bool{"images": true, "folders": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place(t, images)
			var said bytes.Buffer
			b := &Bench{Place: p, Bin: bin, Say: &said}
			c := Course{Kind: corpus.Nasty, Files: 60, Runs: 2, PeerRuns: 1, Tasks: []Task{Initial, Again, Verify}, Tools: []string{Ours, "cp -a"}, Names: true}
			rows, missing, err := b.Run(t.Context(), c)
			if err != nil || len(missing) > 0 {
				t.Fatalf("%v, missing %v\n%s", err, missing, said.String())
			}
			for _, want := range []struct {
				task  Task
				label string
				runs  int
			}{
				{Initial, Ours, 2}, {Again, Ours, 2}, {Verify, Ours, 2}, {Verify, "sha256sum -c", 2}, {Initial, "cp -a + sync", 1},
			} {
				i := slices.IndexFunc(rows, func(r report.Row) bool { return r.Task == string(want.task) && r.Tool == want.label })
				if i < 0 {
					t.Errorf("no row for %s of %s", want.task, want.label)
					continue
				}
				r := rows[i]
				if r.Rounds != want.runs || r.Wall <= 0 || r.PeakMB <= 0 || r.Files != 60 || r.Bytes != 60*300 {
					t.Errorf("%+v", r)
				}
				if want.task == Initial && (r.Lost == nil || *r.Lost != 0) {
					t.Errorf("%s lost files: %+v", r.Tool, r)
				}
			}
			// A corpus that stands is taken as it is.
			source, err := p.Source(t.Context(), corpus.Nasty, 60)
			if err != nil {
				t.Fatal(err)
			}
			if source.Bytes != 60*300 {
				t.Errorf("%+v", source.Made)
			}
			if err := source.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOrder: over a whole square each tool comes once at each place, and each
// follows each other one equally often.
func TestOrder(t *testing.T) {
	for n := 1; n <= 7; n++ {
		rounds, times := n, 1
		if n%2 == 1 && n > 1 {
			rounds, times = 2*n, 2
		}
		placed, followed := map[[2]int]int{}, map[[2]int]int{}
		for round := range rounds {
			turns := order(n, round)
			for i, tool := range turns {
				placed[[2]int{i, tool}]++
				if i > 0 {
					followed[[2]int{turns[i-1], tool}]++
				}
			}
		}
		if len(placed) != n*n || len(followed) != n*(n-1) {
			t.Fatalf("%d tools: %d places taken, %d pairs", n, len(placed), len(followed))
		}
		for at, got := range placed {
			if got != times {
				t.Errorf("%d tools: tool %d is at place %d %d times, want %d", n, at[1], at[0], got, times)
			}
		}
		for pair, got := range followed {
			if got != times {
				t.Errorf("%d tools: %d follows %d %d times, want %d", n, pair[1], pair[0], got, times)
			}
		}
	}
}

// TestToolThatIsNotThere: it is named, and one that fails ends the run.
func TestToolThatIsNotThere(t *testing.T) {
	p := place(t, false)
	p.rest = 0
	b := &Bench{Place: p, Bin: t.TempDir(), Say: &bytes.Buffer{}}
	t.Setenv("PATH", t.TempDir())
	c := Course{Kind: corpus.Small, Files: 1, Runs: 1, Tasks: []Task{Initial}, Tools: []string{"borg"}}
	rows, missing, err := b.Run(t.Context(), c)
	if err != nil || len(rows) > 0 || !slices.Equal(missing, []string{"borg (package borgbackup)"}) {
		t.Errorf("%v, missing %v, %v", rows, missing, err)
	}
	c.Tools = []string{Ours}
	if _, _, err := b.Run(t.Context(), c); err == nil {
		t.Error("a tool that cannot be run was measured")
	}
}

// TestCold: what was just written to a volume is not in memory when it is cold,
// and is still there.
func TestCold(t *testing.T) {
	p := place(t, true)
	v, err := p.Volume(t.Context(), 64<<20, 1000)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(v.At, "file")
	if err := os.WriteFile(at, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, at); n == 0 {
		t.Error("nothing of a new file is in memory: the test sees nothing")
	}
	if err := v.chill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, at); n != 0 {
		t.Errorf("%d pages are in memory", n)
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

// resident counts the pages of a file that are in memory.
func resident(t *testing.T, path string) (n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(pages) }()
	seen := make([]byte, (len(pages)+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&pages[0])), uintptr(len(pages)), uintptr(unsafe.Pointer(&seen[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, page := range seen {
		n += int(page & 1)
	}
	return n
}

// stopping ends a run once something was measured.
type stopping struct{ stop context.CancelFunc }

func (s stopping) Write(p []byte) (int, error) { s.stop(); return len(p), nil }

// TestStopped: a run that is stopped leaves no mount, no loop device and no
// process.
func TestStopped(t *testing.T) {
	p := place(t, true)
	p.rest = 0
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	b := &Bench{Place: p, Bin: bin, Say: stopping{stop}}
	_, _, err := b.Run(ctx, Course{Kind: corpus.Small, Files: 50, Runs: 3, Tasks: []Task{Initial, Again}, Tools: []string{Ours}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if mounted, err := p.mounted(); err != nil || len(mounted) > 0 {
		t.Errorf("%v; still mounted: %q", err, mounted)
	}
	if _, err := Open(t.Context(), p.Dir); err == nil {
		t.Error("two runs got the same folder")
	}
}

// TestKilled: what a run that was killed left mounted is taken down by the next.
func TestKilled(t *testing.T) {
	killed := place(t, true)
	if _, err := killed.Volume(t.Context(), 16<<20, 64); err != nil {
		t.Fatal(err)
	}
	if mounted, err := killed.mounted(); err != nil || len(mounted) != 1 {
		t.Fatalf("%v: mounted %q: the test sees nothing", err, mounted)
	}
	if err := unix.Flock(int(killed.lock.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	next, err := Open(t.Context(), killed.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if mounted, err := next.mounted(); err != nil || len(mounted) > 0 {
		t.Errorf("%v; still mounted: %q", err, mounted)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}

// TestGoesOn: a run that was stopped goes on from the trials that it made; one of
// another course or build begins anew, and so does one after the report has it.
func TestGoesOn(t *testing.T) {
	p := place(t, false)
	p.rest = 0
	var said bytes.Buffer
	b := &Bench{Place: p, Bin: bin, Say: &said, Until: time.Now().Add(-time.Hour)}
	c := Course{Kind: corpus.Small, Files: 3, Runs: 2, Tasks: []Task{Initial}, Tools: []string{Ours, "cp -a"}}
	_, _, err := b.Run(t.Context(), c)
	if paused, ok := errors.AsType[*PausedError](err); !ok || paused.Done != 0 || paused.Trials != 4 {
		t.Fatalf("%v", err)
	}
	b.Until = time.Time{}
	first, _, err := b.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	measured := strings.Count(said.String(), "cpu")
	b.Until = time.Now().Add(-time.Hour) // no time for any trial, and none is needed
	again, _, err := b.Run(t.Context(), c)
	if err != nil || !slices.Equal(again, first) || strings.Count(said.String(), "cpu") != measured {
		t.Errorf("%v: %v, then %v", err, first, again)
	}
	other := c
	other.Runs = 3
	if _, _, err := b.Run(t.Context(), other); !errors.As(err, new(*PausedError)) {
		t.Errorf("trials of another course were taken: %v", err)
	}
	if err := errors.Join(b.Forget(&c), b.Forget(&c)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Run(t.Context(), c); !errors.As(err, new(*PausedError)) {
		t.Errorf("forgotten trials were taken: %v", err)
	}
}
