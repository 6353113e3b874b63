package eds

import (
	"context"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

func (d *desk) watch(t testing.TB, uids ...string) *Watch {
	t.Helper()
	w, err := d.client.Watch(t.Context(), uids)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return w
}

// counting returns the events that count, after a fence.
func counting(t testing.TB, w *Watch) map[Event]bool {
	t.Helper()
	if err := w.Fence(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := map[Event]bool{}
	for _, e := range w.Take() {
		if e.Change.Counts() {
			list[e] = true
		}
	}
	return list
}

// heard waits for an event.
func heard(t testing.TB, w *Watch, want Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		select {
		case <-w.Wake():
		case <-ctx.Done():
			t.Fatalf("never heard %+v", want)
		}
		for _, e := range w.Take() {
			if e == want {
				return
			}
		}
	}
}

func TestChangesAreHeardBehindAFence(t *testing.T) {
	d := startClient(t, Options{})
	lists := map[string]func(int) string{personal: func(i int) string { return card(i) }, "system-memo-list": memo, "system-task-list": task}
	w := d.watch(t, personal, "system-memo-list", "system-task-list")
	counting(t, w)
	other := New(dial(t, d.Session), Options{})
	for uid, item := range lists {
		s, err := other.Open(t.Context(), uid)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			create(t, s, item(i))
			if got := counting(t, w); !got[Event{ItemsChanged, uid}] || len(got) != 1 {
				t.Fatalf("after a change of %s: %v", uid, got)
			}
		}
		if got := counting(t, w); len(got) != 0 {
			t.Errorf("without a change: %v", got)
		}
	}
	shelf := Shelf{Kind: MemoList, Account: "a", Name: "Kept"}
	if _, err := other.Ensure(t.Context(), shelf); err != nil {
		t.Fatal(err)
	}
	if got := counting(t, w); !got[Event{SourceAdded, shelf.UID()}] {
		t.Errorf("after a new source: %v", got)
	}
}

// Opening, refreshing, listing and fetching raise nothing that counts.
func TestReadingDoesNotCount(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 50, Events: 10})
	book, calendar := b.child(t, AddressBook).UID, b.child(t, Calendar).UID
	w := b.watch(t, book, calendar, personal)
	read := func() {
		for _, uid := range []string{book, calendar, personal} {
			s, err := b.client.Open(t.Context(), uid)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			fetch(t, s, keys(t, s).UIDs()...)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	read() // the first one fetches what the server has
	counting(t, w)
	read()
	if got := counting(t, w); len(got) != 0 {
		t.Errorf("reading raised %v", got)
	}
	if _, err := b.account.PutContact("contacts", "new.vcf", []byte(card(1000))); err != nil {
		t.Fatal(err)
	}
	read()
	if got := counting(t, w); !got[Event{ItemsChanged, book}] || len(got) != 1 {
		t.Errorf("after a change at the server: %v", got)
	}
	b.remove(t)
	if got := counting(t, w); !got[Event{SourceRemoved, book}] || !got[Event{SourceRemoved, calendar}] {
		t.Errorf("after the removal: %v", got)
	}
}

func TestLostServicesAreHeardAndRenewed(t *testing.T) {
	d := startClient(t, Options{})
	w := d.watch(t, personal)
	d.kill(t, string(addressBooks))
	heard(t, w, Event{Lost, personal})
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	counting(t, w)
	// a revision is a second and a counter, which a new factory begins anew:
	// one change in the second of the kill may pass unheard
	s, n := d.open(t, personal), 0
	until(t, "a change after renewing", func() bool {
		create(t, s, card(n))
		n++
		return counting(t, w)[Event{ItemsChanged, personal}]
	})
	d.kill(t, string(sourceRegistry))
	heard(t, w, Event{Lost, ""})
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.client.Sources(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBusThatComesBack(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	create(t, s, card(1))
	w := d.watch(t, personal)
	if err := d.StopBus(); err != nil {
		t.Fatal(err)
	}
	heard(t, w, Event{Lost, personal})
	_, err := s.Keys(t.Context())
	is(t, err, ErrUnavailable)
	if err := d.StartBus(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the store answers again", func() bool {
		l, err := s.Keys(t.Context())
		return err == nil && len(l.Keys) == 1
	})
	if err := w.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	counting(t, w)
}
