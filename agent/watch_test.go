package agent_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// read is what a watch sent by now; closed says that it ended.
func read(updates <-chan agent.Update) (got []agent.Update, closed bool) {
	for {
		synctest.Wait()
		select {
		case u, ok := <-updates:
			if !ok {
				return got, true
			}
			got = append(got, u)
		default:
			return got, false
		}
	}
}

func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.Delete)
		ctx, stop := context.WithCancel(t.Context())
		updates, err := d.s.Watch(ctx, owner, id)
		d.ok(err)
		got, _ := read(updates)
		if len(got) != 1 || got[0].Departure == nil || got[0].Departure.Live != agent.LiveReady {
			t.Fatalf("first %+v", got)
		}
		d.w.Do(func() { d.w.Cloud[departure.Photos]["new"] = 1; d.w.Touch("") })
		got, _ = read(updates)
		if len(got) == 0 || got[len(got)-1].Departure.Live != agent.LiveStop {
			t.Errorf("a change tells %+v", got)
		}
		stop()
		if _, closed := read(updates); !closed {
			t.Error("it goes on after its reader left")
		}
		_, err = d.s.Watch(t.Context(), owner, "none")
		_ = d.kind(err, agent.KindNotFound)
	})
}

func TestWatchOfASlowReader(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		id := d.leave(departure.Delete)
		updates, err := d.s.Watch(t.Context(), owner, id)
		d.ok(err)
		flood := func() {
			for range 100 {
				d.w.Do(func() { d.w.Touch("") })
				synctest.Wait()
			}
		}
		flood()
		elapse(9 * time.Second)
		got, closed := read(updates) // it reads on in time, and misses nothing that is still so
		last := got[len(got)-1].Departure
		if closed || last == nil || last.Epoch != d.info(id).Epoch {
			t.Fatalf("closed %v, the last of %d is not as it is now", closed, len(got))
		}
		flood()
		elapse(11 * time.Second)
		got, closed = read(updates)
		if !closed || !got[len(got)-1].Lagged {
			t.Errorf("closed %v, the last of %d does not say why", closed, len(got))
		}
	})
}

func TestWatchOfAll(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		old := d.start(departure.SignOut).Departure.ID
		_, err := d.s.Cancel(t.Context(), owner, old, false, "")
		d.ok(err)
		first := d.start(departure.Delete).Departure.ID
		updates, err := d.s.Watch(t.Context(), owner, "")
		d.ok(err)
		ids := func() map[string]agent.Live {
			got, closed := read(updates)
			if closed {
				t.Fatal("it ended")
			}
			live := map[string]agent.Live{}
			for _, u := range got {
				live[u.Departure.Departure.ID] = u.Departure.Live
			}
			return live
		}
		if got := ids(); len(got) != 1 || got[first] == "" {
			t.Fatalf("first %v", got)
		}
		a, err := d.s.AddAccount(t.Context(), owner, "xiaomi", "1926")
		d.ok(err)
		info, err := d.s.StartDeparture(t.Context(), owner, agent.StartRequest{Account: a.ID, Intent: departure.Delete})
		d.ok(err)
		if got := ids(); got[info.Departure.ID] == "" {
			t.Errorf("one that was opened is not told: %v", got)
		}
		_, err = d.s.Cancel(t.Context(), owner, first, false, "")
		d.ok(err)
		if got := ids(); got[first] != agent.LiveClosed || got[old] != "" {
			t.Errorf("one that was closed is told as %v", got)
		}
		if _, err := d.s.Departure(t.Context(), owner, first); err != nil {
			t.Fatal(err)
		}
		elapse(time.Hour)
		if got := ids(); got[first] != "" {
			t.Errorf("one that is closed is told again: %v", got)
		}
		// Without any that is open, nothing is told, and it does not end.
		none, err := d.s.Watch(t.Context(), owner, "")
		d.ok(err)
		if got, closed := read(none); closed || len(got) != 1 {
			t.Errorf("closed %v, %d told", closed, len(got))
		}
	})
}

func TestWatchOfManyIsNotLate(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		const many = 40
		for range many {
			rec := d.w.Record(departure.Delete, world.Declared)
			rec.Departure.Account.ID, rec.Departure.Account.Identity = rec.Departure.ID, rec.Departure.ID
			d.ok(d.w.Store.Create(t.Context(), rec))
		}
		d.s.Close()
		d.s = service(t, d.w)
		d.ok(d.s.Start(context.Background()))
		defer d.s.Close()
		elapse(time.Second)
		updates, err := d.s.Watch(t.Context(), owner, "")
		d.ok(err)
		got, closed := read(updates)
		if len(got) != many || closed {
			t.Errorf("%d of %d told, closed %v", len(got), many, closed)
		}
	})
}

// elapse lets the time of the bubble that a test runs in pass.
func elapse(d time.Duration) { <-time.After(d) }
