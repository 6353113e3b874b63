package departure

import (
	"slices"
	"time"
)

// at is the time of every baseline.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// input is all that Evaluate gets.
type input struct {
	f   Facts
	p   Profile
	pol Policy
	now time.Time
}

func (in input) evaluate() Verdict { return Evaluate(in.f, in.p, in.pol, in.now) }

// listing is the listing of a source, by its id.
func (in *input) listing(id SourceID) *Listing {
	i := slices.IndexFunc(in.f.Look.Listings, func(l Listing) bool { return l.Source.ID == id })
	return &in.f.Look.Listings[i]
}

func (in *input) dropListing(id SourceID) {
	in.f.Look.Listings = slices.DeleteFunc(in.f.Look.Listings, func(l Listing) bool { return l.Source.ID == id })
}

func (in *input) dropRow(id SourceID) {
	in.f.Seal.Rows = slices.DeleteFunc(in.f.Seal.Rows, func(r SealRow) bool { return r.Source.ID == id })
}

// unsay takes every word about a check back.
func (in *input) unsay(id CheckID) {
	in.f.Words = slices.DeleteFunc(in.f.Words, func(w Word) bool { return w.Check == id })
}

// say says a word without the authorisation that makes it count.
func (in *input) say(w Word) {
	w.Statement, w.At = "yes", in.now
	in.f.Words = append(in.f.Words, w)
}

// authorise makes every word count.
func (in *input) authorise() {
	a := &Authorisation{ID: "auth", At: in.now, From: in.now}
	if in.f.Authorisation != nil {
		a.Effects = in.f.Authorisation.Effects
	}
	for _, w := range in.f.Words {
		a.Words = append(a.Words, w.Digest())
	}
	in.f.Authorisation = a
}

// answer says what an open check asks, and authorises it.
func (in *input) answer(id CheckID, kind WordKind, count int64) {
	c, _ := in.evaluate().Checks.Get(id)
	in.say(Word{Check: id, Kind: kind, Subject: c.Ask.Subject, List: c.Ask.List, Count: count})
	in.authorise()
}

const phoneName = "org.clearance.FindMyDevice1.Demo"

func remote(d Dataset) Source {
	return Source{ID: SourceID("cloud:" + d), Dataset: d, Fate: Lost, Remote: true, OfAccount: true, Name: string(d) + " at the server"}
}

var book = Source{ID: "book", Dataset: Contacts, Fate: Leaves, OfAccount: true, Name: "address book"}

// listed is a source of 20 items, all of them in the copy.
func listed(s Source) Listing {
	return Listing{Source: s, Complete: true, EndedAt: at, Keys: DigestOf(s.ID), Items: 20, Bytes: 200, Covered: 20, Failures: DigestOf()}
}

func profile() Profile {
	return Profile{Provider: "cloud", Name: "Cloud", Datasets: Datasets, Path: Path{ID: "web", Title: "on the web", Needs: Web},
		Consequences: []Line{{ID: "c", Text: "the account is gone"}}, Purchases: []Line{{ID: "p", Text: "proofs are gone"}},
		Uncovered: []Line{{ID: "u", Text: "messages are gone"}}}
}

