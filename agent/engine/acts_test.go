package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

// grants are those of one effect that were used.
func (r *rig) used(effect departure.Effect) (n int) {
	for _, g := range r.snap().Record.Grants {
		if g.Effect == effect && !g.UsedAt.IsZero() {
			n++
		}
	}
	return n
}

func TestEachSignInHasItsOwnGrantAndLook(t *testing.T) {
	w := world.New()
	w.Bindings["goa-9"] = true
	r := rigged(t, w, departure.Delete)
	var seen []int
	w.Meddle = func(at string) {
		if at == "before unbind" {
			seen = append(seen, w.Calls["Look"])
		}
	}
	r.reach(ready)
	if w.Unbinds != 2 || len(seen) != 2 || seen[0] == seen[1] {
		t.Errorf("%d sign-outs after looks %v", w.Unbinds, seen)
	}
	for _, id := range []string{"goa-1", "goa-9"} {
		if n := r.used(departure.UnbindEffect(id)); n != 1 {
			t.Errorf("%d grants used for %s", n, id)
		}
	}
}

// What changes right before an act holds it back until it is in the copy.
func TestChangeRightBeforeAnAct(t *testing.T) {
	for name, c := range map[string]func(*world.World){
		"at the server, found by the sweep":      func(w *world.World) { w.Cloud[departure.Photos]["late"] = 1 },
		"on the device, told by the watch":       func(w *world.World) { w.Book["late"] = 1; w.Touch(world.BookID) },
		"on the device, and found by the sweep":  func(w *world.World) { w.Book["late"] = 1 },
		"a touch that changes nothing":           func(w *world.World) { w.Touch("") },
		"a folder that appears and was not seen": func(w *world.World) { w.Cloud[departure.Files]["late"] = 1; w.Touch("") },
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New()
			r := rigged(t, w, departure.Delete)
			r.authorised()
			w.Meddle = func(at string) {
				if at == "after seal" {
					w.Meddle = nil
					c(w)
				}
			}
			early := false
			for range 10 {
				before := w.Unbinds + w.Disables
				r.pass()
				if w.Unbinds+w.Disables > before && w.Unsafe(nil) != "" && w.Tracker == "off" {
					early = true
				}
			}
			r.reach(ready)
			if why := w.Unsafe([]string{world.Implementer}); why != "" || early {
				t.Errorf("acted too early (%v), or %s", early, why)
			}
			if w.Disables != 1 || w.Unbinds != 1 {
				t.Errorf("%d times off, %d sign-outs", w.Disables, w.Unbinds)
			}
		})
	}
}

// What is said between the look and the act counts for the act.
func TestWordsBetweenLookAndAct(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.authorised()
	held := make(chan struct{})
	w.Do(func() { w.Block["Sweep"] = held })
	done := make(chan error)
	go func() { done <- r.e.Pass(t.Context(), r.id) }()
	for name := range w.Entered {
		if name == "Sweep" {
			break
		}
	}
	// A device is listed that may still be signed in.
	r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Devices = append(rec.Devices, departure.Device{ID: "device-1", Name: "tablet"})
		return nil, nil
	}))
	close(held)
	r.ok(<-done)
	if w.Disables+w.Unbinds != 0 {
		t.Errorf("%d acts although a device may be signed in", w.Disables+w.Unbinds)
	}
}

func TestRefusedProof(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.asked()
	s := r.snap()
	r.ok(r.e.Authorize(t.Context(), r.id, "uid:1", "wrong", departure.WordsDigest(s.Record.Words), s.Verdict.Pending))
	for range 3 {
		r.pass()
	}
	if w.Calls["Disable"] != 1 || w.Tracker != "on" {
		t.Fatalf("tried %d times, it is %s", w.Calls["Disable"], w.Tracker)
	}
	if s := r.snap(); s.Waiting == nil || s.Waiting.Code != "authorise" {
		t.Errorf("waiting for %v", s.Waiting)
	}
	// An authorisation without a proof does not try the old one again.
	r.ok(r.e.Authorize(t.Context(), r.id, "uid:1", "", departure.WordsDigest(s.Record.Words), r.snap().Verdict.Pending))
	r.pass()
	if w.Calls["Disable"] != 1 {
		t.Error("a wrong password was tried again")
	}
	r.reach(ready)
}

func TestOnlyTheOwnerByHand(t *testing.T) {
	w := world.New()
	w.NotOwner = true
	r := rigged(t, w, departure.Delete)
	r.authorised()
	r.pass()
	s := r.snap()
	if w.Unbinds != 0 || s.Waiting == nil || !strings.Contains(s.WaitingWhy, "by hand") {
		t.Fatalf("%d sign-outs, waiting for %v %q", w.Unbinds, s.Waiting, s.WaitingWhy)
	}
	w.Switch("off")
	r.reach(ready)
	if w.Disables != 0 || w.Unbinds != 1 {
		t.Errorf("%d times off by us, %d sign-outs", w.Disables, w.Unbinds)
	}
}

