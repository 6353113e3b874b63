package departure

import (
	"fmt"
	"math"
	"slices"
)

func (j *judge) agentHealthy() Check {
	h := j.f.Health
	if h.Worker && h.Buses && h.Store && h.Clock {
		return pass("healthy", "the agent can see everything it needs")
	}
	why := h.Why
	if why.Text == "" {
		why = Reason{"not-healthy", "the agent cannot see everything it needs"}
	}
	return unknown(why, &Remedy{Code: "doctor", Text: "see what is wrong", Command: "clearance doctor"})
}

func (j *judge) policyAllows() Check {
	if j.pol.Allows {
		return pass("allowed", "nothing on this device forbids it")
	}
	why := j.pol.Why
	if why.Text == "" {
		why = Reason{"policy", "this device's policy does not allow it"}
	}
	return fail(why, &Remedy{Code: "ask-admin", Text: "ask whoever manages this device", Command: j.cmd("leave")})
}

// Fell reports whether a count fell so far that it is refused until a person
// accepts it by name: to 0, or by more than a fifth and more than 10.
func Fell(from, to int64) bool {
	if from <= 0 || to >= from {
		return false
	}
	lost := from - to
	return to == 0 || (lost > 10 && lost*5 > from)
}

// DropList is the digest under which a person accepts that a source fell from
// one count to another.
func DropList(source SourceID, from, to int64) Digest { return DigestOf("drop", source, from, to) }

func (j *judge) inventoryComplete() Check {
	look := j.f.Look
	list := &Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")}
	if look.At.IsZero() {
		return unknown(Reason{"not-looked", "nobody has looked at your data yet"}, list)
	}
	if !look.Complete {
		return unknown(orReason(look.Why, Reason{"look-incomplete", "not everything on this device could be looked at"}), list)
	}
	if c, bad := j.unlisted(list); bad {
		return c
	}
	if c, bad := j.vanished(); bad {
		return c
	}
	if c, bad := j.fell(); bad {
		return c
	}
	if c, bad := j.unlistedAtProvider(list); bad {
		return c
	}
	if j.f.Departure.Account.Declared {
		for _, d := range j.p.Datasets {
			_, given, counts := j.attested(d)
			switch {
			case counts || !j.wants(d):
			case given:
				return unknown(Reason{"awaits-authorisation", "what you counted counts once you authorise"}, j.authorise())
			default:
				return unknown(Reason{"not-said", "nothing of this account is on this device: say how many " + string(d) + " its own page shows"},
					&Remedy{Code: "say", Text: "count them at the provider and say the number", Command: j.ackCmd(d)})
			}
		}
		return Check{Status: Attested, Reason: Reason{"attested", "listed what you gave, held against what you said"}}
	}
	n := int64(len(j.required()))
	return Check{Status: Pass, Reason: Reason{"listed", "everything was listed where it lives"}, Count: n, Of: n}
}

// unlisted judges the sources whose listing is not complete.
func (j *judge) unlisted(list *Remedy) (Check, bool) {
	for _, l := range j.required() {
		if !l.Source.Dataset.Known() { // no line of the table counts its items
			return unknown(Reason{"kind-unknown", "it is not known what " + l.Source.Name + " holds"}, list), true
		}
		if l.Complete || j.row(l.Source.ID) != nil {
			continue
		}
		c := unknown(orReason(l.Why, Reason{"not-listed", l.Source.Name + " could not be listed"}), list)
		if l.Why.Code == "no-credential" || l.Why.Code == "unauthorized" {
			c.Remedy = j.password()
		}
		return c, true
	}
	return Check{}, false
}

// password is the remedy of a server that wants the password once more,
// wherever that shows.
func (j *judge) password() *Remedy {
	return &Remedy{Code: "password", Text: "enter the account's password once more", Command: j.cmd("leave")}
}

