package hostile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// hammering is how long the source is changed under each copy and restoring.
const hammering = time.Second

// TestHammer copies while others rename, replace, cut off, grow and swap for
// links whatever they can reach: what is in the bag is whole, and nothing of
// anybody else's is in it.
func TestHammer(t *testing.T) {
	h := newHome(t)
	for i := range 40 {
		h.write(fmt.Sprintf("d%d/e/%d.jpg", i%4, i), strings.Repeat(fmt.Sprint(i), 5000))
	}
	copies := 0
	h.hammer(h.src, func() {
		copies++
		if _, err := h.copy(); err != nil {
			t.Fatalf("copy %d: %v", copies, err)
		}
		h.whole()
	})
	h.canary()
	if copies < 2 {
		t.Errorf("only %d copies", copies)
	}
	t.Logf("%d copies", copies)
}

// TestHammeredTarget restores while others swap the target's folders for links.
func TestHammeredTarget(t *testing.T) {
	h := newHome(t)
	for i := range 40 {
		h.write(fmt.Sprintf("d%d/e/%d.jpg", i%4, i), fmt.Sprint("photo ", i))
	}
	if _, err := h.copy(); err != nil {
		t.Fatal(err)
	}
	must(t, os.MkdirAll(h.target()+"/photos/Pictures", 0o700))
	refused, runs := 0, 0
	h.hammer(h.target()+"/photos/Pictures", func() {
		runs++
		if _, err := h.restore(); err != nil {
			refused++ // a folder that is swapped while it is written to
		}
	})
	h.canary()
	t.Logf("%d runs, %d refused", runs, refused)
	if runs < 2 {
		t.Errorf("only %d runs", runs)
	}
}

// hammer changes what lies beneath dir for a while, and calls run meanwhile.
func (h *home) hammer(dir string, run func()) {
	h.t.Helper()
	root, err := os.OpenRoot(dir)
	must(h.t, err)
	defer root.Close()
	ctx, cancel := context.WithTimeout(h.t.Context(), hammering)
	defer cancel()
	var wg sync.WaitGroup
	for seed := range uint64(2) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, seed))
			for ctx.Err() == nil {
				h.blow(r, root)
			}
		})
	}
	for ctx.Err() == nil && !h.t.Failed() {
		run()
	}
	cancel()
	wg.Wait()
}

// blow is one change beneath root, which it never leaves itself. Most fail: what
// they are of is gone by then.
func (h *home) blow(r *rand.Rand, root *os.Root) {
	n := r.IntN(40)
	folder := fmt.Sprintf("d%d", n%4)
	deep := folder + "/e"
	file := fmt.Sprintf("%s/%d.jpg", deep, n)
	aside := fmt.Sprintf("aside-%d", r.IntN(1000))
	switch r.IntN(7) {
	case 0: // a folder becomes a link and a folder again
		if root.Rename(folder, aside) == nil && root.Symlink(h.outside, folder) == nil {
			_ = root.Remove(folder)
		}
		_ = root.Rename(aside, folder)
	case 1:
		if root.Rename(deep, aside) == nil && root.Symlink("../../../outside", deep) == nil {
			_ = root.Remove(deep)
		}
		_ = root.Rename(aside, deep)
	case 2: // a file becomes a link
		if root.Rename(file, aside) == nil {
			_ = root.Symlink(h.outside+"/canary.jpg", file)
		}
		_ = root.Rename(aside, file)
	case 3:
		_ = root.Rename(file, fmt.Sprintf("%s/%d.jpg", deep, r.IntN(40)))
	case 4:
		if f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644); err == nil {
			_ = f.Truncate(r.Int64N(20000))
			_ = f.Close()
		}
	case 5: // a hundred bytes at the end
		if f, err := root.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0); err == nil {
			_, _ = f.Write(make([]byte, 100))
			_ = f.Close()
		}
	case 6:
		_ = root.Remove(file)
	}
}
