package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// bubble is a test with a time of its own, in which every goroutine must end.
func bubble(t *testing.T, intent departure.Intent, test func(*testing.T, *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, world.New(), intent)
		defer r.e.Close()
		test(t, r)
	})
}

func TestLoopReachesTheEnd(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		if r.w.Disables != 1 || r.w.Unbinds != 1 {
			t.Errorf("%d times off, %d sign-outs", r.w.Disables, r.w.Unbinds)
		}
	})
	bubble(t, departure.SignOut, func(t *testing.T, r *rig) {
		r.settled(finished)
		looks := r.calls("Look")
		elapse(24 * time.Hour)
		if n := r.calls("Look"); n != looks {
			t.Errorf("a closed departure was looked at %d times", n-looks)
		}
	})
}

func TestChangeIsStaleAtOnceAndLookedAtAfterItRests(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		synctest.Wait()
		epoch, looks := r.snap().Epoch, r.calls("Look")
		r.w.Do(func() { r.w.Touch("book") })
		if s := r.snap(); !s.Stale || s.Epoch == epoch {
			t.Errorf("stale %v, epoch raised %v", s.Stale, s.Epoch != epoch)
		}
		elapse(299 * time.Millisecond)
		if n := r.calls("Look") - looks; n != 0 {
			t.Errorf("looked %d times before the change rested", n)
		}
		elapse(2 * time.Millisecond)
		synctest.Wait()
		if n := r.calls("Look") - looks; n != 1 || r.snap().Stale {
			t.Errorf("looked %d times after it rested, stale %v", n, r.snap().Stale)
		}
		if !r.snap().Verdict.Ready {
			t.Error("a change that changed nothing blocks")
		}
	})
}

func TestBusySourceIsLookedAtByTheCeiling(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		synctest.Wait()
		looks, begin := r.calls("Look"), time.Now()
		for r.calls("Look") == looks {
			r.w.Do(func() { r.w.Touch("book") })
			elapse(100 * time.Millisecond)
		}
		if took := time.Since(begin); took < 2*time.Second || took > 2200*time.Millisecond {
			t.Errorf("looked after %v of changes", took)
		}
	})
}

func TestReadyIsWatched(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		elapse(5 * time.Second)
		looks := r.calls("Look")
		elapse(10 * 50 * time.Second)
		synctest.Wait()
		if n := r.calls("Look") - looks; n != 10 {
			t.Errorf("looked %d times in 500 seconds", n)
		}
		// What happens at the server tells nobody: the next look sees it.
		r.w.Do(func() { r.w.Cloud[departure.Photos]["new"] = 1; r.w.Plugged = false })
		elapse(50 * time.Second)
		synctest.Wait()
		if r.snap().Verdict.Ready {
			t.Error("ready, and a photo is not in the copy")
		}
	})
}

// TestWatchingGlances: while it is ready, what the server shows to be as it was
// is not listed again, but for once in a while.
func TestWatchingGlances(t *testing.T) {
	const kinds = 5
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		elapse(time.Second)
		lists := r.calls("List")
		elapse(10 * time.Minute)
		synctest.Wait()
		if n := r.calls("List") - lists; n != 0 {
			t.Errorf("%d listings in ten minutes in which nothing changed", n)
		}
		if c, _ := r.snap().Verdict.Checks.Get(departure.ServerSeen); c.Status != departure.Pass || r.snap().Stale {
			t.Errorf("after ten minutes: %+v", c)
		}
		elapse(2 * time.Hour)
		synctest.Wait()
		if n := r.calls("List") - lists; n != 2*kinds || !r.snap().Verdict.Ready {
			t.Errorf("%d listings in two hours, ready %v", n, r.snap().Verdict.Ready)
		}
		// One that arrives takes the answer back within a minute, before anything
		// is listed, and then it is copied.
		listing := make(chan struct{})
		r.w.Do(func() { r.w.Cloud[departure.Calendars]["new"] = 1; r.w.Block["Look"] = listing })
		elapse(50 * time.Second)
		<-r.w.Entered // the glance
		listing <- struct{}{}
		<-r.w.Entered // the full look
		if s := r.snap(); !s.Stale {
			t.Errorf("ready %v, stale %v, while a change is being listed", s.Verdict.Ready, s.Stale)
		}
		r.w.Do(func() { delete(r.w.Block, "Look") })
		close(listing)
		elapse(time.Second)
		synctest.Wait()
		if s := r.snap(); s.Stale || !s.Verdict.Ready {
			t.Errorf("ready %v, stale %v, with the change in the copy", s.Verdict.Ready, s.Stale)
		}
		lists = r.calls("List")
		r.w.Do(func() { r.w.Cloud[departure.Contacts]["new"] = 1; r.w.Plugged = false })
		elapse(50 * time.Second)
		synctest.Wait()
		if r.snap().Verdict.Ready || r.calls("List") == lists {
			t.Errorf("ready %v after %d listings, and a contact is not in the copy", r.snap().Verdict.Ready, r.calls("List")-lists)
		}
	})
}

