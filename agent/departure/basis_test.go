package departure

import (
	"testing"
	"time"
)

// later is the same facts, looked at again an hour later.
func later(in *input) {
	hour := time.Hour
	in.now = in.now.Add(hour)
	in.f.Look.At, in.f.Look.EndedAt = in.f.Look.At.Add(hour), in.f.Look.EndedAt.Add(hour)
	ended(in, at.Add(hour))
	in.f.Look.Copy.OldestRead, in.f.Look.Copy.LatestRead = in.f.Look.Copy.OldestRead.Add(hour), in.f.Look.Copy.LatestRead.Add(hour)
	in.f.ServerRequired = in.f.ServerRequired.Add(hour)
	in.f.Seal.At, in.f.Seal.End = in.f.Seal.At.Add(hour), in.f.Seal.End.Add(hour)
	for i := range in.f.Seal.Rows {
		in.f.Seal.Rows[i].End = in.f.Seal.Rows[i].End.Add(hour)
	}
}

func TestBasis(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*input)
		same   bool
	}{
		"nothing":                  {func(*input) {}, true},
		"time":                     {later, true},
		"time before the acts":     {func(in *input) { *in = done(); later(in) }, true},
		"another account came":     {func(in *input) { in.f.Look.Others = append(in.f.Look.Others, OtherHolder{ID: "x", Name: "x"}) }, true},
		"a word that waits":        {func(in *input) { in.say(Word{Check: KeptHere, Kind: Decline, List: "x"}) }, true},
		"more room at the copy":    {func(in *input) { in.f.Look.Copy.Free++ }, true},
		"a tracker of others":      {func(in *input) { in.f.Trackers.Others = []Tracker{{Name: "x"}} }, true},
		"another grant's time":     {func(in *input) { in.f.Grants[0].UsedAt = at.Add(1) }, true},
		"a source's keys":          {func(in *input) { in.listing("cloud:notes").Keys = "other" }, false},
		"the keys of a sealed one": {func(in *input) { in.f.Seal.Row("book").Keys = "other" }, false},
		"a source more": {func(in *input) {
			in.f.Look.Listings = append(in.f.Look.Listings, listed(Source{ID: "x", Dataset: Files, Fate: Lost, Remote: true, OfAccount: true}))
		}, false},
		"a sign-in's state": {func(in *input) { in.f.Look.Bindings[0].State = BindingLeftover }, false},
		"a sign-in more": {func(in *input) {
			in.f.Look.Bindings = append(in.f.Look.Bindings, Binding{ID: "goa-2", State: BindingGone})
		}, false},
		"find my device": {func(in *input) { in.f.Trackers.Seen[0].State = TrackerOn }, false},
		"a tracker more": {func(in *input) {
			in.f.Trackers.Seen = append(in.f.Trackers.Seen, Tracker{Name: "x", State: TrackerOff})
		}, false},
		"the copy's stats": {func(in *input) { in.f.Look.Copy.Stats = "other" }, false},
		"the copy itself":  {func(in *input) { in.f.Look.Copy.BagID = "other" }, false},
		"the copy's disk":  {func(in *input) { in.f.Look.Copy.Disk = "other" }, false},
		"the copy's place": {func(in *input) {
			in.f.Look.Copy.Place = PlaceSameDisk
			in.answer(DestinationApart, Accept, 0)
		}, false},
		"a word more that counts": {func(in *input) { in.say(Word{Check: KeptHere, Kind: Decline, List: "x"}); in.authorise() }, false},
		"another statement":       {func(in *input) { in.f.Words[0].Statement = "no"; in.authorise() }, false},
		"a linked device":         {func(in *input) { in.f.Devices[0].State = DeviceLost }, false},
		"the way to delete":       {func(in *input) { in.p.Path.ID = "other" }, false},
		"the policy":              {func(in *input) { in.pol.Digest = "other" }, false},
		"a check's status":        {func(in *input) { in.f.Health.Clock = false }, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := done()
			c.change(&in)
			if same := in.evaluate().Basis == done().evaluate().Basis; same != c.same {
				t.Errorf("same basis: %v", same)
			}
		})
	}
}

func TestVerdictHoldsForFiveMinutes(t *testing.T) {
	v := done().evaluate()
	if !v.At.Equal(at) || !v.Until.Equal(at.Add(VerdictLife)) {
		t.Errorf("at %v until %v", v.At, v.Until)
	}
	if v := (input{}).evaluate(); !v.Until.IsZero() {
		t.Errorf("a verdict over no look holds until %v", v.Until)
	}
}

func TestNothingKnownIsNeverReady(t *testing.T) {
	for _, intent := range []Intent{"", Delete, SignOut, Switch} {
		for _, declared := range []bool{false, true} {
			for _, p := range []Profile{{}, profile()} {
				in := input{p: p, now: at, pol: Policy{Allows: true}}
				in.f.Departure.Intent, in.f.Departure.Account.Declared = intent, declared
				if v := in.evaluate(); v.Release || v.Ready || v.Complete {
					t.Errorf("%q, declared %v: release %v, ready %v, complete %v", intent, declared, v.Release, v.Ready, v.Complete)
				}
			}
		}
	}
}

func TestSimulatedIsSaid(t *testing.T) {
	in := done()
	if in.evaluate().Simulated {
		t.Error("simulated without a simulator")
	}
	in.f.Trackers.Seen[0].Simulated = true
	if v := in.evaluate(); !v.Simulated || !v.Ready {
		t.Errorf("simulated %v, ready %v", v.Simulated, v.Ready)
	}
}

func TestReseal(t *testing.T) {
	row := func(s Source, keys Digest) SealRow { return SealRow{Source: s, Keys: keys, Intact: true} }
	fresh := []SealRow{row(remote(Notes), "fresh"), row(book, "fresh"), row(Source{ID: "own", Dataset: Notes, Fate: Stays}, "fresh")}
	keys := func(rows []SealRow) map[SourceID]Digest {
		m := map[SourceID]Digest{}
		for _, r := range rows {
			m[r.Source.ID] = r.Keys
		}
		return m
	}
	before := keys(released().f.Reseal(released().p, fresh))
	if len(before) != 2 || before["cloud:notes"] != "fresh" || before["book"] != "fresh" {
		t.Errorf("before the acts: %v", before)
	}
	after := keys(done().f.Reseal(done().p, fresh[:1]))
	if len(after) != 6 || after["cloud:notes"] != "fresh" || after["book"] != DigestOf("book") {
		t.Errorf("after the sign-out: %v", after)
	}
	from := keys(handed().f.Reseal(handed().p, fresh))
	if len(from) != 6 || from["cloud:notes"] != DigestOf("cloud:notes") || from["book"] != "fresh" {
		t.Errorf("after a deletion from here: %v", from)
	}
}
