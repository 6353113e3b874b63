package hostile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/scan"
)

// restored is what a restoring reports.
type restored struct {
	report restore.Report
	err    error
}

func (h *home) target() string { return h.dir + "/restored" }

// restore restores everything of the bag to a folder.
func (h *home) restore() (restore.Report, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), deadline)
	defer cancel()
	r := within(h.t, "restoring", func() restored {
		report, err := h.tryRestore(ctx)
		return restored{report, err}
	})
	return r.report, r.err
}

func (h *home) tryRestore(ctx context.Context) (r restore.Report, err error) {
	from, err := bag.OpenReader(ctx, h.bagDir(), bag.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := restore.NewFolder(h.target(), restore.FolderOptions{})
	if err != nil {
		return r, err
	}
	return restore.Run(ctx, from, to, restore.Selection{}, restore.Options{})
}

// checkRestore restores what the case left of the bag, twice; false where nothing
// was copied.
func (c *hostile) checkRestore(t *testing.T, h *home) bool {
	t.Helper()
	if _, err := os.Lstat(h.bagDir()); errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrPermission) || strings.Contains(h.dest, "pipe") {
		return false
	}
	if c.target != nil {
		c.target(h)
	}
	r, err := h.restore()
	switch {
	case c.unrestored != "":
		if err == nil || !strings.Contains(err.Error(), c.unrestored) {
			t.Errorf("restoring is not refused for %q: %v, %+v", c.unrestored, err, r.All)
		}
		return true
	case err != nil:
		t.Fatalf("restoring: %v", err)
	}
	if whole := c.tamper == nil && c.target == nil && !c.unplaced; whole && (r.Outcome != restore.Complete || r.All.Failed > 0) {
		t.Errorf("restoring is %s: %+v, %.300v", r.Outcome, r.All, r.Failures)
	}
	first := h.found()
	for _, text := range first {
		if strings.Contains(text, secret) {
			t.Error("somebody else's file was restored")
		}
	}
	if c.tamper == nil && c.target == nil && !c.any && !c.unplaced {
		if have := h.payload(); !same(first, have) {
			t.Errorf("restored %.200q of %.200q", first, have)
		}
	}
	again, err := h.restore()
	if err != nil || again.All.Written != 0 || !slices.Equal(first, h.found()) {
		t.Errorf("the second time: %v, %+v", err, again.All)
	}
	return true
}

// found are the contents of the restored files.
func (h *home) found() []string {
	h.t.Helper()
	root, err := scan.Open(h.target())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	must(h.t, err)
	defer root.Close()
	var mu sync.Mutex
	var texts []string
	_, err = root.Walk(h.t.Context(), scan.Options{}, func(entries []scan.Entry) error {
		for _, e := range entries {
			f, _, err := root.OpenFile(e.Path)
			if err != nil {
				return err
			}
			text, err := io.ReadAll(io.LimitReader(f, 1<<20))
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
			mu.Lock()
			texts = append(texts, string(text))
			mu.Unlock()
		}
		return nil
	})
	must(h.t, err)
	slices.Sort(texts)
	return texts
}
