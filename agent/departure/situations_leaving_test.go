package departure

import (
	"slices"
	"time"
)

// situationsOfLeaving are those of what the person says, of the last look, and of
// the effects.
var situationsOfLeaving = []situation{
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
	{ServerSeen, "seen at a time to come", done, func(in *input) { in.f.ServerRequired = time.Time{}; ended(in, at.Add(1)) }, Unknown, "server-not-seen", true},
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
	{BindingsRemoved, "a list that only the person can read", done, sealedList, Unknown, "encrypted", true},
	{BindingsRemoved, "they looked into it", done, func(in *input) { sealedList(in); in.answer(BindingsRemoved, Attest, 0) }, Attested, "attested", false},
	{BindingsRemoved, "they looked into it, of an account that is not here", told, func(in *input) { sealedList(in); in.answer(BindingsRemoved, Attest, 0) }, Attested, "attested", false},
	{BindingsRemoved, "it is not the list that they looked into", done, func(in *input) {
		sealedList(in)
		in.answer(BindingsRemoved, Attest, 0)
		in.f.Look.Bindings[len(in.f.Look.Bindings)-1].Unread = "changed"
	}, Unknown, "encrypted", true},
	{BindingsRemoved, "they looked into it, and another has the account", done, func(in *input) {
		sealedList(in)
		in.answer(BindingsRemoved, Attest, 0)
		in.f.Look.Bindings = append(in.f.Look.Bindings, byHand)
	}, Fail, "by-hand", true},

	{AccountsSeparate, "still there", done, nil, Pass, "stay", false},
	{AccountsSeparate, "gone", done, func(in *input) { in.f.Look.Others = nil }, Fail, "gone", true},
	{AccountsSeparate, "gone, which is right", done, func(in *input) { in.f.Look.Others = nil; in.answer(AccountsSeparate, Accept, 0) }, Pass, "stay", false},
	{AccountsSeparate, "not looked", done, func(in *input) { in.f.Look.Others, in.f.Look.Complete = nil, false }, Unknown, "not-looked", false},
	{AccountsSeparate, "none", done, func(in *input) { in.f.Separate = nil }, NA, "none", false},
}
