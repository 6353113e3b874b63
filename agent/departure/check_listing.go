package departure

import (
	"fmt"
	"slices"
)

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
	if c, bad := j.parts(); bad {
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
	if slices.ContainsFunc(j.required(), func(l Listing) bool { return l.Export != "" }) {
		return Check{Status: Attested, Reason: Reason{"attested", "listed where it lives, and the parts of an export are all that you counted"}}
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
		if remedy, asks := j.credential(l.Why); asks {
			c.Remedy = remedy
		}
		return c, true
	}
	return Check{}, false
}

// credential is the remedy of a server that cannot be asked with what there is,
// wherever that shows; asks is false where something else is wrong with it.
func (j *judge) credential(why Reason) (remedy *Remedy, asks bool) {
	switch why.Code {
	case "no-credential", "unauthorized":
		return &Remedy{Code: "password", Text: "enter the account's password once more", Command: j.cmd("leave")}, true
	case "no-token", "token-refused":
		// No password opens it: the provider asks for that on a page of its own.
		text := "open Settings, then Online Accounts, and sign in to the account once more, on the provider's own page"
		if j.unbound {
			text += "; Clearance signs it out again once you authorise"
		}
		return &Remedy{Code: "sign-in", Text: text, Command: j.cmd("leave")}, true
	}
	return nil, false
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
		why := Reason{"vanished", fmt.Sprintf("%s, with %s, is no longer on this device and was not listed in full before",
			k.Source.Name, counted(k.Items, k.Source.Dataset))}
		if early := j.removedEarly(); len(early) > 0 {
			why = Reason{"removed-early", fmt.Sprintf("%s, with %s, went from this device before the last look: only while it is here can be seen whether all of it is in your copy",
				k.Source.Name, counted(k.Items, k.Source.Dataset))}
		}
		return unknown(why, j.signInAgain()), true
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
