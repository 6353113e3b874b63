package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

func TestInterrupt(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		r.settled(ready)
		elapse(5 * time.Second)
		r.w.Do(func() {
			r.w.Block["Backup"] = make(chan struct{})
			r.w.Cloud[departure.Photos]["new"] = 1
		})
		r.e.Wake()
		synctest.Wait()
		if s := r.snap(); s.Running != departure.StepBackup {
			t.Fatalf("running %q", s.Running)
		}
		r.e.Interrupt(r.id)
		synctest.Wait()
		s := r.snap()
		if s.Running != "" || s.Retry || s.Waiting == nil || s.Waiting.Code != "resume" || s.Verdict.Ready {
			t.Errorf("running %q, retry %v, waiting %v, ready %v", s.Running, s.Retry, s.Waiting, s.Verdict.Ready)
		}
		r.e.Interrupt(r.id) // nothing runs: nothing happens
		r.w.Do(func() { delete(r.w.Block, "Backup") })
		r.settled(ready)
	})
}

// A pass that looks when it is stopped, or that waits for its turn, begins no
// step; the next one that is wanted goes on.
func TestInterruptOfAPassThatHasBegunNoStep(t *testing.T) {
	for name, begin := range map[string]func(*testing.T, *rig){
		"it looks": func(_ *testing.T, r *rig) { r.e.Wake() },
		"it waits for its turn": func(t *testing.T, r *rig) {
			go func() {
				_ = r.e.Look(t.Context(), r.id, func(*engine.Looked) ([]engine.Event, error) { return nil, nil })
			}()
			synctest.Wait()
			r.e.Wake()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, departure.Delete, func(t *testing.T, r *rig) {
				r.settled(ready)
				elapse(5 * time.Second)
				looks, copied := make(chan struct{}), r.calls("Backup")
				r.w.Do(func() {
					r.w.Block["Look"] = looks
					r.w.Cloud[departure.Photos]["new"] = 1
				})
				begin(t, r)
				synctest.Wait()
				r.e.Interrupt(r.id)
				r.w.Do(func() { delete(r.w.Block, "Look") })
				close(looks)
				synctest.Wait()
				if s := r.snap(); s.Running != "" || s.Retry || s.Waiting == nil || s.Waiting.Code != "resume" {
					t.Errorf("running %q, retry %v, waiting %v", s.Running, s.Retry, s.Waiting)
				}
				if n := r.calls("Backup"); n != copied {
					t.Errorf("copied %d times", n-copied)
				}
				r.settled(ready)
			})
		})
	}
}

// A step that must not be gone beyond is not gone beyond, and goes on from there
// when the person says so.
func TestUntil(t *testing.T) {
	bubble(t, departure.Delete, func(t *testing.T, r *rig) {
		until := func(s departure.Step) {
			r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
				rec.Until, rec.Destination.Folder = s, "/media/disk"
				return nil, nil
			}))
			r.settle()
			elapse(time.Hour)
		}
		until(departure.StepInventory)
		if n := r.calls("Backup"); n != 0 {
			t.Errorf("copied %d times", n)
		}
		until(departure.StepBackup)
		if n, m := r.calls("Backup"), r.calls("Verify"); n != 1 || m != 0 {
			t.Errorf("copied %d times, read back %d times", n, m)
		}
		until("dance")
		if m := r.calls("Verify"); m != 0 {
			t.Errorf("read back %d times up to a step that nobody knows", m)
		}
		until(departure.StepTrack)
		r.settled(ready)
	})
}

func TestCloseEndsWhatRuns(t *testing.T) {
	for _, call := range []string{"Look", "State", "Backup", "Verify", "Seal", "Sweep", "Disable", "Unbind"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world.New()
				never := make(chan struct{})
				w.Block[call] = never
				r := started(t, w, departure.Delete)
				for range 20 { // until it stands there
					synctest.Wait()
					if w.Calls[call] > 0 {
						break
					}
					r.ok(w.Answer(t.Context(), r.e, r.id))
				}
				if w.Calls[call] == 0 {
					t.Fatal("it is never called")
				}
				r.e.Close()
				// Another agent goes on from there.
				close(never)
				w.Crash()
				r.e = engine.New(w.Config(r.rules))
				r.ok(r.e.Start(context.Background()))
				defer r.e.Close()
				r.settled(ready)
				if w.Disables > 2 || w.Unbinds > 2 {
					t.Errorf("%d times off, %d sign-outs", w.Disables, w.Unbinds)
				}
			})
		})
	}
}
