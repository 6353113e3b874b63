package departure

import (
	"time"
)

// situationsOfTheCopy are those of what there is, of where its copy lies, and of
// the copy itself.
var situationsOfTheCopy = []situation{
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
	{KeptHere, "what would leave is another program's", done, anotherBook, NA, "copy-only", false},
	{KeptHere, "the device goes", done, func(in *input) { in.f.Departure.Fate, in.f.Look.Kept = WipedDevice, Kept{} }, NA, "device-goes", false},
	{KeptHere, "declared", told, nil, NA, "declared", false},
}