// vanished judges the sources that were known and are no longer there at all.
func (j *judge) vanished() (Check, bool) {
	for _, k := range j.f.Sources {
		if !j.f.Departure.Required(k.Source) || k.Source.Trash {
			continue
		}
		if _, here := j.listing(k.Source.ID); here || j.row(k.Source.ID) != nil {
			continue
		}
		if k.Source.Remote {
			// The server was asked what it has, and this is not among it.
			if c := j.dropped(k, 0); c.Status != Pass {
				return c, true
			}
			continue
		}
		if k.Source.Given {
			return unknown(Reason{"given-gone", k.Source.Name + " is no longer there"},
				&Remedy{Code: "bring-back", Text: "bring the folder back", Command: j.cmd("plan")}), true
		}
		return unknown(Reason{"vanished", fmt.Sprintf("%s, with %s, is no longer on this device and was not listed in full before",
			k.Source.Name, counted(k.Items, k.Source.Dataset))},
			&Remedy{Code: "sign-in", Text: "sign in to the account on this device again", Command: j.cmd("plan")}), true
	}
	return Check{}, false
}

// fell judges the sources that hold far fewer items than before.
func (j *judge) fell() (Check, bool) {
	for _, k := range j.f.Sources {
		l, here := j.listing(k.Source.ID)
		if !here || !l.Complete || !j.f.Departure.Required(l.Source) || !Fell(k.Items, l.Items) {
			continue
		}
		if c := j.dropped(k, l.Items); c.Status != Pass {
			return c, true
		}
	}
	return Check{}, false
}

// dropped asks the person whether it is right that a source now holds so few.
func (j *judge) dropped(k KnownSource, now int64) Check {
	if !Fell(k.Items, now) {
		return Check{Status: Pass}
	}
	text := fmt.Sprintf("%s held %s and now holds %s", k.Source.Name, counted(k.Items, k.Source.Dataset), number(now))
	return j.ask(InventoryComplete, Accept, string(k.Source.ID), []Line{{ID: string(k.Source.ID), Text: text}},
		DropList(k.Source.ID, k.Items, now), Reason{"fell", text + ": that may be a fault of the server"}, "say that this is right, if it is")
}

// unlistedAtProvider judges what the provider holds and nobody listed there: a
// local cache is never complete evidence for a collection at a server.
func (j *judge) unlistedAtProvider(list *Remedy) (Check, bool) {
	if j.f.Departure.Account.Declared || j.f.Departure.Intent != Delete {
		return Check{}, false
	}
	for _, d := range j.p.Datasets {
		has := func(s Source) bool { return s.Dataset == d && s.Remote && s.OfAccount }
		if slices.ContainsFunc(j.f.Look.Listings, func(l Listing) bool { return has(l.Source) }) {
			continue
		}
		if slices.ContainsFunc(j.rows(), func(r SealRow) bool { return has(r.Source) && j.stands(r) }) {
			continue
		}
		return unknown(Reason{"not-listed-there", fmt.Sprintf("the %s at %s could not be listed there", d, j.p.Name)}, list), true
	}
	return Check{}, false
}

// wants reports whether the items of a dataset at the provider matter.
func (j *judge) wants(d Dataset) bool {
	return j.f.Departure.Required(Source{Dataset: d, Fate: Lost})
}

// CountList is the digest under which a person attests how many items of a
// dataset the provider's own page shows.
func CountList(account Account, d Dataset) Digest {
	return DigestOf("count", account.Provider, account.Identity, d)
}

func (j *judge) attested(d Dataset) (w Word, given, counts bool) {
	return j.said(BackupOf(d), Attest, "", CountList(j.f.Departure.Account, d))
}

func (j *judge) ackCmd(d Dataset) string {
	return j.cmd("ack", BackupOf(d).Spoken(), "--count", "N")
}

// tally adds up one dataset.
type tally struct {
	sources        int
	items, missing int64
	copies         int64 // items of this device's copies of what is at the server
	failed         int64
	failures       []any
	unlisted       *Listing
	sealed         int
	coverage       int64
}

// count adds to the number that a person is told. A book here that mirrors the
// server's tells of the same items once more, and the trash is raw files: they
// are told only where there is nothing else.
func (t *tally) count(s Source, n int64) {
	switch {
	case s.Trash:
	case s.Fate == Leaves:
		t.copies = plus(t.copies, n)
	default:
		t.items = plus(t.items, n)
	}
}

