package tasks

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// journey is a departure of a desk's account under the real engine, with a clock
// that the test moves.
type journey struct {
	*desk
	clock *hands
	w     *world.World
	e     *engine.Engine
	id    string
}

// travel brings a departure to ready, as an honest person would.
func travel(t *testing.T, opts davtest.Options, content davtest.Content) *journey {
	t.Helper()
	j := &journey{clock: newHands(), w: world.New()}
	j.desk = newDeskAt(t, j.clock)
	j.signInAt(opts, content, nil)
	j.w.Do(func() { j.w.Tracker = "" })
	config := j.w.Config(&world.Rules{Needs: departure.Web})
	config.Worker, config.Clock, config.Catalogue = j.Worker, j.clock, catalogue{config.Catalogue, j.job}
	j.e = engine.New(config)
	must(t, j.e.Start(t.Context()))
	t.Cleanup(j.e.Close)
	rec := j.w.Record(departure.Delete, j.job.Departure.Account)
	rec.Departure.Opened = j.clock.Now()
	rec.Destination = j.job.Destination
	j.id = rec.Departure.ID
	must(t, j.e.Open(t.Context(), rec))
	stop := j.clock.run()
	defer stop()
	for range 40 {
		s := j.settled()
		if s.Verdict.Ready {
			return j
		}
		must(t, j.w.Answer(t.Context(), j.e, j.id))
	}
	for _, c := range j.snap().Verdict.Checks.Open() {
		t.Errorf("%s %s: %s", c.ID, c.Status, c.Reason.Text)
	}
	t.Fatalf("never ready: %s", j.snap().WaitingWhy)
	return nil
}

// catalogue knows where the account's photos are.
type catalogue struct {
	engine.Catalogue
	job engine.Job
}

func (c catalogue) PhotoFolders(string) []string { return c.job.PhotoFolders }

func (j *journey) snap() engine.Snapshot {
	j.t.Helper()
	s, _, err := j.e.Snapshot(j.t.Context(), j.id)
	must(j.t, err)
	return s
}

func (j *journey) settled() engine.Snapshot {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), time.Minute)
	defer cancel()
	s, err := j.e.Settle(ctx, j.id)
	must(j.t, err)
	return s
}

// watchEvery is how often the engine looks while all is ready.
const watchEvery = 50 * time.Second

// rest waits until nothing is done but waiting for the next look.
func (j *journey) rest() time.Duration {
	j.t.Helper()
	var left time.Duration
	eventually(j.t, "the engine rests", func() (ok bool) { left, ok = j.clock.due(watchEvery); return ok })
	return left
}

// next lets time go by until the next look, and waits for its end.
func (j *journey) next() engine.Snapshot {
	j.t.Helper()
	left, before := j.rest(), j.snap().Verdict.At
	j.clock.move(left)
	eventually(j.t, "the next look", func() bool { return j.snap().Verdict.At.After(before) })
	j.rest()
	return j.snap()
}

// asked counts our own requests at the server; those of the desktop's programs
// are left out.
func (j *journey) asked() int {
	n := 0
	for _, r := range j.server.Requests() {
		if r.Agent == "clearance" {
			n++
		}
	}
	return n
}

// arrives waits until a request meets a fault.
func (j *journey) arrives(f *davtest.Injected, never string) {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.t.Context(), time.Minute)
	defer cancel()
	select {
	case <-f.Arrived():
	case <-ctx.Done():
		j.t.Fatal(never)
	}
}

