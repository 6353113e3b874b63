package departure

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// open is the set of checks that do not hold.
func open(v Verdict) []CheckID {
	var ids []CheckID
	for _, c := range v.Checks.Open() {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestBaselines(t *testing.T) {
	for name, c := range map[string]struct {
		in       input
		release  bool
		ready    bool
		complete bool
		open     []CheckID
	}{
		"before the acts":           {released(), true, false, false, []CheckID{FindMyDeviceOff, BindingsRemoved}},
		"after the acts":            {done(), true, true, false, nil},
		"declared":                  {told(), true, true, false, nil},
		"nothing to lose":           {empty(), true, true, false, nil},
		"after a restart":           {restarted(), true, false, false, []CheckID{ServerSeen}},
		"after the deletion, here":  {handed(), true, false, false, []CheckID{ServerSeen, BindingsRemoved}},
		"sign-out":                  {signOut(), true, false, true, nil},
		"deletion, submitted":       {with(done(), func(in *input) { in.f.Submitted = at }), true, true, true, nil},
		"submitted, not signed out": {with(released(), func(in *input) { in.f.Submitted = at }), true, false, false, []CheckID{FindMyDeviceOff, BindingsRemoved}},
		"switch, nobody new":        {with(signOut(), func(in *input) { in.f.Departure.Intent = Switch }), true, false, false, nil},
		"switch, the next is here": {with(signOut(), func(in *input) {
			in.f.Departure.Intent = Switch
			in.f.Look.Others = append(in.f.Look.Others, OtherHolder{ID: "next", Name: "next"})
		}), true, false, true, nil},
		"an intent that nobody knows": {with(done(), func(in *input) { in.f.Departure.Intent = "vanish" }), true, false, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := c.in.evaluate()
			if v.Release != c.release || v.Ready != c.ready || v.Complete != c.complete || !slices.Equal(open(v), c.open) {
				t.Errorf("release %v, ready %v, complete %v, open %v; want %v %v %v %v", v.Release, v.Ready, v.Complete, open(v), c.release, c.ready, c.complete, c.open)
			}
		})
	}
}

func with(in input, change func(*input)) input {
	change(&in)
	return in
}

func (s situation) verdict() Verdict {
	in := s.base()
	if s.change != nil {
		s.change(&in)
	}
	return in.evaluate()
}

func TestSituations(t *testing.T) {
	for _, s := range situations {
		t.Run(string(s.check)+"/"+s.name, func(t *testing.T) {
			v := s.verdict()
			c, ok := v.Checks.Get(s.check)
			if !ok {
				t.Fatal("the table has no such row")
			}
			if c.Status != s.status || c.Reason.Code != s.code {
				t.Fatalf("%s [%s] %q; want %s [%s]", c.Status, c.Reason.Code, c.Reason.Text, s.status, s.code)
			}
			if c.Status.Holds() != (c.Remedy == nil) {
				t.Errorf("%s with remedy %v", c.Status, c.Remedy)
			}
			if (c.Status == Waived) != slices.Contains(v.Waived, s.check) {
				t.Errorf("%s, but the verdict says waived: %v", c.Status, v.Waived)
			}
			if c.Status == Attested && v.Assurance != AssuredAttested {
				t.Errorf("assurance %s over an attested check", v.Assurance)
			}
			if c.Status.Holds() {
				return
			}
			if v.Ready || (c.Stage == Release && v.Release) {
				t.Errorf("release %v, ready %v although it does not hold", v.Release, v.Ready)
			}
			if s.alone {
				before := open(s.base().evaluate())
				got := slices.DeleteFunc(open(v), func(id CheckID) bool { return slices.Contains(before, id) })
				if !slices.Equal(got, []CheckID{s.check}) {
					t.Errorf("no longer hold: %v", got)
				}
			}
		})
	}
}

// Removing any one row of the table must fail a test: each has a situation in
// which it alone stands in the way.
func TestEveryRowStandsAlone(t *testing.T) {
	for _, id := range CheckIDs() {
		if !slices.ContainsFunc(situations, func(s situation) bool { return s.check == id && s.alone && !s.status.Holds() }) {
			t.Errorf("no situation lets %s alone not hold", id)
		}
	}
}

// Each row that may be neither passed over nor said has no situation in which
// words make it hold.
func TestWaivable(t *testing.T) {
	never := []CheckID{InventoryComplete, BackupOf(Photos), BackupVerified, PolicyAllows, AgentHealthy, AuthorizeGranted, SealRecent, SealIntact, FindMyDeviceOff, BindingsRemoved}
	for _, s := range situations {
		v := s.verdict()
		for _, id := range never {
			if c, _ := v.Checks.Get(id); c.Status == Waived {
				t.Errorf("%s/%s: %s is waived", s.check, s.name, id)
			}
		}
	}
	for _, id := range CheckIDs() {
		in := done()
		in.pol.Waivable = CheckIDs()
		in.unsay(id)
		in.f.Health, in.f.Look.Complete = Health{}, false
		in.say(Word{Check: id, Kind: Waive})
		in.authorise()
		v := in.evaluate()
		if v.Release || v.Ready {
			t.Errorf("a word about %s passes over what nobody may waive", id)
		}
	}
}

func TestSignOutAsksLess(t *testing.T) {
	v := signOut().evaluate()
	for _, id := range []CheckID{RecordsPurchases, ConsequencesAcknowledged, RosterSignedOut, ServerSeen} {
		if c, _ := v.Checks.Get(id); c.Status != NA {
			t.Errorf("%s is %s", id, c.Status)
		}
	}
	in := signOut()
	for i := range in.f.Look.Listings { // what only the provider has is shown, not required
		in.f.Look.Listings[i].Covered = 0
	}
	if v := in.evaluate(); !v.Complete || v.Ready {
		t.Errorf("complete %v, ready %v; open %v", v.Complete, v.Ready, open(v))
	}
	in = released()
	in.f.Departure.Intent = SignOut
	in.listing("book").Covered = 0
	if v := in.evaluate(); v.Release {
		t.Error("a sign-out would lose what leaves this device")
	}
}

func TestFell(t *testing.T) {
	for _, c := range []struct {
		from, to int64
		want     bool
	}{
		{0, 0, false}, {1, 0, true}, {10, 0, true}, {10, 10, false}, {10, 11, false}, {-1, 0, false},
		{11, 1, false}, {12, 1, true}, {50, 40, false}, {50, 39, true}, {55, 44, false}, {55, 43, true},
		{100, 80, false}, {100, 79, true}, {1000, 800, false}, {1000, 799, true},
	} {
		if got := Fell(c.from, c.to); got != c.want {
			t.Errorf("Fell(%d, %d) = %v", c.from, c.to, got)
		}
	}
}

// forbidden are the domain's own words, which no person reads.
var forbidden = regexp.MustCompile(`(?i)\b(bag|binding|dataset|departure|epoch|evidence|fate|grant|ledger|receipt|roster|seal|unbind)s?\b`)

func TestWhatAPersonReads(t *testing.T) {
	seen := map[CheckID]map[string]bool{}
	for _, s := range situations {
		for _, c := range s.verdict().Checks {
			texts := []string{c.Reason.Text}
			if c.Remedy != nil {
				texts = append(texts, c.Remedy.Text)
				if c.Remedy.Command != "" && !strings.HasPrefix(c.Remedy.Command, "clearance ") {
					t.Errorf("%s: next %q", c.ID, c.Remedy.Command)
				}
			}
			if c.Ask != nil {
				for _, l := range c.Ask.Lines {
					texts = append(texts, l.Text)
				}
			}
			if seen[c.ID] == nil {
				seen[c.ID] = map[string]bool{}
			}
			seen[c.ID][c.Reason.Code] = true
			for _, text := range texts {
				if text == "" {
					t.Errorf("%s/%s: %s says nothing", s.check, s.name, c.ID)
				}
				if w := forbidden.FindString(text); w != "" {
					t.Errorf("%s says %q: %s", c.ID, w, text)
				}
			}
		}
	}
	for _, id := range CheckIDs() {
		if id.Spoken() == string(id) {
			t.Errorf("%s has no name for a person", id)
		}
		if w := forbidden.FindString(id.Spoken()); w != "" {
			t.Errorf("%s is called %q", id, id.Spoken())
		}
		for _, name := range []string{string(id), id.Spoken()} {
			if got, ok := CheckNamed(name); !ok || got != id {
				t.Errorf("CheckNamed(%q) = %q", name, got)
			}
		}
		if len(seen[id]) < 2 {
			t.Errorf("%s was seen in %v only", id, seen[id])
		}
	}
}

func TestPendingAreTheActsStillToCome(t *testing.T) {
	find, unbind := FindMyEffect(phoneName), UnbindEffect("goa-1")
	for name, c := range map[string]struct {
		in   input
		want []Effect
	}{
		"before":                  {released(), []Effect{find, unbind}},
		"after":                   {done(), nil},
		"deletion from here":      {with(released(), func(in *input) { in.p.Path.Needs = SignedInHere }), []Effect{find}},
		"asked for from here":     {handed(), []Effect{unbind}},
		"a mute phone is pending": {with(done(), func(in *input) { in.f.Trackers.Seen[0].State = TrackerUnknown }), []Effect{find}},
		"one that cannot be told": {with(done(), func(in *input) { in.f.Look.Bindings[0].State = "" }), nil},
		"a leftover is not":       {with(done(), func(in *input) { in.f.Look.Bindings[0].State = BindingLeftover }), nil},
		"a sign-out from here":    {with(released(), func(in *input) { in.p.Path.Needs, in.f.Departure.Intent = SignedInHere, SignOut }), []Effect{find, unbind}},
	} {
		if got := c.in.evaluate().Pending; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