// TestServerWithoutMark is listed in full before its last listing is too old,
// and the person is told how long that holds.
func TestServerWithoutMark(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.w.Do(func() { r.w.Unmarked = true })
		r.settled(ready)
		elapse(time.Second)
		lists := r.calls("List")
		for range 30 {
			elapse(time.Minute)
			synctest.Wait()
			s := r.snap()
			c, _ := s.Verdict.Checks.Get(departure.ServerSeen)
			if !s.Verdict.Ready || c.Reason.Code != "seen-in-full" || time.Now().After(s.Verdict.Until) {
				t.Fatalf("ready %v until %v at %v: %+v", s.Verdict.Ready, s.Verdict.Until, time.Now(), c)
			}
			for _, l := range s.Facts.Look.Listings {
				if l.Source.Remote && s.Verdict.Until.After(l.EndedAt.Add(departure.ServerLife)) {
					t.Fatalf("it holds until %v, and was listed at %v", s.Verdict.Until, l.EndedAt)
				}
			}
		}
		if n := r.calls("List") - lists; n != 4*5 {
			t.Errorf("%d listings in half an hour", n)
		}
	})
}

func TestNotReadyIsLookedAtNowAndThen(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settle()
		synctest.Wait()
		looks := r.calls("Look")
		elapse(time.Hour + time.Second)
		synctest.Wait()
		if n := r.calls("Look") - looks; n != 6 {
			t.Errorf("looked %d times in an hour", n)
		}
		r.e.Wake()
		synctest.Wait()
		if n := r.calls("Look") - looks; n != 7 {
			t.Errorf("not looked at when woken: %d", n)
		}
	})
}

func TestRetriesGrowApart(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.w.Do(func() { r.w.Broken["Backup"] = errors.New("the connection broke") })
		r.settle()
		r.ok(r.w.Answer(t.Context(), r.e, r.id)) // the place
		r.settle()
		synctest.Wait()
		elapse(time.Second)
		gap := func() (d time.Duration) {
			for tries := r.calls("Backup"); r.calls("Backup") == tries; d += time.Second {
				elapse(time.Second)
				synctest.Wait()
			}
			return d
		}
		gap()
		last := gap()
		for range 9 {
			d := gap()
			if d != min(2*last, 10*time.Minute) {
				t.Errorf("tried %v after a wait of %v", d, last)
			}
			last = d
		}
		if last != 10*time.Minute {
			t.Errorf("it waits %v in the end", last)
		}
		if s := r.snap(); !s.Retry || s.Waiting == nil || s.Waiting.Code != "wait" {
			t.Errorf("retry %v, waiting %v", s.Retry, s.Waiting)
		}
		r.w.Do(func() { delete(r.w.Broken, "Backup") })
		r.settled(ready)
	})
}

func TestSettleWaitsForAPassThatBeganAfterwards(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settle()
		synctest.Wait()
		held := make(chan struct{})
		r.w.Do(func() { r.w.Block["Look"] = held })
		r.e.Wake()
		synctest.Wait() // a look is under way, of the world as it was
		looks := r.calls("Look")
		done := make(chan engine.Snapshot)
		go func() { done <- r.settle() }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("settled by a pass that began before")
		default:
		}
		r.w.Do(func() { delete(r.w.Block, "Look") })
		close(held)
		<-done
		if n := r.calls("Look"); n != looks+1 {
			t.Errorf("looked %d times more", n-looks)
		}
	})
}

func TestSettleEndsWithItsContext(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settle()
		held := make(chan struct{})
		r.w.Do(func() { r.w.Block["Look"] = held })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := r.e.Settle(ctx, r.id); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if _, err := r.e.Settle(t.Context(), "none"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("of no departure: %v", err)
		}
	})
}

// A sign-out that is raised as it closes runs on: the goroutine that ends is
// followed by another.
func TestRaisedAsItCloses(t *testing.T) {
	bubble(t, departure.SignOut, func(t *testing.T, r *rig) {
		r.settled(finished)
		r.ok(r.e.Raise(t.Context(), r.id, "x"))
		r.settled(ready)
	})
	bubble(t, departure.SignOut, func(t *testing.T, r *rig) {
		r.settled(finished)
		synctest.Wait() // the goroutine ended
		r.ok(r.e.Raise(t.Context(), r.id, "x"))
		r.settled(ready)
	})
}

func TestDisturbedWatchesAnew(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		r.settle() // the first look after the sign-out watches what is left of the sources
		synctest.Wait()
		watches, epoch := r.calls("Watch"), r.snap().Epoch
		r.settle()
		if n := r.calls("Watch"); n != watches {
			t.Errorf("watched anew %d times for nothing", n-watches)
		}
		r.ok(r.e.Disturbed(t.Context(), "the bus was gone"))
		if s := r.snap(); !s.Stale || s.Epoch == epoch {
			t.Errorf("stale %v after the bus was gone", s.Stale)
		}
		r.settle()
		if n := r.calls("Watch"); n != watches+1 {
			t.Errorf("watched anew %d times", n-watches)
		}
	})
}

// A watch that cannot begin is tried again, and the look goes on without it.
func TestWatchThatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world.New()
		w.Broken["TrackerWatch"] = errors.New("the bus is not there yet")
		r := started(t, w, departure.Delete)
		defer r.e.Close()
		r.settle()
		w.Do(func() { delete(w.Broken, "TrackerWatch") })
		r.settled(ready)
		r.w.Do(func() { r.w.Switch("on") })
		if !r.snap().Stale {
			t.Error("nobody watches Find My Device")
		}
	})
}

// elapse lets the bubble's time pass.
func elapse(d time.Duration) { <-time.After(d) }
