package watch

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/scan/scantest"
)

// TestFarRootGivesNoAnswer: roots on a mount whose server is gone hold nobody up,
// not the one that is watched beside them either. They say why, no fence of theirs
// passes, and once the server is back they are seen again by themselves.
func TestFarRootGivesNoAnswer(t *testing.T) {
	dir := t.TempDir()
	back, far, near := mkdir(t, dir, "back"), mkdir(t, dir, "far"), mkdir(t, dir, "near")
	mkdir(t, back, "a")
	mkdir(t, back, "b")
	m := scantest.Mount(t, back, far)
	b := newPatientBench(t, dir, 100*time.Millisecond)
	b.add("near", near)
	b.add("a", filepath.Join(far, "a"))
	b.wantMode("a", Polled, 0)

	m.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := b.Fence(ctx, "a"); err == nil {
		t.Fatal("a fence passed a folder that gives no answer")
	}
	began := time.Now()
	must(t, b.Add(b.ctx(), Source{ID: "b", Root: filepath.Join(far, "b")}))
	for _, id := range []string{"a", "b"} {
		var silent *SilentError
		if err := b.Fence(b.ctx(), id); !errors.As(err, &silent) || silent.Root != filepath.Join(far, id) {
			t.Errorf("the fence of %s: %v", id, err)
		}
		if why := b.stat(id).Why; !strings.Contains(why, "gives no answer") {
			t.Errorf("%s is watched: %s", id, why)
		}
	}
	b.tells("near", "a write beside it", func() { write(t, filepath.Join(near, "f")) })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	waiting := 0
	must(t, inLoop(b, func() {
		for _, s := range b.loop.sources {
			if s.poll.running {
				waiting++
			}
		}
	}))
	if waiting != 1 {
		t.Errorf("%d calls wait for one mount", waiting)
	}

	write(t, filepath.Join(back, "b", "f"))
	m.Answer()
	b.await("b", Files) // the look that waited goes on, and the next one is made
	b.fence()
	b.tells("b", "a write once it is back", func() { write(t, filepath.Join(back, "b", "g")) })
}

// TestMissingRootComesFar: a dead server that is mounted where a root is waited for
// does not hold up the loop.
func TestMissingRootComesFar(t *testing.T) {
	dir := t.TempDir()
	back, far := mkdir(t, dir, "back"), mkdir(t, dir, "far")
	mkdir(t, back, "root")
	b := newPatientBench(t, dir, 100*time.Millisecond)
	b.add("r", filepath.Join(far, "root"))
	b.wantMode("r", Missing, 0)
	m := scantest.Mount(t, back, far)
	m.Hang()
	b.clock.advance(time.Minute)
	b.wantMode("r", Polled, 0)
	m.Answer()
	b.fence("r")
}

// TestUnderAutofs: what is mounted beneath an automounter is as near as its own
// file system is; what is not is never touched from the loop.
func TestUnderAutofs(t *testing.T) {
	ms := mounts{{1, "/", "ext4"}, {2, "/tmp", autofs}, {3, "/tmp/here", "ext4"}}
	var far errFar
	if _, err := ms.resolve("/tmp/there/folder"); !errors.As(err, &far) || far.point != "/tmp" {
		t.Errorf("not mounted yet: %v", err)
	}
	if _, err := ms.resolve("/tmp/here/folder"); errors.As(err, &far) {
		t.Errorf("mounted: %v", err)
	}
}