// TestReadyAsksOnceAMinute: while all is ready and nothing happens, the server is
// asked once a minute for each kind of place (address books, calendars, files),
// and what arrives there turns ready into stop within that minute.
func TestReadyAsksOnceAMinute(t *testing.T) {
	j := travel(t, davtest.Options{}, davtest.Content{Contacts: 5, Events: 2, Photos: 3, Files: 40})
	j.next() // books that went with the account are looked for once more
	j.next()
	j.server.ResetRequests()
	const looks = 12 // ten minutes
	for range looks {
		s := j.next()
		if c, _ := s.Verdict.Checks.Get(departure.ServerSeen); !s.Verdict.Ready || c.Reason.Code != "seen" {
			t.Fatalf("ready %v: %+v", s.Verdict.Ready, s.Verdict.Checks.Open())
		}
	}
	const full = 30 // one look in full, where the desktop's own programs moved something
	if n := j.asked(); n < 3*looks || n > 3*looks+full {
		t.Errorf("%d requests in ten minutes, want three a look", n)
	}
	_, err := j.account.PutContact("contacts", "new.vcf", davtest.Card(4711))
	must(t, err)
	listing := j.server.Inject(davtest.Fault{Method: "PROPFIND", Depth: "1", Path: "/remote.php/carddav/addressbooks/alice/contacts", Hold: true})
	j.clock.move(j.rest())
	j.arrives(listing, "nobody listed the contacts")
	if s := j.snap(); !s.Stale {
		t.Errorf("a minute after a contact arrived, while it is listed: ready %v, stale %v", s.Verdict.Ready, s.Stale)
	}
	copying := j.server.Inject(davtest.Fault{Method: "GET", Path: "/remote.php/", Hold: true})
	listing.Release()
	j.arrives(copying, "nobody fetched the new contact")
	s := j.snap()
	c, _ := s.Verdict.Checks.Get(departure.BackupOf(departure.Contacts))
	if s.Verdict.Ready || c.Status != departure.Fail || c.Count != 1 {
		t.Errorf("a minute after a contact arrived it is ready %v: %+v", s.Verdict.Ready, c)
	}
	j.server.Heal()
	if s := j.settled(); !s.Verdict.Ready {
		t.Errorf("with the contact in the copy: %+v", s.Verdict.Checks.Open())
	}
}

// TestReadyAtAServerWithoutMarks: its files are listed in full less often than
// the rest is looked at, and the person is told until when the last time holds.
func TestReadyAtAServerWithoutMarks(t *testing.T) {
	j := travel(t, davtest.Options{NoState: true}, davtest.Content{Contacts: 5, Events: 2, Files: 5})
	j.next()
	j.next()
	j.server.ResetRequests()
	const looks = 24 // twenty minutes
	for range looks {
		s := j.next()
		c, _ := s.Verdict.Checks.Get(departure.ServerSeen)
		if !s.Verdict.Ready || c.Reason.Code != "seen-in-full" {
			t.Fatalf("ready %v: %+v", s.Verdict.Ready, c)
		}
		if l := listing(t, s.Facts.Look, departure.Files, true); s.Verdict.Until.After(l.EndedAt.Add(departure.ServerLife)) {
			t.Fatalf("it holds until %v, and the files were listed at %v", s.Verdict.Until, l.EndedAt)
		}
	}
	walks, books := 0, 0
	for _, r := range j.server.Requests() {
		switch {
		case r.Agent != "clearance" || r.Depth != "1":
		case r.Path == "/remote.php/webdav/":
			walks++
		case r.Path == "/remote.php/carddav/addressbooks/alice/contacts/":
			books++
		}
	}
	if walks < 2 || walks > 3 {
		t.Errorf("the files were listed %d times in twenty minutes", walks)
	}
	if books < looks {
		t.Errorf("the contacts were listed %d times in %d looks", books, looks)
	}
	// A file that arrives is seen by the next full listing, not before.
	_, err := j.account.PutFile("Documents/new.txt", []byte("new"))
	must(t, err)
	copying := j.server.Inject(davtest.Fault{Method: "GET", Path: "/remote.php/", Hold: true})
	defer j.server.Heal()
	for range 12 {
		j.clock.move(j.rest())
		arrived := false
		eventually(t, "a look", func() bool {
			select {
			case <-copying.Arrived():
				arrived = true
			default:
			}
			_, rests := j.clock.due(watchEvery)
			return arrived || rests
		})
		if arrived {
			return
		}
	}
	t.Error("the new file was never seen")
}

