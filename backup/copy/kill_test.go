package copy_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// victim is a run in a process of its own that kills itself at the nth call that
// changes something in the bag. It prints each item as it is acknowledged.
func victim(dir string) {
	at, err := strconv.ParseInt(os.Getenv("CLEARANCE_TEST_KILL_AT"), 10, 64)
	if err != nil {
		panic(err)
	}
	var calls atomic.Int64
	wrap := func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(fault.Op, string) error {
			if calls.Add(1) == at {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return nil
		})
	}
	l, err := ledger.Open(filepath.Join(dir, "state"))
	if err != nil {
		panic(err)
	}
	b, err := bag.Open(filepath.Join(dir, "disk", "copy"), bag.Options{Wrap: wrap})
	if err != nil {
		panic(err)
	}
	root, err := scan.Open(filepath.Join(dir, "Pictures"))
	if err != nil {
		panic(err)
	}
	f := source.Folder{Ref: photos, Root: root, Folder: "Pictures", Now: later}
	_, err = copy.Run(context.Background(), b, l, f.Items(context.Background()), copy.Options{
		Now: later,
		Progress: func(p copy.Progress) {
			fmt.Printf("acknowledged %d\n", p.Copied)
		},
	})
	if err != nil {
		panic(err)
	}
	if err := b.Close(); err != nil {
		panic(err)
	}
	if err := l.Close(); err != nil {
		panic(err)
	}
}

func (w *world) victim(at int) (acknowledged int, killed bool) {
	w.t.Helper()
	w.close()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "CLEARANCE_TEST_VICTIM="+w.dir, "CLEARANCE_TEST_KILL_AT="+strconv.Itoa(at))
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	for l := range strings.Lines(out.String()) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(l), "acknowledged "); ok {
			acknowledged, _ = strconv.Atoi(n)
		}
	}
	if err == nil {
		return acknowledged, false
	}
	if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || st.Signal() != syscall.SIGKILL {
		w.t.Fatalf("victim at %d: %v\n%s", at, err, errs.String())
	}
	return acknowledged, true
}

func (w *world) fill(n int) {
	w.t.Helper()
	for i := range n {
		w.write(fmt.Sprintf("%d/p%d.jpg", i%3, i), strings.Repeat(fmt.Sprint("photo ", i, " "), 1+i*7))
	}
	w.write("big.mp4", strings.Repeat("0123456789abcdef", 20_000)) // made durable alone
	w.write("same.jpg", "photo 1 photo 1 photo 1 photo 1 photo 1 photo 1 photo 1 photo 1 ")
}

// A run killed at any call leaves a bag that sha256sum accepts, loses nothing
// that it acknowledged, and is completed by the next one. Kills go on in one and
// the same bag while items are added and changed, so that what is killed is also
// recovery and folding.
func TestKilledAtEveryCall(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	w := newWorld(t)
	w.fill(20)
	for at, round := 1, 0; ; at += step {
		acknowledged, killed := w.victim(at)
		w.check()
		w.open()
		if n := w.ledger.Len(); n < acknowledged {
			t.Fatalf("killed at %d: %d acknowledged, %d in the ledger", at, acknowledged, n)
		}
		w.close()
		if killed {
			continue
		}
		w.check()
		if c := w.cover(); !c.Whole() {
			t.Fatalf("at %d: %+v", at, c)
		}
		w.close()
		if round++; round == 3 {
			break
		}
		w.write(fmt.Sprintf("new%d.jpg", round), fmt.Sprint("new ", round))
		w.write("0/p0.jpg", fmt.Sprint("changed ", round))
		at = 0
	}
	for name, text := range w.contents() {
		if strings.HasPrefix(name, "data/photos/Pictures/new") && !strings.HasPrefix(text, "new ") {
			t.Errorf("%s: %q", name, text)
		}
	}
	// Nothing is there twice because of a kill: 20 + big, of which one equals
	// another, and two new and two changed ones.
	if n := len(w.contents()); n != 25 {
		t.Errorf("%d files in the bag, want 25: %v", n, w.contents())
	}
}
