package departure

import (
	"slices"
	"time"
)

// situation is one change to a baseline, and what the check it is about says
// then. alone: no other check stops holding by it.
type situation struct {
	check  CheckID
	name   string
	base   func() input
	change func(*input)
	status Status
	code   string
	alone  bool
}

// preyHere puts a program on this device that ties it to accounts of the
// departure's provider.
func preyHere(in *input) {
	in.f.Trackers.Here = []LocalTracker{{ID: "prey", Name: "Prey", Provider: in.f.Departure.Account.Provider,
		Found: []string{"service prey-agent.service, enabled"}, Guide: []string{"Remove this device at its page."}}}
}

// byHand is a bare sign-in that another program keeps.
var byHand = Binding{ID: "git:1", Name: "git", State: BindingPresent, Guided: true, Why: Reason{"by-hand", "git still has the password"},
	Blocked: &Remedy{Code: "by-hand", Text: "let git forget it", Command: "clearance leave alice@cloud"}}

// sealedList puts a list of sign-ins on this device that only the person can read.
func sealedList(in *input) {
	in.f.Look.Bindings = append(in.f.Look.Bindings, Binding{ID: "rclone:conf", Name: "the list", Unread: "as it is",
		Why: Reason{"encrypted", "the list cannot be read from here"}, Blocked: &Remedy{Code: "look-inside", Text: "look into it"}})
}

// anotherBook is all that would leave this device, and no book of its own takes it.
func anotherBook(in *input) {
	l := listed(Source{ID: "tb", Dataset: Contacts, Fate: Leaves, OfAccount: true, Name: "Work (Thunderbird)"})
	in.f.Look.Listings = append(in.f.Look.Listings, l)
	in.f.Seal.Rows = append(in.f.Seal.Rows, SealRow{Source: l.Source, Keys: l.Keys, Items: l.Items, End: at, Intact: true})
	in.f.Look.Kept = Kept{Known: true, CopyOnly: []SourceID{"tb"}}
}

// exported makes the first listing an export of which two parts are here, and a
// person count as many as they say; 0: none.
func (in *input) exported(counted int64) {
	l := &in.f.Look.Listings[0]
	l.Export, l.Parts = "takeout-1", 2
	if counted > 0 {
		in.answer(InventoryComplete, Attest, counted)
	}
}

// situations are, for each row of the table, the cases that domain.md tells.
var situations = slices.Concat(situationsOfTheCopy, situationsOfLeaving)

func failedPhoto(in *input) {
	l := in.listing("cloud:photos")
	l.Covered, l.Failed, l.Failures = 19, 1, "this one"
}

func unsoundPhoto(in *input) {
	l := in.listing("cloud:photos")
	l.Unsound, l.Unsounds = 1, "this one"
}

// waive passes a check over by a word, which a policy may allow.
func waive(id CheckID, allowed bool) func(*input) {
	return func(in *input) {
		in.unsay(id)
		if allowed {
			in.pol.Waivable = []CheckID{id}
		}
		in.answer(id, Waive, 0)
	}
}

// bobs is a folder that another person shares with the account.
var bobs = Source{ID: "cloud:files shared by bob", Dataset: Files, Fate: Stays, Remote: true, SharedBy: "bob", Name: "files, shared with you by bob"}

// same sets when the server last said that nothing changed.
func same(in *input, at time.Time) {
	for i := range in.f.Look.Listings {
		in.f.Look.Listings[i].SameAt = at
	}
}

func ended(in *input, when time.Time) {
	for i := range in.f.Look.Listings {
		in.f.Look.Listings[i].EndedAt = when
	}
}

// signOut is a departure that only signs out, at its end.
func signOut() input {
	in := done()
	in.f.Departure.Intent = SignOut
	return in
}

// empty is an account that holds nothing, with no copy.
func empty() input {
	in := done()
	for i := range in.f.Look.Listings {
		l := &in.f.Look.Listings[i]
		l.Items, l.Covered, l.Bytes = 0, 0, 0
	}
	for i := range in.f.Sources {
		in.f.Sources[i].Items = 0
	}
	for i := range in.f.Seal.Rows {
		in.f.Seal.Rows[i].Items = 0
	}
	in.f.Look.Copy, in.f.Ledger = Copy{Place: PlaceUnset}, ""
	return in
}

// neverHere is an account that was never signed in here: nothing irreversible is
// to be done.
func neverHere() input {
	in := released()
	in.f.Trackers.Seen[0].State = TrackerOff
	in.f.Look.Bindings, in.f.Bindings, in.f.Grants = nil, nil, nil
	in.dropListing("book")
	in.f.Sources = in.f.Sources[:len(in.f.Sources)-1]
	in.dropRow("book")
	return in
}
