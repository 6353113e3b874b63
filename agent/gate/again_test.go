package gate_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/gate"
)

// A program of the same user says yes to a failure after the owner authorised:
// that changes nothing before the owner authorises anew.
func TestWordsOfASameUserProgram(t *testing.T) {
	a, id := readied(t)
	a.w.Cloud[departure.Photos]["broken"] = 1
	a.w.Fails["broken"] = true
	pass(t, a, id)
	s, _, err := a.e.Snapshot(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Verdict.Checks.Get(departure.BackupOf(departure.Photos))
	if c.Ask == nil {
		t.Fatalf("nothing is asked: %+v", c)
	}
	err = a.e.Say(t.Context(), id, departure.Word{Check: c.ID, Kind: c.Ask.Kind, List: c.Ask.List, Statement: "never mind"})
	if err != nil {
		t.Fatal(err)
	}
	pass(t, a, id)
	_, _, err = a.g.Issue(t.Context(), id, nonce, "rp")
	refused[*gate.NotReadyError](t, err, "authorise")
	reach(t, a, id, ready)
	issue(t, a, id, "rp")
}

// Find My Device on again after it was turned off: one effect for one grant, and
// only the owner's new leave goes on.
func TestFindMyDeviceOnAgain(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	a.w.Switch("on")
	for range 3 {
		pass(t, a, id)
	}
	if a.w.Disables != 1 {
		t.Errorf("turned off %d times with one grant", a.w.Disables)
	}
	_, _, err := a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.StaleError](t, err, "came back on")
	reach(t, a, id, ready)
	if a.w.Disables != 2 {
		t.Errorf("turned off %d times with two grants", a.w.Disables)
	}
}

func TestSignedInAgain(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	a.w.SignIn()
	for range 3 {
		pass(t, a, id)
	}
	if a.w.Unbinds != 1 {
		t.Errorf("signed out %d times with one grant", a.w.Unbinds)
	}
	s, _, err := a.e.Snapshot(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := s.Verdict.Checks.Get(departure.BindingsRemoved); c.Status != departure.Fail || c.Reason.Code != "came-back" {
		t.Errorf("%s [%s]", c.Status, c.Reason.Code)
	}
	_, _, err = a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.StaleError](t, err, "came back")
	reach(t, a, id, ready)
}

// A place that knows a sign-in by nothing that is new at each, as git's file of
// passwords does, shows it under the same id again.
func TestSignedInAgainUnderTheSameID(t *testing.T) {
	a, id := readied(t)
	p := issue(t, a, id, "rp")
	for b := range a.w.Bindings {
		a.w.Bindings[b] = true
	}
	a.w.Touch("")
	for range 3 {
		pass(t, a, id)
	}
	s, _, err := a.e.Snapshot(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := s.Verdict.Checks.Get(departure.BindingsRemoved); c.Status != departure.Fail || c.Reason.Code != "came-back" {
		t.Errorf("%s [%s]", c.Status, c.Reason.Code)
	}
	if a.w.Unbinds != 1 {
		t.Errorf("signed out %d times with one grant", a.w.Unbinds)
	}
	_, _, err = a.g.Redeem(t.Context(), p.ID, second)
	refused[*gate.StaleError](t, err, "came back")
	reach(t, a, id, ready)
}