// TestGlanceComparesWithItsOwnLook: what another step listed since is not what the
// last look found, and a change in between is seen.
func TestGlanceComparesWithItsOwnLook(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 5, Files: 3}, nil)
	d.backup()
	d.look()
	glance := d.job
	glance.Glance = true
	if l, err := d.Look(t.Context(), glance, quiet); err != nil || listing(t, l, departure.Contacts, true).SameAt.IsZero() {
		t.Fatalf("%+v, %v", l, err)
	}
	for name, change := range map[string]func() error{
		"contact": func() error { _, err := d.account.PutContact("contacts", "new.vcf", davtest.Card(9)); return err },
		"file":    func() error { _, err := d.account.PutFile("Documents/new.txt", []byte("new")); return err },
	} {
		must(t, change())
		if _, err := d.Seal(t.Context(), d.job, quiet); err != nil {
			t.Fatal(err)
		}
		if l, err := d.Look(t.Context(), glance, quiet); !errors.Is(err, engine.ErrDiffers) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
		d.look()
		if _, err := d.Look(t.Context(), glance, quiet); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGlanceAfterTheClockWasSetBack: how old a listing is nobody knows then, so that
// it is made anew.
func TestGlanceAfterTheClockWasSetBack(t *testing.T) {
	clock := newHands()
	d := newDeskAt(t, clock)
	d.signIn(davtest.Content{Contacts: 5, Files: 3}, nil)
	d.backup()
	d.look()
	clock.move(-time.Hour)
	glance := d.job
	glance.Glance = true
	look, err := d.Look(t.Context(), glance, quiet)
	must(t, err)
	for _, set := range []departure.Dataset{departure.Contacts, departure.Files} {
		if l := listing(t, look, set, true); !l.Complete || l.EndedAt.After(clock.Now()) || !l.SameAt.IsZero() {
			t.Errorf("%s: ended %v, same %v, and it is %v", set, l.EndedAt, l.SameAt, clock.Now())
		}
	}
}

// TestFenceHoldsAgainstItsOwnLook: a look for a plan between a look and its fence
// does not hide what changed in between.
func TestFenceHoldsAgainstItsOwnLook(t *testing.T) {
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 5, Photos: 2, Files: 3}, nil)
	d.backup()
	var mu sync.Mutex
	var heard []departure.SourceID
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	must(t, d.Watch(ctx, d.job, func(id departure.SourceID) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, id)
	}))
	told := func(id departure.SourceID) bool {
		mu.Lock()
		defer mu.Unlock()
		defer func() { heard = nil }()
		return slices.Contains(heard, id)
	}
	for name, change := range map[departure.Dataset]func() error{
		departure.Contacts: func() error { _, err := d.account.PutContact("contacts", "new.vcf", davtest.Card(9)); return err },
		departure.Files:    func() error { _, err := d.account.PutFile("Documents/new.txt", []byte("new")); return err },
		departure.Photos:   func() error { _, err := d.account.PutFile("Photos/new.jpg", []byte("new")); return err },
	} {
		d.fenced()
		l := d.look()
		id := listing(t, l, name, true).Source.ID
		if err := d.Fence(t.Context(), d.job, l); err != nil && !errors.Is(err, errUnwatched) {
			t.Fatal(err)
		}
		if told(id) {
			t.Errorf("%s: a change was told where there was none", name)
		}
		must(t, change())
		plan := d.job
		plan.Departure.ID = ""
		_, err := d.Look(t.Context(), plan, quiet)
		must(t, err)
		// Books that come down just now end the watch of this device, not what the
		// server is asked.
		if err := d.Fence(t.Context(), d.job, l); err != nil && !errors.Is(err, errUnwatched) {
			t.Fatal(err)
		}
		if !told(id) {
			t.Errorf("%s: the change was not told", name)
		}
	}
}
