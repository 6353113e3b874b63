package enginetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// record is a record in which every part is filled.
func record(id, identity string) *engine.Record {
	at := time.Date(2026, 5, 4, 3, 2, 1, 7, time.UTC)
	a := departure.Account{ID: departure.AccountID("nextcloud", identity), Provider: "nextcloud", Identity: identity, Name: identity}
	return &engine.Record{
		Departure: departure.Departure{ID: id, Account: a, Intent: departure.Delete, Fate: departure.KeptDevice, Opened: at},
		State:     engine.Open, Until: departure.StepTrack,
		Destination: engine.Destination{Folder: "/media/disk", Disk: "d", BagID: "b"},
		Given:       []engine.GivenSource{{ID: "given:1", Dataset: departure.Photos, Path: "/p"}},
		Sources:     []departure.KnownSource{{Source: departure.Source{ID: "s", Dataset: departure.Notes, Remote: true}, Items: 3}},
		Bindings:    []departure.KnownBinding{{ID: "goa:1", Kind: "goa", GoneAt: at, ByUs: true}},
		Trackers:    []string{"org.clearance.FindMyDevice1.Demo"},
		Kinds:       []departure.SeenKind{{ID: "mail", Name: "Mail"}},
		Separate:    []departure.OtherHolder{{ID: "o", Name: "other"}},
		Devices:     []departure.Device{{ID: "d1", Name: "phone", State: departure.DeviceSold}},
		Words:       []departure.Word{{Check: departure.KeptHere, Kind: departure.Decline, Statement: "no", At: at}},
		Authorisations: []departure.Authorisation{{ID: "auth", At: at, From: at, Words: []departure.Digest{"w"},
			Effects: []departure.Effect{departure.UnbindEffect("goa:1")}}},
		Grants: []departure.Grant{{ID: "g-" + id, Authorisation: "auth", Effect: departure.UnbindEffect("goa:1"), From: at}},
		Seal:   &departure.Seal{At: at, End: at, Rows: []departure.SealRow{{Keys: "k", Items: 3, End: at, Intact: true}}},
		Ledger: "l",
	}
}

// StoreContract holds a store against what the engine relies on. open gives the
// same store again when it is called again in one test.
func StoreContract(t *testing.T, open func(t *testing.T) engine.Store) {
	ctx := t.Context()
	event := func(text string) engine.Event {
		return engine.Event{At: time.Unix(5, 6).UTC(), Departure: "one", Kind: "k", Text: text}
	}
	t.Run("a record comes back as it was saved", func(t *testing.T) {
		s := open(t)
		rec := record("one", "a@h")
		must(t, s.Create(ctx, rec, event("created")))
		must(t, s.Save(ctx, rec))
		got, err := s.Load(ctx, "one")
		must(t, err)
		if d := cmp.Diff(rec, got); d != "" {
			t.Errorf("loaded record (-saved +loaded):\n%s", d)
		}
		if _, err := s.Load(ctx, "none"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Load of none: %v", err)
		}
	})
	t.Run("an older version is refused and nothing of it stays", func(t *testing.T) {
		s := open(t)
		rec := record("one", "a@h")
		must(t, s.Create(ctx, rec))
		old := *rec
		must(t, s.Save(ctx, rec, event("first")))
		old.State = engine.Cancelled
		if err := s.Save(ctx, &old, event("second")); !errors.Is(err, engine.ErrConflict) {
			t.Fatalf("Save of an older version: %v", err)
		}
		got, err := s.Load(ctx, "one")
		must(t, err)
		evs, err := s.Events(ctx, 0, 10)
		must(t, err)
		if got.State != engine.Open || len(evs) != 1 || evs[0].Text != "first" {
			t.Errorf("state %v, events %v", got.State, evs)
		}
	})
	t.Run("an account is left once at a time", func(t *testing.T) {
		s := open(t)
		first := record("one", "a@h")
		must(t, s.Create(ctx, first))
		if err := s.Create(ctx, record("two", "a@h")); !errors.Is(err, engine.ErrAlreadyOpen) {
			t.Fatalf("second Create: %v", err)
		}
		first.State = engine.Finished
		must(t, s.Save(ctx, first))
		must(t, s.Create(ctx, record("two", "a@h")))
		// One that was closed is not opened again beside it, by nobody.
		version := first.Version
		first.State = engine.Open
		if err := s.Save(ctx, first, event("raised")); !errors.Is(err, engine.ErrAlreadyOpen) {
			t.Fatalf("Save of a second open one: %v", err)
		}
		got, err := s.Load(ctx, "one")
		must(t, err)
		evs, err := s.Events(ctx, 0, 10)
		must(t, err)
		if got.State != engine.Finished || len(evs) != 0 || first.Version != version {
			t.Errorf("state %v, version %d, events %v", got.State, first.Version-version, evs)
		}
		second, err := s.Load(ctx, "two")
		must(t, err)
		second.State = engine.Cancelled
		must(t, s.Save(ctx, second))
		must(t, s.Save(ctx, first))
	})
	t.Run("lists page", func(t *testing.T) {
		s := open(t)
		for i := range 5 {
			must(t, s.Create(ctx, record(fmt.Sprint(i), fmt.Sprint(i, "@h")), event(fmt.Sprint(i))))
		}
		var all []string
		for after := ""; ; {
			ids, err := s.List(ctx, after, 2)
			must(t, err)
			all = append(all, ids...)
			if len(ids) < 2 {
				break
			}
			after = ids[1]
		}
		if d := cmp.Diff([]string{"4", "3", "2", "1", "0"}, all); d != "" {
			t.Error(d)
		}
		evs, err := s.Events(ctx, 3, 1)
		must(t, err)
		if len(evs) != 1 || evs[0].Text != "3" || !evs[0].At.Equal(time.Unix(5, 6)) {
			t.Errorf("events after 3: %v", evs)
		}
	})
	t.Run("accounts and given sources", func(t *testing.T) {
		s := open(t)
		a := departure.Account{ID: "i", Provider: "xiaomi", Identity: "me", Name: "me", Declared: true}
		must(t, s.Declare(ctx, a))
		must(t, s.Declare(ctx, a))
		got, err := s.Declared(ctx)
		must(t, err)
		if d := cmp.Diff([]departure.Account{a}, got); d != "" {
			t.Error(d)
		}
		for _, given := range [][]engine.GivenSource{{{ID: "2", Dataset: departure.Photos, Path: "/b"}, {ID: "1", Dataset: departure.Notes, Path: "/a"}}, nil} {
			must(t, s.SetGiven(ctx, "i", given))
			back, err := s.Given(ctx, "i")
			must(t, err)
			if d := cmp.Diff(given, back); d != "" {
				t.Error(d)
			}
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
