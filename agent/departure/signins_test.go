package departure

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOnlyThePersonAndNotYet: what only the person can remove is to stay until all
// that comes before a sign-out holds, and the advice says so; from then on it says
// how.
func TestOnlyThePersonAndNotYet(t *testing.T) {
	needed := func(in *input) { // all that comes before a sign-out holds
		*in = done()
		in.p.Path, in.f.Submitted = Path{ID: "phone", Needs: SignedInHere}, time.Time{}
	}
	perhaps := byHand
	perhaps.State, perhaps.Guided, perhaps.Why = "", false, Reason{"same-server", "git may be the same account"}
	for name, c := range map[string]struct {
		base    func() input
		change  func(*input)
		binding Binding
		code    string
		remedy  string
	}{
		"everything before it holds":           {done, func(*input) {}, byHand, "by-hand", ByHand},
		"it may be the account":                {done, func(*input) {}, perhaps, "same-server", ByHand},
		"no last look":                         {done, func(in *input) { in.f.Seal = nil }, byHand, "not-yet", "not-yet"},
		"no last look, it may be the account":  {done, func(in *input) { in.f.Seal = nil }, perhaps, "same-server", "not-yet"},
		"something came after the last look":   {done, func(in *input) { in.f.Seal.Rows[0].Intact = false }, byHand, "not-yet", "not-yet"},
		"the copy is not read back":            {done, func(in *input) { in.f.Look.Copy.Unread = 1 }, byHand, "not-yet", "not-yet"},
		"a word is missing":                    {done, func(in *input) { in.unsay(UncoveredAcknowledged) }, byHand, "not-yet", "not-yet"},
		"Find My Device is on":                 {released, func(*input) {}, byHand, "not-yet", "not-yet"},
		"the deletion needs it":                {handed, needed, byHand, "not-yet", "not-yet"},
		"the deletion was asked for from here": {handed, func(*input) {}, byHand, "by-hand", ByHand},
		"a transfer is going on": {done, func(in *input) { in.f.Seal = nil }, Binding{ID: "sync:1", Name: "sync", State: BindingPresent, Guided: true,
			Why: Reason{"busy", "it is copying"}, Blocked: &Remedy{Code: "wait", Text: "wait"}}, "busy", "wait"},
	} {
		t.Run(name, func(t *testing.T) {
			in := c.base()
			c.change(&in)
			in.f.Look.Bindings = slices.Insert(in.f.Look.Bindings, 0, c.binding)
			got, _ := in.evaluate().Checks.Get(BindingsRemoved)
			if got.Reason.Code != c.code || got.Remedy == nil || got.Remedy.Code != c.remedy || got.Status.Holds() {
				t.Errorf("%s %+v, next %+v", got.Status, got.Reason, got.Remedy)
			}
		})
	}
}

// TestRemovedTooEarly: the refusal says why the sign-in is still needed, which one
// it was, and what to do.
func TestRemovedTooEarly(t *testing.T) {
	in := released()
	in.f.Seal = nil
	in.dropListing("book")
	in.f.Bindings = append(in.f.Bindings, KnownBinding{ID: "tb:1", Kind: "thunderbird", Name: "alice@cloud in Thunderbird", Carries: true, GoneAt: at})
	c, _ := in.evaluate().Checks.Get(InventoryComplete)
	if c.Status != Unknown || c.Reason.Code != "removed-early" || !strings.Contains(c.Reason.Text, "before the last look") {
		t.Errorf("%s %+v", c.Status, c.Reason)
	}
	if c.Remedy == nil || c.Remedy.Code != "sign-in" || !strings.Contains(c.Remedy.Text, "alice@cloud in Thunderbird") || !strings.Contains(c.Remedy.Text, "until Clearance says") {
		t.Errorf("next %+v", c.Remedy)
	}

	for name, other := range map[string]KnownBinding{
		"a bare password": {ID: "git:1", Name: "git", GoneAt: at}, "by us": {ID: "tb:2", Name: "Thunderbird", Carries: true, GoneAt: at, ByUs: true},
		"still there": {ID: "tb:2", Name: "Thunderbird", Carries: true}, "back again": {ID: "tb:2", Name: "Thunderbird", Carries: true, GoneAt: at, CameBack: true},
	} {
		in := in
		in.f.Bindings = []KnownBinding{other}
		if c, _ := in.evaluate().Checks.Get(InventoryComplete); c.Reason.Code != "vanished" || strings.Contains(c.Remedy.Text, other.Name) {
			t.Errorf("%s: %+v, next %+v", name, c.Reason, c.Remedy)
		}
	}

	// The same with a row of a last look that something broke before it went.
	in = released()
	in.dropListing("book")
	in.f.Seal.Row("book").Intact = false
	in.f.Bindings = append(in.f.Bindings, KnownBinding{ID: "tb:1", Kind: "thunderbird", Name: "alice@cloud in Thunderbird", Carries: true, GoneAt: at})
	c, _ = in.evaluate().Checks.Get(SealIntact)
	if c.Remedy == nil || c.Remedy.Code != "sign-in" || !strings.Contains(c.Remedy.Text, "alice@cloud in Thunderbird") {
		t.Errorf("%+v, next %+v", c.Reason, c.Remedy)
	}
}

// TestATokenIsNoPassword: where the server was asked with what the provider's own
// page gave, no password is asked for.
func TestATokenIsNoPassword(t *testing.T) {
	for _, code := range []string{"no-token", "token-refused"} {
		in := restarted()
		for i := range in.f.Look.Listings {
			in.f.Look.Listings[i].Why.Code = code
		}
		c, _ := in.evaluate().Checks.Get(ServerSeen)
		if c.Status != Unknown || c.Remedy == nil || c.Remedy.Code != "sign-in" || !strings.Contains(c.Remedy.Text, "Online Accounts") {
			t.Errorf("%s: %s, next %+v", code, c.Status, c.Remedy)
		}
		// What was refused may have been changed by somebody: that is not to be passed.
		if asks := c.Reason.Code == "cloud-last-seen"; asks != (code == "no-token") {
			t.Errorf("%s: %+v", code, c.Reason)
		}
		in.dropRow("cloud:notes")
		if c, _ = in.evaluate().Checks.Get(InventoryComplete); c.Remedy == nil || c.Remedy.Code != "sign-in" {
			t.Errorf("%s: next %+v", code, c.Remedy)
		}
	}
}
