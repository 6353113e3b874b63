package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// counted is a store that counts what is read of it, and does as a test wants.
type counted struct {
	engine.Store
	mu     sync.Mutex
	loads  int
	loaded func()       // called after a record was read, before it is given
	saved  func() error // called after a record was saved
}

func (c *counted) Load(ctx context.Context, id string) (*engine.Record, error) {
	rec, err := c.Store.Load(ctx, id)
	c.mu.Lock()
	c.loads++
	loaded := c.loaded
	c.loaded = nil
	c.mu.Unlock()
	if loaded != nil {
		loaded()
	}
	return rec, err
}

func (c *counted) Save(ctx context.Context, rec *engine.Record, evs ...engine.Event) error {
	if err := c.Store.Save(ctx, rec, evs...); err != nil {
		return err
	}
	if c.saved != nil {
		return c.saved()
	}
	return nil
}

// counting is an engine over such a store, loaded and not started.
func counting(t *testing.T) (*rig, *counted) {
	w := world.New()
	r := &rig{t: t, w: w, rules: &world.Rules{Needs: departure.Web}}
	cfg := w.Config(r.rules)
	store := &counted{Store: cfg.Store}
	cfg.Store = store
	r.e = engine.New(cfg)
	r.ok(r.e.Load(t.Context()))
	t.Cleanup(r.e.Close)
	r.open(departure.Delete)
	return r, store
}

// same holds that a snapshot shows what the store holds.
func same(t *testing.T, r *rig, store *counted) engine.Snapshot {
	t.Helper()
	s, _, err := r.e.Snapshot(t.Context(), r.id)
	r.ok(err)
	rec, err := store.Store.Load(t.Context(), r.id)
	r.ok(err)
	if d := cmp.Diff(rec, s.Record); d != "" {
		t.Errorf("the store and the snapshot (+) differ:\n%s", d)
	}
	return s
}

func (r *rig) until(step departure.Step) error {
	return r.e.Update(r.t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Until = step
		return nil, nil
	})
}

func TestSnapshotReadsTheStoreOnce(t *testing.T) {
	r, store := counting(t)
	r.ok(r.e.Pass(t.Context(), r.id))
	first := same(t, r, store)
	before := store.loads
	for range 100 {
		if s := same(t, r, store); s.Version != first.Version {
			t.Fatalf("version %d, then %d, and nothing happened", first.Version, s.Version)
		}
	}
	if store.loads != before {
		t.Errorf("the store was read %d times for 100 snapshots", store.loads-before)
	}
}

func TestSnapshotShowsEachChangeAtOnce(t *testing.T) {
	r, store := counting(t)
	last := same(t, r, store).Version
	for i := range 20 {
		r.ok(r.until(departure.Steps[i%len(departure.Steps)]))
		s := same(t, r, store)
		if s.Version <= last {
			t.Fatalf("version %d after %d", s.Version, last)
		}
		last = s.Version
	}
	r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.State = engine.Cancelled
		return nil, nil
	}))
	if s := same(t, r, store); s.Record.State != engine.Cancelled || s.Version != 0 {
		t.Errorf("closed: %s, version %d", s.Record.State, s.Version)
	}
}

// TestSnapshotAfterASaveThatFailed: such a save may have been made all the same.
func TestSnapshotAfterASaveThatFailed(t *testing.T) {
	r, store := counting(t)
	before := same(t, r, store)
	broken := errors.New("no answer")
	store.saved = func() error { return broken }
	if err := r.until(departure.StepBackup); !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	if s := same(t, r, store); s.Record.Until != departure.StepBackup || s.Version == before.Version {
		t.Errorf("until %q, version %d, before %d", s.Record.Until, s.Version, before.Version)
	}
}

// TestSnapshotDoesNotKeepWhatIsOld: a record that was read before a save, and given
// after it, must not be what is shown from then on.
func TestSnapshotDoesNotKeepWhatIsOld(t *testing.T) {
	for name, failed := range map[string]error{"saved": nil, "in doubt": errors.New("no answer")} {
		r, store := counting(t)
		store.loaded = func() {
			store.saved = func() error { return failed }
			if err := r.until(departure.StepBackup); !errors.Is(err, failed) {
				t.Errorf("%v", err)
			}
		}
		if s, _, err := r.e.Snapshot(t.Context(), r.id); err != nil || s.Version != 0 {
			t.Errorf("%s: version %d, %v", name, s.Version, err)
		}
		if s := same(t, r, store); s.Record.Until != departure.StepBackup {
			t.Errorf("%s: until %q", name, s.Record.Until)
		}
	}
}

// TestSnapshotsWhileMuchIsSaved: whoever reads after a change was made sees it.
func TestSnapshotsWhileMuchIsSaved(t *testing.T) {
	r, _ := counting(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				var version int64
				err := r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
					version = rec.Version + 1
					return nil, nil
				})
				s, _, serr := r.e.Snapshot(t.Context(), r.id)
				if err != nil || serr != nil || s.Record.Version < version {
					t.Errorf("version %d after %d was saved: %v, %v", s.Record.Version, version, err, serr)
				}
			}
		})
	}
	wg.Wait()
}
