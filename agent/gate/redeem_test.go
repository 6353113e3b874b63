package gate_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

func TestPermitIsRedeemedOnce(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	first, at, err := a.g.Redeem(t.Context(), p.ID, second)
	if err != nil {
		t.Fatal(err)
	}
	again, atAgain, err := a.g.Redeem(t.Context(), p.ID, second)
	if err != nil || again != first || !atAgain.Equal(at) {
		t.Errorf("the same call again: %q at %v, %v", again, atAgain, err)
	}
	_, _, err = a.g.Redeem(t.Context(), p.ID, "another-nonce-another")
	refused[*gate.StaleError](t, err, "redeemed already")
	if again, _, err := a.g.Redeem(t.Context(), p.ID, second); err != nil || again != first {
		t.Errorf("after another's try: %q, %v", again, err)
	}
	a.w.Time = a.w.Time.Add(gate.ReceiptLife - 1)
	if again, _, err := a.g.Redeem(t.Context(), p.ID, second); err != nil || again != first {
		t.Errorf("just under a minute later: %q, %v", again, err)
	}
	a.w.Time = a.w.Time.Add(1)
	_, _, err = a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.StaleError](t, err, "redeemed already")
}

func TestRedeemSeesWhatIsSoNow(t *testing.T) {
	for name, change := range map[string]func(*world.World){
		"a new photo at the server":     func(w *world.World) { w.Cloud[departure.Photos]["new"] = 1 },
		"a photo changed at the server": func(w *world.World) { w.Cloud[departure.Photos]["photos-a"] = 7 },
		"the server is away":            func(w *world.World) { w.ServerUp = false },
		"the disk is away":              func(w *world.World) { w.Plugged = false },
		"a file of the copy changed":    func(w *world.World) { w.Disk["cloud:notes/notes-a"] = 9 },
		"Find My Device on":             func(w *world.World) { w.Tracker = "on" },
		"Find My Device gone":           func(w *world.World) { w.Tracker = "" },
		"signed in":                     func(w *world.World) { w.SignIn() },
		"another account vanished":      func(w *world.World) { w.Others = nil },
		"no fence":                      func(w *world.World) { w.Broken["Fence"] = errors.New("inotify overflowed") },
		"no fence of the phone":         func(w *world.World) { w.Broken["TrackerFence"] = errors.New("the bus is gone") },
		"no look":                       func(w *world.World) { w.Broken["Look"] = engine.ErrNoWorker },
		"no answer of the phone":        func(w *world.World) { w.Broken["State"] = errors.New("the bus is gone") },
	} {
		t.Run(name, func(t *testing.T) {
			a, id := readied(t)
			p := issue(t, a, id, "rp")
			change(a.w)
			if _, _, err := a.g.Redeem(t.Context(), p.ID, second); err == nil {
				t.Error("redeemed")
			}
			if _, _, err := a.g.Issue(t.Context(), id, nonce, "rp"); err == nil {
				t.Error("another permit was given")
			}
		})
	}
}

// A photo that arrives between the look and the signature is seen: the epoch
// moved, and the look is taken again.
func TestChangeBetweenLookAndSignature(t *testing.T) {
	arrive := func(a *agent) {
		a.w.Do(func() {
			a.w.Cloud[departure.Photos][fmt.Sprint("new-", len(a.w.Cloud[departure.Photos]))] = 1
			a.w.Touch(world.CloudID(departure.Photos))
		})
	}
	t.Run("at Issue", func(t *testing.T) {
		a, id := readied(t)
		a.signing = func() { a.signing = nil; arrive(a) }
		_, _, err := a.g.Issue(t.Context(), id, nonce, "rp")
		refused[*gate.NotReadyError](t, err, "photo")
		if n := len(record(t, a, id).Permits); n != 0 {
			t.Errorf("%d permits are kept", n)
		}
	})
	t.Run("at Redeem", func(t *testing.T) {
		a, id := readied(t)
		p := issue(t, a, id, "rp")
		a.signing = func() { a.signing = nil; arrive(a) }
		if token, _, err := a.g.Redeem(t.Context(), p.ID, second); err == nil {
			t.Fatalf("redeemed: %s", token)
		}
		if r := record(t, a, id).Permits[0]; !r.RedeemedAt.IsZero() || r.Receipt != "" || r.RevokedAt.IsZero() {
			t.Errorf("kept as %+v", r)
		}
	})
	t.Run("each time", func(t *testing.T) {
		a, id := readied(t)
		looks := 0
		a.signing = func() {
			looks++
			a.w.Do(func() { a.w.Touch("") })
		}
		_, _, err := a.g.Issue(t.Context(), id, nonce, "rp")
		if !errors.Is(err, engine.ErrBusy) || looks != 3 {
			t.Errorf("%v after %d looks", err, looks)
		}
	})
	t.Run("in the middle of the look, seen by the fence", func(t *testing.T) {
		a, id := readied(t)
		a.w.Meddle = func(at string) {
			if at == "before fence" {
				a.w.Meddle = nil
				a.w.Cloud[departure.Notes]["new"] = 1
			}
		}
		_, _, err := a.g.Issue(t.Context(), id, nonce, "rp")
		refused[*gate.NotReadyError](t, err, "note")
	})
}

func TestRedeemRace(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	const callers = 50
	var wg sync.WaitGroup
	tokens, errs := make([]string, callers), make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			n := second
			if i%2 == 1 {
				n = fmt.Sprintf("%016d", i)
			}
			tokens[i], _, errs[i] = a.g.Redeem(context.Background(), p.ID, n)
		})
	}
	wg.Wait()
	distinct := map[string]int{}
	for i, token := range tokens {
		if errs[i] == nil {
			distinct[token]++
			continue
		}
		var stale *gate.StaleError
		if !errors.As(errs[i], &stale) {
			t.Errorf("caller %d: %v", i, errs[i])
		}
	}
	if len(distinct) != 1 {
		t.Errorf("%d receipts of one permit", len(distinct))
	}
}