// plus adds two counts and stops at the largest: a sum that wraps around would
// turn many missing items into none.
func plus(a, b int64) int64 {
	a, b = max(0, a), max(0, b)
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// told is how many items a person has of the dataset.
func (t *tally) told() int64 {
	if t.items == 0 {
		return t.copies
	}
	return t.items
}

func (j *judge) tally(d Dataset) tally {
	var t tally
	for _, l := range j.required() {
		if l.Source.Dataset != d {
			continue
		}
		t.sources++
		if !l.Complete {
			if r := j.row(l.Source.ID); r == nil {
				t.unlisted = &l
			} else {
				t.sealed++
				t.count(r.Source, r.Items)
			}
			continue
		}
		t.count(l.Source, l.Items)
		t.missing = plus(t.missing, l.Missing())
		t.failed = plus(t.failed, l.Failed)
		t.coverage = plus(t.coverage, l.Covered-max(0, l.Beside))
		if l.Failed > 0 {
			t.failures = append(t.failures, []any{l.Source.ID, l.Failures})
		}
	}
	for _, r := range j.rows() {
		if _, here := j.listing(r.Source.ID); !here && r.Source.Dataset == d && j.stands(r) {
			t.sources, t.sealed = t.sources+1, t.sealed+1
			t.count(r.Source, r.Items)
		}
	}
	return t
}

// backup is the judge of one dataset's copy.
func backup(d Dataset) func(*judge) Check {
	return func(j *judge) Check { return j.backup(d) }
}

func (j *judge) backup(d Dataset) Check {
	if j.f.Look.At.IsZero() {
		return unknown(Reason{"not-looked", "nobody has looked at your " + string(d) + " yet"},
			&Remedy{Code: "look", Text: "look first", Command: j.cmd("plan")})
	}
	t := j.tally(d)
	if t.unlisted != nil {
		return unknown(Reason{"not-listed", t.unlisted.Source.Name + " could not be listed"},
			&Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")})
	}
	if t.missing > 0 {
		c := fail(Reason{"missing", fmt.Sprintf("%s of %s are not in your copy yet", number(t.missing), counted(max(t.told(), t.missing+t.failed), d))},
			j.goOn("backup", "copy them", StepBackup))
		c.Count, c.Of = t.missing, max(t.told(), t.missing)
		return c
	}
	if t.failed > 0 {
		text := fmt.Sprintf("%s of %s could not be copied", number(t.failed), counted(max(t.told(), t.missing+t.failed), d))
		list := FailureList(d, t.failures)
		c := j.ask(BackupOf(d), Accept, "", []Line{{ID: string(d), Text: text + "; deleting now loses them"}}, list,
			Reason{"failed", text + ". Deleting now loses them"}, "look at them first")
		if c.Status != Pass {
			c.Count, c.Of = t.failed, max(t.told(), t.failed)
			if c.Ask != nil && !c.Ask.Said {
				c.Remedy = &Remedy{Code: "see-failures", Text: "see which", Command: j.cmd("items", "--failed")}
			}
			return c
		}
	}
	if j.f.Departure.Account.Declared {
		return j.declared(d, t)
	}
	if t.sources == 0 {
		if !j.f.Look.Complete {
			return unknown(Reason{"not-known", "it is not known where your " + string(d) + " are"},
				&Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")})
		}
		return na("none", "none that would be lost")
	}
	if t.told() == 0 {
		return na("empty", "there are none")
	}
	return Check{Status: Pass, Reason: Reason{"copied", counted(t.told(), d) + " in your copy"}, Count: t.told(), Of: t.told()}
}

// FailureList is the digest under which a person accepts the failures of one
// dataset: it changes when another item fails, or the same one for another
// reason.
func FailureList(d Dataset, failures []any) Digest { return DigestOf("failures", d, failures) }

// declared judges a dataset of an account that is not on this device: what was
// given must be as many as the person counted at the provider.
func (j *judge) declared(d Dataset, t tally) Check {
	if !j.wants(d) || !slices.Contains(j.p.Datasets, d) {
		if t.sources == 0 {
			return na("none", "none that would be lost")
		}
		return Check{Status: Pass, Reason: Reason{"copied", counted(t.told(), d) + " in your copy"}, Count: t.told(), Of: t.told()}
	}
	w, given, counts := j.attested(d)
	ask := &Ask{Kind: Attest, List: CountList(j.f.Departure.Account, d), Said: given,
		Lines: []Line{{ID: string(d), Text: fmt.Sprintf("how many %s the account's own page at %s shows", d, j.p.Name)}}}
	switch {
	case !given:
		c := unknown(Reason{"not-said", fmt.Sprintf("only %s can tell how many %s there are, and it was not said yet", j.p.Name, d)},
			&Remedy{Code: "say", Text: "count them there and say the number", Command: j.ackCmd(d)})
		c.Ask = ask
		return c
	case t.coverage < w.Count:
		c := fail(Reason{"fewer", fmt.Sprintf("you counted %s, your copy has %s", counted(w.Count, d), number(t.coverage))},
			&Remedy{Code: "add", Text: "export the rest and add it", Command: j.cmd("sources add", string(d), "FOLDER")})
		c.Count, c.Of, c.Ask = w.Count-t.coverage, w.Count, ask
		return c
	case !counts:
		c := fail(Reason{"awaits-authorisation", "you said so; it counts once you authorise"}, j.authorise())
		c.Ask = ask
		return c
	}
	return Check{Status: Attested, Count: t.coverage, Of: w.Count,
		Reason: Reason{"attested", fmt.Sprintf("you counted %s, your copy has %s", number(w.Count), number(t.coverage))}}
}

func (j *judge) backupVerified() Check {
	c := j.f.Look.Copy
	read := j.goOn("verify", "read your copy back", StepVerify)
	switch {
	case j.f.Look.At.IsZero():
		return unknown(Reason{"not-looked", "your copy was not looked at yet"}, read)
	case c.Place == PlaceUnset || c.BagID == "":
		if j.nothingRequired() {
			return pass("empty", "there is nothing to read back")
		}
		return fail(Reason{"no-copy", "there is no copy yet"}, j.goOn("backup", "make your copy", StepBackup))
	case !c.Present:
		return unknown(Reason{"copy-away", "the place of your copy is not there now"},
			&Remedy{Code: "plug-in", Text: "plug the disk in, or make the folder available", Command: j.cmd("leave")})
	case j.f.Ledger != c.Ledger:
		return fail(Reason{"list-changed", "the list of what was copied is not the one the agent left"}, read)
	case c.Damaged != 0:
		k := fail(Reason{"damaged", number(c.Damaged) + " items of your copy are damaged or gone"},
			j.goOn("backup", "copy them again", StepBackup))
		k.Count, k.Of = c.Damaged, c.Items
		return k
	case c.Differs != 0:
		k := fail(Reason{"touched", number(c.Differs) + " items of your copy were changed since they were read back"}, read)
		k.Count, k.Of = c.Differs, c.Items
		return k
	case c.Unread != 0:
		k := fail(Reason{"unread", fmt.Sprintf("%s of %s items were not read back yet", number(c.Unread), number(c.Items))}, read)
		k.Count, k.Of = c.Unread, c.Items
		return k
	case c.Items > 0 && !j.now.Before(c.OldestRead.Add(ReadLife)):
		return fail(Reason{"read-long-ago", "your copy was read back more than a day ago"}, read)
	}
	return Check{Status: Pass, Count: c.Items, Of: c.Items,
		Reason: Reason{"read-back", "every byte of " + number(c.Items) + " items was read back and is right"}}
}

// nothingRequired reports whether a complete look found nothing to copy.
func (j *judge) nothingRequired() bool {
	if !j.f.Look.Complete {
		return false
	}
	for _, r := range j.rows() {
		if r.Items > 0 {
			return false
		}
	}
	for _, l := range j.required() {
		if !l.Complete || l.Items > 0 {
			return false
		}
	}
	return true
}

// PlaceList is the digest under which a person accepts that the copy lies on
// this device's own disk.
func PlaceList(d Departure, c Copy) Digest { return DigestOf("place", c.Disk, c.Shown, d.Fate) }

func (j *judge) destinationApart() Check {
	c := j.f.Look.Copy
	elsewhere := &Remedy{Code: "destination", Text: "choose a folder or a disk for your copy", Command: j.cmd("destination", "FOLDER")}
	plugIn := &Remedy{Code: "plug-in", Text: "plug the disk in, or make the folder available", Command: j.cmd("leave")}
	if c.Place == PlaceUnset && j.nothingRequired() && !j.f.Look.At.IsZero() {
		return na("none-needed", "there is nothing to copy")
	}
	switch c.Place {
	case PlaceUnset:
		return fail(Reason{"no-place", "no place was chosen for your copy"}, elsewhere)
	case PlaceRefused:
		return fail(orReason(c.PlaceWhy, Reason{"refused", "your copy cannot lie there"}), elsewhere)
	case PlaceApart, PlaceSameDisk:
	default:
		if c.BagID != "" && !c.Present {
			return unknown(orReason(c.PlaceWhy, Reason{"copy-away", "the place of your copy is not there now"}), plugIn)
		}
		return unknown(orReason(c.PlaceWhy, Reason{"place-unknown", "it is not known where your copy lies"}), elsewhere)
	}
	if !c.Present {
		return unknown(orReason(c.PlaceWhy, Reason{"copy-away", "the place of your copy is not there now"}), plugIn)
	}
	if c.Need > c.Free {
		k := fail(Reason{"does-not-fit", fmt.Sprintf("your copy needs %s MB more than is free there", number((c.Need-c.Free)/1e6+1))}, elsewhere)
		k.Count, k.Of = c.Need, c.Free
		return k
	}
	if c.Place == PlaceApart {
		return pass("apart", "your copy does not lie in what disappears")
	}
	if j.f.Departure.Fate != KeptDevice {
		return fail(Reason{"same-disk", "your copy lies on this device, and this device will be " + string(j.f.Departure.Fate)}, elsewhere)
	}
	text := "your copy is only on this device: it is safe only while the device is neither wiped, sold nor lost"
	k := j.ask(DestinationApart, Accept, "", []Line{{ID: c.Disk, Text: text}}, PlaceList(j.f.Departure, c),
		Reason{"same-disk", text}, "say that this device will not be wiped, or choose another disk")
	if k.Status == Pass {
		k.Status, k.Reason = Waived, Reason{"same-disk-accepted", "your copy is on this device, and you said that it will not be wiped"}
	}
	return k
}

func (j *judge) keptHere() Check {
	d, k := j.f.Departure, j.f.Look.Kept
	switch {
	case d.Account.Declared:
		return na("declared", "nothing of this account is on this device")
	case d.Fate == WipedDevice || d.Fate == ReturnedDevice:
		return na("device-goes", "this device is not kept")
	case !k.Known:
		return unknown(orReason(k.Why, Reason{"not-looked", "it is not known what would leave this device"}),
			&Remedy{Code: "look", Text: "look again", Command: j.cmd("plan")})
	case k.Needed == 0:
		return na("none", "nothing would leave this device")
	case k.Present >= k.Needed:
		return Check{Status: Pass, Count: k.Needed, Of: k.Needed,
			Reason: Reason{"kept", number(k.Needed) + " contacts, notes and calendar entries are kept on this device"}}
	}
	list := KeepList(d.Account)
	if _, _, counts := j.said(KeptHere, Decline, "", list); counts {
		return Check{Status: Waived, Reason: Reason{"declined", "you did not want them kept on this device"}}
	}
	text := number(k.Needed-k.Present) + " contacts, notes and calendar entries would leave this device with the account"
	c := j.ask(KeptHere, Decline, "", []Line{{ID: "keep", Text: text}}, list, Reason{"not-kept", text}, "keep a copy of them on this device")
	c.Count, c.Of = k.Needed-k.Present, k.Needed
	return c
}

// KeepList is the digest under which a person declines step 4.
func KeepList(a Account) Digest { return DigestOf("keep", a.Provider, a.Identity) }

func orReason(r, or Reason) Reason {
	if r.Text == "" {
		return or
	}
	return r
}
