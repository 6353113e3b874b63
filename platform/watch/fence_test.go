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
)

// While another source is never quiet, each change is told before its fence.
func TestFenceUnderLoad(t *testing.T) {
	b := newBench(t)
	noisy, quiet := mkdir(t, b.dir, "noisy"), mkdir(t, b.dir, "quiet")
	b.add("n", noisy)
	b.add("q", quiet)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				dir := filepath.Join(noisy, fmt.Sprint(w), fmt.Sprint(i%50))
				_ = os.MkdirAll(dir, 0o700)
				_ = os.WriteFile(filepath.Join(dir, fmt.Sprint(i%7)), nil, 0o600)
				if i%13 == 0 {
					_ = os.RemoveAll(dir)
				}
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for i := range 200 {
		b.tells("q", "a file", func() { write(t, filepath.Join(quiet, fmt.Sprint(i%10))) })
	}
}

// The fence waits for the callback, not only for the event.
func TestFenceWaitsForASlowCallback(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	entered, gate := make(chan struct{}, 1000), make(chan struct{})
	b.mu.Lock()
	b.hold = func() { entered <- struct{}{}; <-gate }
	b.mu.Unlock()
	write(t, filepath.Join(b.dir, "f"))
	<-entered // the callback runs, and does not return
	before := b.epoch("r")
	for i := range 500 {
		write(t, filepath.Join(b.dir, fmt.Sprint(i)))
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Fence(short, "r"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the fence ended before the callback: %v", err)
	}
	close(gate)
	b.fence("r")
	// One for the call that was held, at least one for what came meanwhile,
	// and far fewer than events.
	if n := b.epoch("r") - before; n < 2 || n > 100 {
		t.Fatalf("%d calls for 500 writes during one slow call", n)
	}
}

func TestFenceEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	gate := make(chan struct{})
	b.loop.post(func() { <-gate })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Fence(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(gate)
	b.fence()
}

func TestFolderForFencesLost(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	must(t, os.RemoveAll(b.loop.opts.Cookies))
	// The first fence may still find the folder missing; the loop makes it anew.
	deadline := time.Now().Add(limit)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := b.Fence(ctx)
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	b.tells("r", "a write", func() { write(t, filepath.Join(b.dir, "f")) })
}

func TestStaleCookiesAreCleared(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fence-1"))
	write(t, filepath.Join(dir, "other"))
	must(t, prepareCookies(dir))
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "other" {
		t.Errorf("left in the folder for fences: %v", entries)
	}
}

// flood makes more events than the kernel's queue holds while the loop stands.
func (b *bench) flood(root string) {
	b.t.Helper()
	gate := make(chan struct{})
	b.loop.post(func() { <-gate })
	names := [2]string{filepath.Join(root, "flood1"), filepath.Join(root, "flood2")}
	write(b.t, names[0])
	for i := range 16_000 {
		must(b.t, os.Rename(names[i%2], names[(i+1)%2])) // two events each
	}
	close(gate)
}

func TestOverflowIsFollowedByARescan(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	b.add("r", root)
	b.add("other", mkdir(t, b.dir, "other"))
	b.seen("r")
	b.flood(root)
	mkdir(t, root, "made", "while", "deaf")
	b.fence()
	if k := b.seen("r"); k&Rescan == 0 {
		t.Fatalf("the queue overflowed, but only %v was told", k)
	}
	if k := b.seen("other"); k&Rescan == 0 {
		t.Fatal("the other source of the same queue was not told")
	}
	b.wantMode("r", Live, 4)
	if s := b.stat("r"); s.Rescans != 1 {
		t.Errorf("%d rescans", s.Rescans)
	}
	b.tells("r", "a write after the rescan", func() { write(t, filepath.Join(root, "made", "while", "deaf", "f")) })
}

// A storm of overflows is not answered by a storm of rescans.
func TestStormIsPolledForAWhile(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	b.add("r", root)
	for range stormStrikes {
		b.flood(root)
		b.fence()
	}
	s := b.stat("r")
	if s.Mode != Polled || s.Why != stormWhy || s.RetryAt.IsZero() {
		t.Fatalf("after %d overflows at one moment: %+v", stormStrikes, s)
	}
	b.tells("r", "a write while polled", func() { write(t, filepath.Join(root, "f")) })
	b.clock.advance(time.Minute)
	b.fence()
	b.wantMode("r", Live, 1)
	b.tells("r", "a write while live again", func() { write(t, filepath.Join(root, "f")) })
}