// An act that changed nothing is told, and done again only with a new grant.
func TestInterruptedAct(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.authorised()
	w.Broken["Unbind"] = errors.New("the service went away")
	for range 3 {
		r.pass()
	}
	if w.Calls["Unbind"] != 1 {
		t.Fatalf("tried %d times with one grant", w.Calls["Unbind"])
	}
	if c := r.check(departure.BindingsRemoved); c.Reason.Code != "interrupted" || !strings.Contains(c.Reason.Text, "nothing was changed") {
		t.Errorf("[%s] %s", c.Reason.Code, c.Reason.Text)
	}
	delete(w.Broken, "Unbind")
	r.pass()
	if w.Unbinds != 0 {
		t.Fatal("tried again by itself")
	}
	r.reach(ready)
}

// Someone else signs out while a grant waits: the grant is void, and nothing is
// removed twice.
func TestSignedOutBySomeoneElse(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.rules.Delay = time.Hour
	r.authorised()
	r.pass() // sealed, and it waits
	w.SignOut()
	r.pass()
	void := false
	for _, g := range r.snap().Record.Grants {
		if g.Effect == departure.UnbindEffect("goa-1") {
			void = !g.VoidAt.IsZero() && g.VoidWhy != ""
		}
	}
	if b := r.snap().Record.Bindings[0]; !void || b.GoneAt.IsZero() || b.ByUs {
		t.Errorf("void %v, binding %+v", void, b)
	}
	w.Time = w.Time.Add(time.Hour)
	r.reach(ready)
	if w.Unbinds != 0 || w.Disables != 1 {
		t.Errorf("%d sign-outs, %d times off", w.Unbinds, w.Disables)
	}
}

// A contact that is made offline just before the sign-out is in the trash: no
// permit until it is copied and read back.
func TestSavedFromTheTrash(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	w.Meddle = func(at string) {
		if at == "before unbind" {
			w.Meddle = nil
			w.Book["offline"], w.Trash["offline"] = 1, 1
		}
	}
	r.reach(ready)
	if w.Disk["trash/offline"] != 1 || w.Read["trash/offline"] != 1 {
		t.Error("ready, and a contact is lost")
	}
}

// The owner's proof is held until Find My Device is off, and no longer.
func TestProofIsForgotten(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.rules.Delay = time.Hour
	r.authorised()
	r.pass()
	if r.e.Proof(r.id) != "right" {
		t.Error("it is gone before its delay ended")
	}
	r.w.Time = r.w.Time.Add(time.Hour)
	r.pass()
	if r.w.Disables != 1 || r.e.Proof(r.id) != "" {
		t.Errorf("%d times off, and the proof is held", r.w.Disables)
	}
	other := rigged(t, world.New(), departure.Delete)
	other.rules.Delay = time.Hour
	other.authorised()
	other.ok(other.e.Cancel(t.Context(), other.id, false, ""))
	if other.e.Proof(other.id) != "" {
		t.Error("a cancelled departure holds a proof")
	}
}

// A book that drops to nothing is refused until that is accepted by name; what it
// held is not forgotten meanwhile.
func TestDrop(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.asked()
	clear(w.Cloud[departure.Notes])
	clear(w.Cloud[departure.Files])
	for range 2 {
		r.pass()
		if c := r.check(departure.InventoryComplete); c.Status != departure.Fail || c.Ask == nil || c.Ask.Subject != "cloud:notes" && c.Ask.Subject != "cloud:files" {
			t.Fatalf("%s: %s", c.Status, c.Reason.Text)
		}
	}
	held := func(d departure.Dataset) int64 {
		for _, k := range r.snap().Record.Sources {
			if k.Source.ID == world.CloudID(d) {
				return k.Items
			}
		}
		return -1
	}
	c := r.check(departure.InventoryComplete)
	r.ok(r.e.Say(t.Context(), r.id, departure.Word{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "I deleted them"}))
	r.pass()
	if held(departure.Notes) != 2 || held(departure.Files) != 2 {
		t.Error("a word that does not count yet made it forget")
	}
	r.ok(world.Authorise(t.Context(), r.e, r.id, r.snap()))
	r.pass()
	if n, m := held(departure.Notes), held(departure.Files); n+m != 2 {
		t.Errorf("one of two was accepted: they held %d and %d", n, m)
	}
	r.reach(ready)
}
