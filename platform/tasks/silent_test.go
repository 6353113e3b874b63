package tasks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/scan/scantest"
	"github.com/clearance-project/clearance/platform/dataset"
)

// farHome is a home in which a program that signs in and one that keeps notes were
// moved to a server, and a folder there was given.
func farHome(t *testing.T) (*desk, *scantest.Far) {
	d := newDesk(t)
	d.patient = 300 * time.Millisecond
	back := d.folder("server", map[string]string{
		"rclone/rclone.conf":     "[cloud]\ntype = webdav\nurl = https://cloud.example/remote.php/dav/files/alice/\nvendor = nextcloud\nuser = alice\n",
		"obsidian/obsidian.json": `{"vaults":{"a":{"path":"` + filepath.Join(d.session.Home, "far", "vault") + `","ts":1}}}`,
		"vault/.obsidian/app":    "{}",
		"vault/note.md":          "# Note\n",
		"photos/one.txt":         "one",
	})
	at := filepath.Join(d.session.Home, "far")
	must(t, os.Mkdir(at, 0o700))
	m := scantest.Mount(t, back, at)
	for _, program := range []string{"rclone", "obsidian"} {
		must(t, os.Symlink(filepath.Join(at, program), filepath.Join(d.session.ConfigHome, program)))
	}
	d.cfg.Finders = Finders(d.cfg.Dirs)
	d.declared(map[departure.Dataset]string{departure.Files: filepath.Join(at, "photos")})
	d.job.Departure.Fate = departure.WipedDevice // its own notes count
	return d, m
}

// TestDeadServerInTheHome: a server that is gone, from which files of a person's
// programs come and a folder that was given, holds up no look, no fence and no
// watch. What is not known is said with the folder and what to do; one call at most
// waits for each thing, however often it is looked; and once the server is back the
// next look goes on by itself.
func TestDeadServerInTheHome(t *testing.T) {
	d, m := farHome(t)
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan departure.SourceID, 1000)
	must(t, d.Watch(ctx, d.job, func(id departure.SourceID) { changed <- id }))
	look := d.look()
	if !look.Complete || len(look.Listings) != 2 || !look.Listings[0].Complete || !look.Listings[1].Complete {
		t.Fatalf("before: %+v", look)
	}
	must(t, d.Fence(t.Context(), d.job, look))

	m.Hang()
	began := time.Now()
	look = d.look()
	t.Logf("the first look took %v: %s", time.Since(began), look.Why.Text)
	for _, says := range []string{"rclone", "gives no answer", m.At, "Bring that back, or unmount it"} {
		if look.Complete || !strings.Contains(look.Why.Text, says) {
			t.Errorf("it is not said that %q: %+v", says, look.Why)
		}
	}
	for _, l := range look.Listings {
		if l.Complete || !strings.Contains(l.Why.Text, m.At) || strings.Count(l.Why.Text, m.At) > 1 {
			t.Errorf("%s: %+v", l.Source.Name, l.Why)
		}
	}
	s := &survey{w: d.Worker, job: d.job}
	s.findStores(t.Context())
	if !strings.Contains(s.missing.Text, "obsidian") || !strings.Contains(s.missing.Text, m.At) {
		t.Errorf("of the notes it is said: %+v", s.missing)
	}
	must(t, s.close(t.Context()))
	before := runtime.NumGoroutine()
	began = time.Now()
	for range 5 {
		if d.look().Complete {
			t.Fatal("what gives no answer was looked at")
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("five more looks took %v", took)
	}
	if now := runtime.NumGoroutine(); now > before+2 {
		t.Errorf("%d calls wait, and after five looks %d", before, now)
	}
	if err := d.Fence(t.Context(), d.job, look); !errors.Is(err, scan.ErrNoAnswer) {
		t.Errorf("the fence: %v", err)
	}
	job := d.job
	job.Departure.ID = "D2"
	began = time.Now()
	other, end := context.WithCancel(t.Context())
	if err := d.Watch(other, job, func(departure.SourceID) {}); err == nil {
		t.Log("the sources are watched as far as they can be")
	}
	end()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("to begin watching took %v", took)
	}

	m.Answer()
	eventually(t, "it is looked at again", func() bool {
		look = d.look()
		return look.Complete && len(look.Listings) == 2 && look.Listings[0].Complete && look.Listings[1].Complete
	})
	eventually(t, "a fence passes", func() bool { return d.Fence(t.Context(), d.job, look) == nil })
	if len(changed) == 0 {
		t.Error("nothing was told of it")
	}
	cancel()
}

// TestDeadServerAtTheEnd: who ends waits for no server.
func TestDeadServerAtTheEnd(t *testing.T) {
	d, m := farHome(t)
	d.patient = time.Hour
	m.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := d.Look(ctx, d.job, quiet); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// TestSlowIsNotGone: what is only slow is waited for, with no server gone.
func TestSlowIsNotGone(t *testing.T) {
	d := newDesk(t)
	d.patient = 20 * time.Millisecond
	stores, err := askedOf(t.Context(), d.Worker, "slow", func(context.Context) ([]dataset.Store, error) {
		<-time.After(300 * time.Millisecond)
		return []dataset.Store{{}}, nil
	}, closeStores)
	if len(stores) != 1 || err != nil {
		t.Errorf("%v, %v", stores, err)
	}
}

// TestLateStoresAreClosed: nobody waits any more, and what comes is closed.
func TestLateStoresAreClosed(t *testing.T) {
	d := newDesk(t)
	gone, closed := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := askedOf(ctx, d.Worker, "late", func(context.Context) ([]dataset.Store, error) {
		cancel()
		<-gone
		return []dataset.Store{{Close: func() error { close(closed); return nil }}}, nil
	}, closeStores)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(gone)
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("it stays open")
	}
}
