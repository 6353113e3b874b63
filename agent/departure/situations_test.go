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

// situations are, for each row of the table, the cases that domain.md tells.
// byHand is a bare sign-in that another program keeps.
var byHand = Binding{ID: "git:1", Name: "git", State: BindingPresent, Guided: true, Why: Reason{"by-hand", "git still has the password"},
	Blocked: &Remedy{Code: "by-hand", Text: "let git forget it", Command: "clearance leave alice@cloud"}}

// exported makes the first listing an export of which two parts are here, and a
// person count as many as they say; 0: none.
func (in *input) exported(counted int64) {
	l := &in.f.Look.Listings[0]
	l.Export, l.Parts = "takeout-1", 2
	if counted > 0 {
		in.answer(InventoryComplete, Attest, counted)
	}
}

var situations = []situation{
	{AgentHealthy, "sound", done, nil, Pass, "healthy", false},
	{AgentHealthy, "no worker", done, func(in *input) { in.f.Health.Worker = false }, Unknown, "not-healthy", true},
	{AgentHealthy, "no bus, with why", done, func(in *input) { in.f.Health.Buses = false; in.f.Health.Why = Reason{"bus", "the bus is gone"} }, Unknown, "bus", true},
	{AgentHealthy, "no store", done, func(in *input) { in.f.Health.Store = false }, Unknown, "not-healthy", true},
	{AgentHealthy, "no clock", done, func(in *input) { in.f.Health.Clock = false }, Unknown, "not-healthy", true},

	{PolicyAllows, "allowed", done, nil, Pass, "allowed", false},
	{PolicyAllows, "forbidden", done, func(in *input) { in.pol.Allows = false }, Fail, "policy", true},
	{PolicyAllows, "forbidden, with why", done, func(in *input) {
		in.pol.Allows, in.pol.Why = false, Reason{"policy", "your employer keeps this account"}
	}, Fail, "policy", true},

	{InventoryComplete, "all listed", done, nil, Pass, "listed", false},
	{InventoryComplete, "never looked", released, func(in *input) { in.f.Look = Look{} }, Unknown, "not-looked", false},
	{InventoryComplete, "look incomplete", released, func(in *input) { in.f.Look.Complete = false }, Unknown, "look-incomplete", true},
	{InventoryComplete, "server unreachable", released, func(in *input) {
		*in.listing("cloud:notes") = Listing{Source: remote(Notes), Why: Reason{"unreachable", "the server cannot be reached"}}
	}, Unknown, "unreachable", false},
	{InventoryComplete, "server wants the password", released, func(in *input) {
		*in.listing("cloud:notes") = Listing{Source: remote(Notes), Why: Reason{"unauthorized", "401"}}
	}, Unknown, "unauthorized", false},
	{InventoryComplete, "after the sign-out the seal's row stands", restarted, nil, Pass, "listed", false},
	{InventoryComplete, "but not for a source without a row", restarted, func(in *input) { in.dropRow("cloud:notes") }, Unknown, "no-credential", false},
	{InventoryComplete, "server empties after the deletion from here", handed, nil, Pass, "listed", false},
	{InventoryComplete, "but this device's own side is listed", handed, func(in *input) {
		*in.listing("book") = Listing{Source: book, Why: Reason{"unreachable", "the address books do not answer"}}
	}, Unknown, "unreachable", false},
	{InventoryComplete, "a book that vanished before it was sealed", released, func(in *input) { in.dropListing("book"); in.f.Seal = nil }, Unknown, "vanished", false},
	{InventoryComplete, "a folder that was given and is gone", released, func(in *input) {
		in.f.Sources = append(in.f.Sources, KnownSource{Source: Source{ID: "given", Dataset: Photos, Fate: Lost, Given: true, Name: "/export"}, Items: 3})
	}, Unknown, "given-gone", true},
	{InventoryComplete, "a source that drops to 0", done, func(in *input) {
		l := in.listing("cloud:notes")
		l.Items, l.Covered = 0, 0
	}, Fail, "fell", true},
	{InventoryComplete, "a drop that was accepted by name", done, func(in *input) {
		l := in.listing("cloud:notes")
		l.Items, l.Covered = 0, 0
		in.answer(InventoryComplete, Accept, 0)
	}, Pass, "listed", false},
	{InventoryComplete, "a drop accepted after the authorisation", done, func(in *input) {
		l := in.listing("cloud:notes")
		l.Items, l.Covered = 0, 0
		in.say(Word{Check: InventoryComplete, Kind: Accept, Subject: "cloud:notes", List: DropList("cloud:notes", 20, 0)})
	}, Fail, "awaits-authorisation", true},
	{InventoryComplete, "a drop after the one that was accepted", done, func(in *input) {
		l := in.listing("cloud:notes")
		l.Items, l.Covered = 1, 1
		in.answer(InventoryComplete, Accept, 0)
		l.Items, l.Covered = 0, 0
	}, Fail, "fell", true},
	{InventoryComplete, "a cache is no evidence for the server", released, func(in *input) {
		in.dropListing("cloud:contacts")
		in.f.Sources = nil
	}, Unknown, "not-listed-there", false},
	{InventoryComplete, "a place of what nobody knows", done, func(in *input) {
		in.f.Look.Listings = append(in.f.Look.Listings, Listing{Source: Source{ID: "songs", Dataset: "songs", Fate: Lost, Remote: true, Name: "songs"}, Complete: true, EndedAt: at})
	}, Unknown, "kind-unknown", true},
	{InventoryComplete, "declared", told, nil, Attested, "attested", false},
	{InventoryComplete, "declared, not counted", told, func(in *input) { in.unsay(BackupOf(Notes)) }, Unknown, "not-said", false},

	{InventoryComplete, "declared, counted after the authorisation", told, func(in *input) {
		in.unsay(BackupOf(Photos))
		in.say(Word{Check: BackupOf(Photos), Kind: Attest, List: CountList(in.f.Departure.Account, Photos), Count: 19})
	}, Unknown, "awaits-authorisation", false},
	{InventoryComplete, "an export, its parts not counted", told, func(in *input) { in.exported(0) }, Unknown, "parts-not-said", false},
	{InventoryComplete, "an export that lacks a part", told, func(in *input) { in.exported(3) }, Fail, "part-missing", false},
	{InventoryComplete, "an export with more parts than were counted", told, func(in *input) { in.exported(1) }, Fail, "parts-miscounted", false},
	{InventoryComplete, "an export, all its parts counted", told, func(in *input) { in.exported(2) }, Attested, "attested", false},
	{InventoryComplete, "an export of an account that is signed in here", done, func(in *input) { in.exported(2) }, Attested, "attested", false},
	{InventoryComplete, "that lacks a part", done, func(in *input) { in.exported(3) }, Fail, "part-missing", false},
	{InventoryComplete, "parts counted of another export", told, func(in *input) {
		in.exported(2)
		in.f.Look.Listings[0].Export = "takeout-2"
	}, Unknown, "parts-not-said", false},
	{InventoryComplete, "parts counted after the authorisation", told, func(in *input) {
		in.exported(0)
		l := in.f.Look.Listings[0]
		in.say(Word{Check: InventoryComplete, Kind: Attest, Subject: l.Export, List: PartsList(in.f.Departure.Account, l.Export), Count: 2})
	}, Unknown, "awaits-authorisation", false},
	{InventoryComplete, "a deletion on the web does not free the server", handed, func(in *input) { in.p.Path.Needs = Web }, Fail, "fell", false},
	{InventoryComplete, "nor one that was not asked for yet", handed, func(in *input) { in.f.Submitted = time.Time{} }, Fail, "fell", false},

	{DestinationApart, "apart", done, nil, Pass, "apart", false},
	{DestinationApart, "none chosen", done, func(in *input) { in.f.Look.Copy.Place = PlaceUnset }, Fail, "no-place", false},
	{DestinationApart, "inside a source", done, func(in *input) {
		in.f.Look.Copy.Place, in.f.Look.Copy.PlaceWhy = PlaceRefused, Reason{"in-source", "that folder goes with the account"}
	}, Fail, "in-source", true},
	{DestinationApart, "nobody can tell", done, func(in *input) { in.f.Look.Copy.Place = "" }, Unknown, "place-unknown", true},
	{DestinationApart, "unplugged", done, func(in *input) { in.f.Look.Copy.Present = false }, Unknown, "copy-away", false},
	{DestinationApart, "full", done, func(in *input) { in.f.Look.Copy.Need = 2000 }, Fail, "does-not-fit", true},
	{DestinationApart, "same disk, device kept", done, func(in *input) { in.f.Look.Copy.Place = PlaceSameDisk }, Fail, "same-disk", true},
	{DestinationApart, "same disk, accepted by name", done, func(in *input) {
		in.f.Look.Copy.Place = PlaceSameDisk
		in.answer(DestinationApart, Accept, 0)
	}, Waived, "same-disk-accepted", false},
	{DestinationApart, "same disk, accepted, then wiped", done, func(in *input) {
		in.f.Look.Copy.Place = PlaceSameDisk
		in.answer(DestinationApart, Accept, 0)
		in.f.Departure.Fate = WipedDevice
	}, Fail, "same-disk", false},
	{DestinationApart, "same disk, accepted for another folder", done, func(in *input) {
		in.f.Look.Copy.Place = PlaceSameDisk
		in.answer(DestinationApart, Accept, 0)
		in.f.Look.Copy.Shown = "/home/alice/other"
	}, Fail, "same-disk", true},
	{DestinationApart, "same disk, device returned", done, func(in *input) {
		in.f.Look.Copy.Place, in.f.Departure.Fate = PlaceSameDisk, ReturnedDevice
	}, Fail, "same-disk", true},
	{DestinationApart, "nothing to copy", empty, nil, NA, "none-needed", false},

	{BackupOf(Photos), "copied", done, nil, Pass, "copied", false},
	{BackupOf(Photos), "one missing", done, func(in *input) { in.listing("cloud:photos").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Contacts), "one missing", done, func(in *input) { in.listing("cloud:contacts").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Notes), "one missing", done, func(in *input) { in.listing("cloud:notes").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Calendars), "one missing", done, func(in *input) { in.listing("cloud:calendars").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Files), "one missing", done, func(in *input) { in.listing("cloud:files").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Contacts), "one missing that would leave", released, func(in *input) { in.listing("book").Covered = 19 }, Fail, "missing", true},
	{BackupOf(Photos), "never looked", released, func(in *input) { in.f.Look = Look{} }, Unknown, "not-looked", false},
	{BackupOf(Photos), "not listed", released, func(in *input) { in.listing("cloud:photos").Complete = false }, Unknown, "not-listed", false},
	{BackupOf(Photos), "one failed", done, failedPhoto, Fail, "failed", true},
	{BackupOf(Photos), "one damaged at its source", done, unsoundPhoto, Fail, "damaged-at-source", true},
	{BackupOf(Photos), "one damaged at its source, accepted by name", done, func(in *input) { unsoundPhoto(in); in.answer(BackupOf(Photos), Accept, 0) }, Pass, "copied", false},
	{BackupOf(Photos), "another one damaged than accepted", done, func(in *input) {
		unsoundPhoto(in)
		in.answer(BackupOf(Photos), Accept, 0)
		in.listing("cloud:photos").Unsounds = "that one"
	}, Fail, "damaged-at-source", true},
	{BackupOf(Photos), "nobody knows how many are damaged", done, func(in *input) { in.listing("cloud:photos").Unsound = -1 }, Fail, "damaged-at-source", true},
	{BackupOf(Photos), "one failed and accepted, one damaged", done, func(in *input) {
		failedPhoto(in)
		in.answer(BackupOf(Photos), Accept, 0)
		unsoundPhoto(in)
	}, Fail, "failed", true},
	{BackupOf(Photos), "one failed, accepted by name", done, func(in *input) { failedPhoto(in); in.answer(BackupOf(Photos), Accept, 0) }, Pass, "copied", false},
	{BackupOf(Photos), "one failed, accepted, not authorised", done, func(in *input) {
		failedPhoto(in)
		l := in.listing("cloud:photos")
		in.say(Word{Check: BackupOf(Photos), Kind: Accept, List: FailureList(Photos, []any{[]any{l.Source.ID, l.Failures}})})
	}, Fail, "awaits-authorisation", true},
	{BackupOf(Photos), "another failed than was accepted", done, func(in *input) {
		failedPhoto(in)
		in.answer(BackupOf(Photos), Accept, 0)
		in.listing("cloud:photos").Failures = "another"
	}, Fail, "failed", true},
	{BackupOf(Photos), "sealed, after a restart", restarted, nil, Pass, "copied", false},
	{BackupOf(Contacts), "only on this device, which is kept", done, func(in *input) {
		own := listed(Source{ID: "own", Dataset: Contacts, Fate: Stays, Name: "own book"})
		own.Covered = 0
		in.f.Look.Listings = append(in.f.Look.Listings, own)
	}, Pass, "copied", false},
	{BackupOf(Contacts), "only on this device, asked for", done, func(in *input) {
		own := listed(Source{ID: "own", Dataset: Contacts, Fate: Stays, Name: "own book"})
		own.Covered = 0
		in.f.Look.Listings, in.f.Departure.Extra = append(in.f.Look.Listings, own), []Dataset{Contacts}
	}, Fail, "missing", false},
	{BackupOf(Contacts), "only on this device, which is returned", done, func(in *input) {
		own := listed(Source{ID: "own", Dataset: Contacts, Fate: Stays, Name: "own book"})
		own.Covered = 0
		in.f.Look.Listings, in.f.Departure.Fate = append(in.f.Look.Listings, own), ReturnedDevice
	}, Fail, "missing", false},
	{BackupOf(Photos), "none anywhere", empty, nil, NA, "empty", false},
	{BackupOf(Photos), "not of this provider", released, func(in *input) { in.dropListing("cloud:photos"); in.dropRow("cloud:photos") }, NA, "none", false},
	{BackupOf(Photos), "not known where", released, func(in *input) { in.dropListing("cloud:photos"); in.f.Look.Complete = false }, Unknown, "not-known", false},
	{BackupOf(Photos), "declared, as many as counted", told, nil, Attested, "attested", false},
	{BackupOf(Notes), "declared, zero by attestation", told, nil, Attested, "attested", false},
	{BackupOf(Photos), "declared, more than counted", told, func(in *input) { l := in.listing("given"); l.Items, l.Covered = 30, 30 }, Attested, "attested", false},
	{BackupOf(Photos), "declared, not counted", told, func(in *input) { in.unsay(BackupOf(Photos)) }, Unknown, "not-said", false},
	{BackupOf(Photos), "declared, fewer than counted", told, func(in *input) {
		in.unsay(BackupOf(Photos))
		in.say(Word{Check: BackupOf(Photos), Kind: Attest, List: CountList(in.f.Departure.Account, Photos), Count: 21})
		in.authorise()
	}, Fail, "fewer", false},
	{BackupOf(Photos), "declared, counted after the authorisation", told, func(in *input) {
		in.unsay(BackupOf(Photos))
		in.say(Word{Check: BackupOf(Photos), Kind: Attest, List: CountList(in.f.Departure.Account, Photos), Count: 19})
	}, Fail, "awaits-authorisation", false},
	{BackupOf(Photos), "declared, as many only with this device's own", told, func(in *input) {
		l := in.listing("given")
		l.Items, l.Covered = l.Items-1, l.Covered-1
		own := listed(Source{ID: "own", Dataset: Photos, Fate: Stays, Name: "own pictures"})
		in.f.Departure.Extra = []Dataset{Photos}
		in.f.Look.Listings = append(in.f.Look.Listings, own)
	}, Fail, "fewer", false},
	{BackupOf(Photos), "declared, as many only with what lies beside them", told, func(in *input) { in.listing("given").Beside = 1 }, Fail, "fewer", false},
	{BackupOf(Photos), "declared, counted but not copied", told, func(in *input) { in.listing("given").Covered = 19 }, Fail, "missing", true},

	{BackupVerified, "read back", done, nil, Pass, "read-back", false},
	{BackupVerified, "never looked", released, func(in *input) { in.f.Look = Look{} }, Unknown, "not-looked", false},
	{BackupVerified, "no copy", done, func(in *input) { in.f.Look.Copy.BagID = "" }, Fail, "no-copy", true},
	{BackupVerified, "nothing to read", empty, nil, Pass, "empty", false},
	{BackupVerified, "unplugged", done, func(in *input) { in.f.Look.Copy.Present = false }, Unknown, "copy-away", false},
	{BackupVerified, "another list than the agent left", done, func(in *input) { in.f.Look.Copy.Ledger = "forged" }, Fail, "list-changed", true},
	{BackupVerified, "damaged", done, func(in *input) { in.f.Look.Copy.Damaged = 1 }, Fail, "damaged", true},
	{BackupVerified, "touched since", done, func(in *input) { in.f.Look.Copy.Differs = 1 }, Fail, "touched", true},
	{BackupVerified, "not read yet", done, func(in *input) { in.f.Look.Copy.Unread = 1 }, Fail, "unread", true},
	{BackupVerified, "read just under a day ago", done, func(in *input) { in.f.Look.Copy.OldestRead = at.Add(1 - ReadLife) }, Pass, "read-back", false},
	{BackupVerified, "read at a time to come", done, func(in *input) { in.f.Look.Copy.OldestRead, in.f.Look.Copy.LatestRead = at.Add(1), at.Add(1) }, Unknown, "read-in-the-future", false},
	{BackupVerified, "one of them read at a time to come", done, func(in *input) { in.f.Look.Copy.LatestRead = at.Add(time.Hour) }, Unknown, "read-in-the-future", false},
	{BackupVerified, "the clock was set back since", done, func(in *input) { in.now = at.Add(-time.Minute) }, Unknown, "read-in-the-future", false},
	{BackupVerified, "nobody says when", done, func(in *input) { in.f.Look.Copy.LatestRead = time.Time{} }, Unknown, "read-unknown", false},
	{BackupVerified, "read a day ago", done, func(in *input) { in.f.Look.Copy.OldestRead = at.Add(-ReadLife) }, Fail, "read-long-ago", true},

	{KeptHere, "kept", done, nil, Pass, "kept", false},
	{KeptHere, "not known", done, func(in *input) { in.f.Look.Kept = Kept{} }, Unknown, "not-looked", true},
	{KeptHere, "one missing", done, func(in *input) { in.f.Look.Kept.Present = 19 }, Fail, "not-kept", true},
	{KeptHere, "declined", done, func(in *input) { in.f.Look.Kept.Present = 0; in.answer(KeptHere, Decline, 0) }, Waived, "declined", false},
	{KeptHere, "declined, not authorised", done, func(in *input) {
		in.f.Look.Kept.Present = 0
		in.say(Word{Check: KeptHere, Kind: Decline, List: KeepList(in.f.Departure.Account)})
	}, Fail, "awaits-authorisation", true},
	{KeptHere, "nothing would leave", done, func(in *input) { in.f.Look.Kept = Kept{Known: true} }, NA, "none", false},
	{KeptHere, "the device goes", done, func(in *input) { in.f.Departure.Fate, in.f.Look.Kept = WipedDevice, Kept{} }, NA, "device-goes", false},
	{KeptHere, "declared", told, nil, NA, "declared", false},

	{UncoveredAcknowledged, "acknowledged", done, nil, Pass, "said", false},
	{UncoveredAcknowledged, "not said", done, func(in *input) { in.unsay(UncoveredAcknowledged) }, Fail, "not-said", true},
	{UncoveredAcknowledged, "nothing uncovered", done, func(in *input) { in.p.Uncovered = nil }, NA, "none", false},
	{UncoveredAcknowledged, "waived, as policy allows", done, waive(UncoveredAcknowledged, true), Waived, "waived-by-policy", false},
	{UncoveredAcknowledged, "waived, against policy", done, waive(UncoveredAcknowledged, false), Fail, "not-said", true},
	{RecordsPurchases, "acknowledged", done, nil, Pass, "said", false},
	{RecordsPurchases, "not said", done, func(in *input) { in.unsay(RecordsPurchases) }, Fail, "not-said", true},
	{RecordsPurchases, "said of a shorter list", done, func(in *input) { in.p.Purchases = append(in.p.Purchases, Line{"q", "and more"}) }, Fail, "not-said", true},
	{RecordsPurchases, "nothing sold", done, func(in *input) { in.p.Purchases = nil }, NA, "none", false},
	{RecordsPurchases, "waived, as policy allows", done, waive(RecordsPurchases, true), Waived, "waived-by-policy", false},
	{RecordsPurchases, "waived, against policy", done, waive(RecordsPurchases, false), Fail, "not-said", true},
	{RecordsPurchases, "sign-out", signOut, nil, NA, "not-asked", false},
	{ConsequencesAcknowledged, "acknowledged", done, nil, Pass, "said", false},
	{ConsequencesAcknowledged, "not said", done, func(in *input) { in.unsay(ConsequencesAcknowledged) }, Fail, "not-said", true},
	{ConsequencesAcknowledged, "said, not authorised", done, func(in *input) {
		in.unsay(ConsequencesAcknowledged)
		in.authorise()
		in.say(Word{Check: ConsequencesAcknowledged, Kind: Acknowledge, List: LinesList(ConsequencesAcknowledged, in.p.Consequences)})
	}, Fail, "awaits-authorisation", true},
	{ConsequencesAcknowledged, "said of a shorter list", done, func(in *input) { in.p.Consequences = append(in.p.Consequences, Line{"d", "and more"}) }, Fail, "not-said", true},
	{ConsequencesAcknowledged, "waived, as policy allows", done, waive(ConsequencesAcknowledged, true), Waived, "waived-by-policy", false},
	{ConsequencesAcknowledged, "none known", done, func(in *input) { in.p.Consequences = nil }, NA, "none", false},
	{ConsequencesAcknowledged, "sign-out", signOut, nil, NA, "not-asked", false},

	{RosterSignedOut, "all settled and said", done, nil, Pass, "said", false},
	{RosterSignedOut, "not said", done, func(in *input) { in.unsay(RosterSignedOut) }, Fail, "not-said", true},
	{RosterSignedOut, "one may be signed in", done, func(in *input) { in.f.Devices[0].State = "" }, Fail, "signed-in", true},
	{RosterSignedOut, "one may be signed in, passed over by name", done, func(in *input) {
		in.f.Devices[0].State = ""
		in.answer(RosterSignedOut, Waive, 0)
		in.answer(RosterSignedOut, Acknowledge, 0)
	}, Pass, "said", false},
	{RosterSignedOut, "a device is listed after the word", done, func(in *input) {
		in.f.Devices = append(in.f.Devices, Device{"device-2", "tablet", DeviceWiped})
	}, Fail, "not-said", true},
	{RosterSignedOut, "sign-out", signOut, func(in *input) { in.f.Devices[0].State = "" }, NA, "not-asked", false},

	{AuthorizeGranted, "granted", released, nil, Pass, "authorised", false},
	{AuthorizeGranted, "nothing is left to grant", done, nil, Pass, "authorised", false},
	{AuthorizeGranted, "never", released, func(in *input) { in.f.Authorisation = nil }, Fail, "not-authorised", false},
	{AuthorizeGranted, "one act without leave", released, func(in *input) { in.f.Grants = in.f.Grants[:1] }, Fail, "grant-required", true},
	{AuthorizeGranted, "used up", released, func(in *input) { in.f.Grants[0].UsedAt = at }, Fail, "grant-required", true},
	{AuthorizeGranted, "void", released, func(in *input) { in.f.Grants[1].VoidAt = at }, Fail, "grant-required", true},
	{AuthorizeGranted, "a day old", released, func(in *input) { in.f.Grants[0].From = at.Add(-GrantLife) }, Fail, "grant-required", true},
	{AuthorizeGranted, "just under a day old", released, func(in *input) { in.f.Grants[0].From = at.Add(1 - GrantLife) }, Pass, "authorised", false},
	{AuthorizeGranted, "waits for its delay", released, func(in *input) { in.f.Grants[0].From = at.Add(time.Hour) }, Fail, "delay", true},
	{AuthorizeGranted, "interrupted once", released, func(in *input) {
		in.f.Grants[1].UsedAt = at
		in.f.Acts = []Act{{Grant: in.f.Grants[1].ID, Effect: UnbindEffect("goa-1"), State: ActInterrupted}}
	}, Fail, "grant-required", true},
	{AuthorizeGranted, "another act was interrupted", released, func(in *input) {
		in.f.Grants[1].UsedAt = at
		in.f.Acts = []Act{{Effect: UnbindEffect("goa-0"), State: ActInterrupted}, {Grant: in.f.Grants[1].ID, Effect: UnbindEffect("goa-1"), State: ActIntended}}
	}, Fail, "grant-required", true},
	{AuthorizeGranted, "for another sign-in than the one that is here now", released, func(in *input) {
		in.f.Look.Bindings[0].ID, in.f.Bindings[0].ID = "goa-2", "goa-2"
	}, Fail, "grant-required", true},

	{SealRecent, "just taken", released, nil, Pass, "recent", false},
	{SealRecent, "ten minutes ago", released, func(in *input) { in.f.Seal.End = at.Add(-SealLife) }, Pass, "recent", false},
	{SealRecent, "longer ago", released, func(in *input) { in.f.Seal.End = at.Add(-SealLife - 1) }, Fail, "seal-old", true},
	{SealRecent, "clock set back", released, func(in *input) { in.f.Seal.End = at.Add(1) }, Fail, "seal-ahead", true},
	{SealRecent, "never", released, func(in *input) { in.f.Seal = nil }, Fail, "no-seal", false},
	{SealRecent, "broken", released, func(in *input) { in.f.Seal.Rows[0].Intact = false }, Fail, "changed", false},
	{SealRecent, "nothing irreversible is left", done, func(in *input) { in.f.Seal.End = at.Add(-time.Hour) }, NA, "nothing-pending", false},

	{SealIntact, "intact", done, nil, Pass, "intact", false},
	{SealIntact, "never", neverHere, func(in *input) { in.f.Seal = nil }, Fail, "no-seal", true},
	{SealIntact, "a row broken", done, func(in *input) { in.f.Seal.Rows[0].Intact = false }, Fail, "changed", true},
	{SealIntact, "one arrived", done, func(in *input) {
		l := in.listing("cloud:photos")
		l.Keys, l.Items, l.Covered = "new", 21, 21
	}, Fail, "changed", true},
	{SealIntact, "one changed", done, func(in *input) { in.listing("cloud:photos").Keys = "new" }, Fail, "changed", true},
	{SealIntact, "a place appeared", done, func(in *input) {
		in.f.Look.Listings = append(in.f.Look.Listings, listed(Source{ID: "other", Dataset: Files, Fate: Lost, Remote: true, OfAccount: true, Name: "other"}))
	}, Fail, "appeared", true},
	{SealIntact, "what others share changed", done, func(in *input) {
		in.f.Look.Listings = append(in.f.Look.Listings, listed(bobs))
	}, Pass, "intact", false},
	{SealIntact, "a book that broke and is gone", done, func(in *input) { in.f.Seal.Row("book").Intact = false }, Fail, "changed", true},

	{ServerSeen, "seen", done, nil, Pass, "seen", false},
	{ServerSeen, "seen ten minutes ago", done, func(in *input) { in.f.ServerRequired = time.Time{}; ended(in, at.Add(-ServerLife)) }, Pass, "seen", false},
	{ServerSeen, "seen longer ago", done, func(in *input) { in.f.ServerRequired = time.Time{}; ended(in, at.Add(-ServerLife-1)) }, Unknown, "server-not-seen", true},
	{ServerSeen, "seen before this look, at Issue", done, func(in *input) { in.f.ServerRequired = at; ended(in, at.Add(-1)) }, Unknown, "server-not-seen", true},
	{ServerSeen, "what others share was not listed", done, func(in *input) {
		in.f.Look.Listings = append(in.f.Look.Listings, Listing{Source: bobs, Why: Reason{"unavailable", "503"}})
	}, Pass, "seen", false},
	{ServerSeen, "what others share was asked for and not listed", done, func(in *input) {
		in.f.Departure.Shared = true
		in.f.Look.Listings = append(in.f.Look.Listings, Listing{Source: bobs, Why: Reason{"unavailable", "503"}})
	}, Unknown, "unavailable", false},
	{BackupOf(Files), "what others share is not copied", done, func(in *input) {
		in.f.Look.Listings = append(in.f.Look.Listings, Listing{Source: bobs, Complete: true, Items: 5, EndedAt: at})
	}, Pass, "copied", false},
	{BackupOf(Files), "what others share was asked for and is not copied", done, func(in *input) {
		in.f.Departure.Shared = true
		in.f.Look.Listings = append(in.f.Look.Listings, Listing{Source: bobs, Complete: true, Items: 5, EndedAt: at})
	}, Fail, "missing", false},
	{InventoryComplete, "her own files are said to be another's", done, func(in *input) {
		l := in.listing("cloud:files")
		l.Source, l.Items = bobs, 5
		in.f.Seal.Rows = slices.DeleteFunc(in.f.Seal.Rows, func(r SealRow) bool { return r.Source.ID == "cloud:files" })
	}, Fail, "fell", true},
	{ServerSeen, "unchanged by the server's word", done, func(in *input) {
		in.f.ServerRequired = time.Time{}
		ended(in, at.Add(-ListingLife))
		same(in, at.Add(-ServerLife))
	}, Pass, "seen", false},
	{ServerSeen, "unchanged by the server's word of long ago", done, func(in *input) {
		in.f.ServerRequired = time.Time{}
		ended(in, at.Add(-ListingLife))
		same(in, at.Add(-ServerLife-1))
	}, Unknown, "server-not-seen", true},
	{ServerSeen, "unchanged by the server's word for too long", done, func(in *input) {
		in.f.ServerRequired = time.Time{}
		ended(in, at.Add(-ListingLife-1))
		same(in, at)
	}, Unknown, "server-not-seen", true},
	{ServerSeen, "the word of a server that has no mark", done, func(in *input) {
		in.f.ServerRequired = time.Time{}
		ended(in, at.Add(-ServerLife-1))
		same(in, at)
		in.listing("cloud:files").Unmarked = true
	}, Unknown, "server-not-seen", true},
	{ServerSeen, "no mark, seen in full", done, func(in *input) {
		in.f.ServerRequired = time.Time{}
		ended(in, at.Add(-ServerLife))
		in.listing("cloud:files").Unmarked = true
	}, Pass, "seen-in-full", false},
	{ServerSeen, "the server's word is none, at Issue", done, func(in *input) {
		in.f.ServerRequired = at
		ended(in, at.Add(-1))
		same(in, at)
	}, Unknown, "server-not-seen", true},
	{ServerSeen, "the look at Issue failed", done, func(in *input) {
		*in.listing("cloud:notes") = Listing{Source: remote(Notes), EndedAt: at, Why: Reason{"unreachable", "the server cannot be reached"}}
	}, Unknown, "unreachable", true},
	{ServerSeen, "password refused", done, func(in *input) {
		*in.listing("cloud:notes") = Listing{Source: remote(Notes), Why: Reason{"unauthorized", "401"}}
	}, Unknown, "unauthorized", true},
	{ServerSeen, "after a restart", restarted, nil, Unknown, "cloud-last-seen", false},
	{ServerSeen, "after a restart, accepted by name", restarted, func(in *input) { in.answer(ServerSeen, Accept, 0) }, Waived, "accepted", false},
	{ServerSeen, "after a restart, accepted, not authorised", restarted, func(in *input) {
		in.say(Word{Check: ServerSeen, Kind: Accept, List: CloudList(in.f.Seal.Rows)})
	}, Unknown, "cloud-last-seen", false},
	{ServerSeen, "after a restart, accepted while a device is signed in", restarted, func(in *input) {
		in.answer(ServerSeen, Accept, 0)
		in.f.Devices[0].State = ""
	}, Unknown, "cloud-last-seen", false},
	{ServerSeen, "no server at all", done, func(in *input) {
		for _, d := range Datasets {
			in.dropListing(remote(d).ID)
		}
	}, Unknown, "no-server", true},
	{ServerSeen, "declared", told, nil, Attested, "attested", false},
	{ServerSeen, "declared, not counted", told, func(in *input) { in.unsay(BackupOf(Notes)) }, Unknown, "not-said", false},
	{ServerSeen, "sign-out", signOut, func(in *input) { in.f.Look.Listings = nil }, NA, "not-asked", false},

	{FindMyDeviceOff, "off", done, nil, Pass, "off", false},
	{FindMyDeviceOff, "not asked", done, func(in *input) { in.f.Trackers = Trackers{} }, Unknown, "not-asked", true},
	{FindMyDeviceOff, "on", released, nil, Fail, "on", false},
	{FindMyDeviceOff, "on again", done, func(in *input) { in.f.Trackers.Seen[0].State = TrackerOn }, Fail, "came-back", false},
	{FindMyDeviceOff, "interrupted", released, func(in *input) {
		in.f.Acts = []Act{{Effect: FindMyEffect(phoneName), State: ActInterrupted}}
	}, Fail, "interrupted", false},
	{FindMyDeviceOff, "says nothing", done, func(in *input) { in.f.Trackers.Seen[0].State = TrackerUnknown }, Unknown, "tracker-unknown", false},
	{FindMyDeviceOff, "says what nobody knows", done, func(in *input) { in.f.Trackers.Seen[0].State = "perhaps" }, Unknown, "tracker-unknown", false},
	{FindMyDeviceOff, "one of two on", done, func(in *input) {
		in.f.Trackers.Seen = append(in.f.Trackers.Seen, Tracker{Name: "org.clearance.FindMyDevice1.Other", State: TrackerOn})
	}, Fail, "on", false},
	{FindMyDeviceOff, "none seen, and nobody knows", done, func(in *input) { in.f.Trackers.Seen = nil }, Unknown, "tracker-not-known", true},
	{FindMyDeviceOff, "none seen, and the provider runs none", done, func(in *input) { in.f.Trackers.Seen = nil; in.p.NoTracker = true }, NA, "no-tracker", false},
	{FindMyDeviceOff, "the provider runs none, but one is on", released, func(in *input) { in.p.NoTracker = true }, Fail, "on", false},
	{FindMyDeviceOff, "declared, attested", told, nil, Attested, "attested", false},
	{FindMyDeviceOff, "declared, and a program here ties this device to it", told, preyHere, Unknown, "tracker-here", false},
	{FindMyDeviceOff, "declared, attested with that program here", told, func(in *input) {
		preyHere(in)
		in.unsay(FindMyDeviceOff)
		in.say(Word{Check: FindMyDeviceOff, Kind: Attest, List: TrackerList(in.f.Departure.Account, in.f.Trackers)})
		in.authorise()
	}, Attested, "attested", false},
	{FindMyDeviceOff, "declared, attested, and the program's service stopped since", told, func(in *input) {
		preyHere(in)
		in.unsay(FindMyDeviceOff)
		in.say(Word{Check: FindMyDeviceOff, Kind: Attest, List: TrackerList(in.f.Departure.Account, in.f.Trackers)})
		in.authorise()
		in.f.Trackers.Here[0].Found = []string{"/etc/prey/prey.conf"}
	}, Attested, "attested", false},
	{FindMyDeviceOff, "declared, attested, and it cannot be told whether it is here", told, func(in *input) {
		in.f.Trackers.Here = []LocalTracker{{ID: "prey", Name: "Prey", Provider: in.f.Departure.Account.Provider, Unsure: "no answer"}}
	}, Unknown, "tracker-here", false},
	{FindMyDeviceOff, "a program of another's account is here", told, func(in *input) {
		in.f.Trackers.Here = []LocalTracker{{ID: "prey", Name: "Prey", Provider: "other"}, {ID: "geoclue", Name: "GeoClue"}}
	}, Attested, "attested", false},
	{FindMyDeviceOff, "the provider runs none, but a program here ties to it", done, func(in *input) {
		preyHere(in)
		in.f.Trackers.Seen, in.p.NoTracker = nil, true
	}, Unknown, "tracker-here", false},
	{FindMyDeviceOff, "declared, not said", told, func(in *input) { in.unsay(FindMyDeviceOff) }, Unknown, "not-said", true},

	{BindingsRemoved, "signed out", done, nil, Pass, "signed-out", false},
	{BindingsRemoved, "not looked", done, func(in *input) { in.f.Look.Complete = false }, Unknown, "not-looked", false},
	{BindingsRemoved, "signed in", released, nil, Fail, "signed-in", false},
	{BindingsRemoved, "left over", done, func(in *input) { in.f.Look.Bindings[0].State = BindingLeftover }, Fail, "leftover", true},
	{BindingsRemoved, "left over, keyring locked", done, func(in *input) {
		in.f.Look.Bindings[0].State = BindingLeftover
		in.f.Look.Bindings[0].Blocked = &Remedy{Code: "unlock", Text: "unlock the keyring", Command: "clearance leave alice@cloud"}
	}, Fail, "leftover", true},
	{BindingsRemoved, "cannot be judged", done, func(in *input) { in.f.Look.Bindings[0].State = "" }, Unknown, "not-known", false},
	{BindingsRemoved, "not spoken of", done, func(in *input) { in.f.Look.Bindings = nil }, Unknown, "not-known", true},
	{BindingsRemoved, "came back", done, func(in *input) {
		in.f.Look.Bindings = append(in.f.Look.Bindings, Binding{ID: "goa-2", Name: "alice", State: BindingPresent})
		in.f.Bindings = append(in.f.Bindings, KnownBinding{ID: "goa-2", Name: "alice", CameBack: true})
	}, Fail, "came-back", false},
	{BindingsRemoved, "interrupted", released, func(in *input) {
		in.f.Acts = []Act{{Effect: UnbindEffect("goa-1"), State: ActInterrupted}}
	}, Fail, "interrupted", false},
	{BindingsRemoved, "cannot be removed yet", released, func(in *input) {
		in.f.Look.Bindings[0].Why = Reason{"locked", "the keyring is locked"}
		in.f.Look.Bindings[0].Blocked = &Remedy{Code: "unlock", Text: "unlock the keyring", Command: "clearance leave alice@cloud"}
	}, Fail, "locked", false},
	{BindingsRemoved, "only the person can remove it", done, func(in *input) {
		in.f.Look.Bindings = append(in.f.Look.Bindings, byHand)
	}, Fail, "by-hand", true},
	{AuthorizeGranted, "nothing of it is ours to do", done, func(in *input) {
		in.f.Look.Bindings = append(in.f.Look.Bindings, byHand)
	}, Pass, "authorised", false},
	{BindingsRemoved, "never signed in here", told, nil, NA, "none", false},

	{AccountsSeparate, "still there", done, nil, Pass, "stay", false},
	{AccountsSeparate, "gone", done, func(in *input) { in.f.Look.Others = nil }, Fail, "gone", true},
	{AccountsSeparate, "gone, which is right", done, func(in *input) { in.f.Look.Others = nil; in.answer(AccountsSeparate, Accept, 0) }, Pass, "stay", false},
	{AccountsSeparate, "not looked", done, func(in *input) { in.f.Look.Others, in.f.Look.Complete = nil, false }, Unknown, "not-looked", false},
	{AccountsSeparate, "none", done, func(in *input) { in.f.Separate = nil }, NA, "none", false},
}

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