// released is a departure before its irreversible acts: everything before them
// holds, and both are granted.
func released() input {
	in := input{p: profile(), pol: Policy{Allows: true, Digest: "policy"}, now: at}
	in.f = Facts{
		Departure: Departure{ID: "d", Account: Account{ID: "a", Provider: "cloud", Identity: "alice@cloud", Name: "alice"},
			Intent: Delete, Path: "web", Fate: KeptDevice, Opened: at.Add(-time.Hour)},
		Health:   Health{Worker: true, Buses: true, Store: true, Clock: true},
		Trackers: Trackers{Complete: true, Seen: []Tracker{{Name: phoneName, State: TrackerOn}}},
		Bindings: []KnownBinding{{ID: "goa-1", Kind: "goa", Name: "alice", Carries: true}},
		Separate: []OtherHolder{{ID: "google", Name: "Google"}},
		Devices:  []Device{{ID: "device-1", Name: "old phone", State: DeviceSold}},
		Seal:     &Seal{At: at, End: at}, Ledger: "ledger", Assured: AssuredSystem, ServerRequired: at.Add(-time.Second),
	}
	in.f.Look = Look{At: at, EndedAt: at, Complete: true,
		Copy: Copy{Place: PlaceApart, Shown: "/media/disk", Present: true, Disk: "disk", BagID: "bag", Free: 1000, Ledger: "ledger",
			Items: 120, Bytes: 1200, OldestRead: at, LatestRead: at, Stats: "stats"},
		Kept:     Kept{Known: true, Needed: 20, Present: 20},
		Bindings: []Binding{{ID: "goa-1", Kind: "goa", Name: "alice", State: BindingPresent, Carries: true}},
		Others:   []OtherHolder{{ID: "google", Name: "Google"}},
	}
	for _, d := range Datasets {
		in.f.Look.Listings = append(in.f.Look.Listings, listed(remote(d)))
	}
	in.f.Look.Listings = append(in.f.Look.Listings, listed(book))
	for _, l := range in.f.Look.Listings {
		in.f.Sources = append(in.f.Sources, KnownSource{Source: l.Source, Items: l.Items})
		in.f.Seal.Rows = append(in.f.Seal.Rows, SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: at, Intact: true})
	}
	for _, e := range []Effect{FindMyEffect(phoneName), UnbindEffect("goa-1")} {
		in.f.Grants = append(in.f.Grants, Grant{ID: "grant " + string(e), Authorisation: "auth", Effect: e, From: at})
	}
	for _, w := range []Word{
		{Check: UncoveredAcknowledged, Kind: Acknowledge, List: LinesList(UncoveredAcknowledged, in.p.Uncovered)},
		{Check: RecordsPurchases, Kind: Acknowledge, List: LinesList(RecordsPurchases, in.p.Purchases)},
		{Check: ConsequencesAcknowledged, Kind: Acknowledge, List: LinesList(ConsequencesAcknowledged, in.p.Consequences)},
		{Check: RosterSignedOut, Kind: Acknowledge, List: RosterList(in.f.Devices)},
	} {
		in.say(w)
	}
	in.authorise()
	return in
}

// done is the same departure after both acts: the account may be deleted.
func done() input {
	in := released()
	for i := range in.f.Grants {
		g := &in.f.Grants[i]
		g.UsedAt = at
		in.f.Acts = append(in.f.Acts, Act{Grant: g.ID, Effect: g.Effect, State: ActDone, At: at, EndAt: at})
	}
	in.f.Trackers.Seen[0].State = TrackerOff
	in.f.Look.Bindings[0].State = BindingGone
	in.f.Bindings[0].GoneAt, in.f.Bindings[0].ByUs = at, true
	in.dropListing("book")
	return in
}

// restarted is that departure after the agent was started anew: the password is
// not known any more.
func restarted() input {
	in := done()
	for i := range in.f.Look.Listings {
		l := &in.f.Look.Listings[i]
		*l = Listing{Source: l.Source, Why: Reason{"no-credential", "the password is not known any more"}}
	}
	return in
}

// handed is a deletion from this device that was asked for: the server no longer
// lists anything, and the sign-out here is still to come.
func handed() input {
	in := released()
	in.p.Path = Path{ID: "phone", Needs: SignedInHere}
	in.f.Trackers.Seen[0].State = TrackerOff
	in.f.Grants[0].UsedAt = at
	in.f.Submitted = at
	for _, d := range Datasets {
		in.dropListing(remote(d).ID)
	}
	return in
}

// told is a declared account, with a folder of photos and every count attested.
func told() input {
	in := released()
	in.f.Departure.Account.Declared = true
	photos := Source{ID: "given", Dataset: Photos, Fate: Lost, Given: true, Name: "/export"}
	in.f.Look.Listings = []Listing{listed(photos)}
	in.f.Sources = []KnownSource{{Source: photos, Items: 20}}
	in.f.Look.Bindings, in.f.Bindings, in.f.Grants = nil, nil, nil
	in.f.Trackers.Seen = nil
	in.f.Seal.Rows = []SealRow{{Source: photos, Keys: DigestOf(photos.ID), Items: 20, End: at, Intact: true}}
	for _, d := range Datasets {
		w := Word{Check: BackupOf(d), Kind: Attest, List: CountList(in.f.Departure.Account, d)}
		if d == Photos {
			w.Count = 20
		}
		in.say(w)
	}
	in.say(Word{Check: FindMyDeviceOff, Kind: Attest, List: TrackerList(in.f.Departure.Account, in.f.Trackers)})
	in.authorise()
	return in
}
