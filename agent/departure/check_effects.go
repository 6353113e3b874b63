package departure

import (
	"fmt"
	"slices"
	"time"
)

func (j *judge) sealRecent() Check {
	last := &Remedy{Code: "seal", Text: "take the last look", Command: j.cmd("leave")}
	if len(j.pending) == 0 {
		return na("nothing-pending", "nothing that cannot be undone is still to be done")
	}
	s := j.f.Seal
	switch {
	case s == nil:
		return fail(Reason{"no-seal", "the last look was not taken yet"}, last)
	case j.now.After(s.End.Add(SealLife)):
		return fail(Reason{"seal-old", "the last look is more than ten minutes old"}, last)
	case j.now.Before(s.End):
		return fail(Reason{"seal-ahead", "the clock was set back after the last look"}, last)
	case j.broken() != nil:
		return fail(j.broken().Why, last)
	}
	return pass("recent", "the last look was taken just now")
}

// broken is the first row of the seal that no longer holds, with why; nil
// where all do.
func (j *judge) broken() *SealRow {
	for _, r := range j.rows() {
		if !r.Intact {
			r.Why = orReason(r.Why, Reason{"changed", r.Source.Name + " changed after the last look"})
			return &r
		}
		if l, here := j.listing(r.Source.ID); here && l.Complete && l.Keys != r.Keys {
			r.Why = Reason{"changed", changeText(r, l)}
			return &r
		}
	}
	// A source that appeared after the seal is sealed by no row.
	if j.f.Seal != nil {
		for _, l := range j.required() {
			if j.f.Seal.Row(l.Source.ID) == nil && l.Items > 0 {
				return &SealRow{Source: l.Source, Why: Reason{"appeared", l.Source.Name + " appeared after the last look"}}
			}
		}
	}
	return nil
}

func changeText(r SealRow, l Listing) string {
	if n := l.Items - r.Items; n > 0 {
		return fmt.Sprintf("%s arrived in %s after the last look", counted(n, r.Source.Dataset), r.Source.Name)
	}
	return r.Source.Name + " changed after the last look"
}

func (j *judge) sealIntact() Check {
	if j.f.Seal == nil {
		return fail(Reason{"no-seal", "the last look was not taken yet"},
			&Remedy{Code: "seal", Text: "take the last look", Command: j.cmd("leave")})
	}
	if b := j.broken(); b != nil {
		if _, here := j.listing(b.Source.ID); !here && !b.Source.Remote {
			return fail(b.Why, j.signInAgain())
		}
		return fail(b.Why, j.goOn("backup", "copy what is new", StepBackup))
	}
	n := int64(len(j.f.Seal.Rows))
	return Check{Status: Pass, Count: n, Of: n, Reason: Reason{"intact", "nothing changed since the last look"}}
}

// CloudList is the digest under which a person accepts that the server cannot
// be looked at again after a restart.
func CloudList(rows []SealRow) Digest {
	var seen []any
	for _, r := range rows {
		if r.Source.Remote {
			seen = append(seen, []any{r.Source.ID, r.Keys})
		}
	}
	return DigestOf("cloud-last-seen", seen)
}

func (j *judge) serverSeen() Check {
	look := &Remedy{Code: "look", Text: "wait for the server, then look again", Command: j.cmd("leave")}
	if j.f.Departure.Account.Declared {
		c := j.inventoryComplete()
		if c.Status == Attested {
			return Check{Status: Attested, Reason: Reason{"attested", "no server can be asked from here; you said what is there"}}
		}
		return unknown(Reason{"not-said", "no server can be asked from here, and it was not said what is there"}, c.Remedy)
	}
	var asked int64
	for _, l := range j.required() {
		if !l.Source.Remote {
			continue
		}
		asked++
		if l.Complete && j.seen(l) {
			continue
		}
		remedy, asks := j.credential(l.Why)
		if !l.Complete && asks && l.Why.Code != "unauthorized" && l.Why.Code != "token-refused" && j.unbound {
			return j.cloudLastSeen(remedy)
		}
		c := unknown(orReason(l.Why, Reason{"server-not-seen", l.Source.Name + " was not listed at the server just now"}), look)
		c.Remedy = orRemedy(remedy, c.Remedy)
		return c
	}
	if asked == 0 {
		return unknown(Reason{"no-server", "nothing was listed at a server"}, look)
	}
	why := Reason{"seen", "the server was asked just now"}
	if at := j.unmarked(); !at.IsZero() {
		why = Reason{"seen-in-full", fmt.Sprintf("the server was looked at in full at %s: it cannot tell in one answer whether something changed, so this holds until %s",
			at.Format("15:04"), at.Add(ServerLife).Format("15:04"))}
	}
	return Check{Status: Pass, Count: asked, Of: asked, Reason: why}
}

// seen reports whether a complete listing at the server is recent enough. At
// Issue and Redeem only the listing itself counts; the server's word that
// nothing changed since is for the display. A time that is still to come was taken
// before the clock was set back: nobody knows how long ago that is.
func (j *judge) seen(l Listing) bool {
	if l.EndedAt.After(j.now) || l.SameAt.After(j.now) {
		return false
	}
	if !j.f.ServerRequired.IsZero() {
		return !l.EndedAt.Before(j.f.ServerRequired) && !j.now.After(l.EndedAt.Add(ServerLife))
	}
	return !j.now.After(l.EndedAt.Add(ServerLife)) ||
		(!l.Unmarked && !j.now.After(l.SameAt.Add(ServerLife)) && !j.now.After(l.EndedAt.Add(ListingLife)))
}

// unmarked is when the server was last looked at in full, where some of it
// cannot be looked at in another way; zero where all can.
func (j *judge) unmarked() time.Time {
	var oldest time.Time
	if j.f.Departure.Intent != Delete {
		return oldest
	}
	for _, l := range j.required() {
		if l.Source.Remote && l.Complete && l.Unmarked && (oldest.IsZero() || l.EndedAt.Before(oldest)) {
			oldest = l.EndedAt
		}
	}
	return oldest
}

// cloudLastSeen judges the server after a restart: what it was asked with was in
// memory alone and is gone. remedy brings that back.
func (j *judge) cloudLastSeen(remedy *Remedy) Check {
	last := j.f.Departure.Opened
	for _, r := range j.rows() {
		if r.Source.Remote && r.End.After(last) {
			last = r.End
		}
	}
	text := "the cloud was last seen at " + last.Format("15:04") + ", before signing out"
	list := CloudList(j.rows())
	if _, _, counts := j.said(ServerSeen, Accept, "", list); counts && j.othersSignedOut() {
		return Check{Status: Waived, Reason: Reason{"accepted", text + ", and you accepted that"}}
	}
	c := unknown(Reason{"cloud-last-seen", text}, remedy)
	if j.othersSignedOut() {
		_, given, _ := j.said(ServerSeen, Accept, "", list)
		c.Ask = &Ask{Kind: Accept, List: list, Lines: []Line{{ID: "cloud", Text: text}}, Said: given}
		if given {
			c.Remedy = j.authorise()
		}
	}
	return c
}

// TrackerLines are what a person attests, for an account that is not on this
// device, of Find My Device at the provider, and of each program here that ties
// this device to accounts of it.
func TrackerLines(a Account, name string, ts Trackers) []Line {
	lines := []Line{{ID: "off", Text: "Find Device is off for every device at " + name + "'s own page"}}
	for _, t := range ts.TiedHere(a.Provider) {
		lines = append(lines, t.Line())
	}
	return lines
}

// TrackerList is the digest under which a person attests these lines. It binds
// which programs are here, not in what state each one was found: a person who
// unlinked a device goes on to take the program away.
func TrackerList(a Account, ts Trackers) Digest {
	var here []string
	for _, t := range ts.TiedHere(a.Provider) {
		here = append(here, t.ID)
	}
	return DigestOf("find-my-device", a.Provider, a.Identity, here)
}

func (j *judge) findMyDeviceOff() Check {
	ts := j.f.Trackers
	again := &Remedy{Code: "look", Text: "look again", Command: j.cmd("leave")}
	if !ts.Complete {
		return unknown(orReason(ts.Why, Reason{"not-asked", "Find My Device could not be asked on this device"}), again)
	}
	for _, t := range ts.Seen {
		switch t.State {
		case TrackerOff:
		case TrackerOn:
			why := Reason{"on", "Find My Device is on: this device could lock itself to an account that no longer exists"}
			for _, a := range j.f.Acts {
				if a.Effect != FindMyEffect(t.Name) {
					continue
				}
				switch a.State {
				case ActDone:
					why = Reason{"came-back", "Find My Device came back on after it was turned off"}
				case ActInterrupted:
					why = Reason{"interrupted", undone("turning Find My Device off", a)}
					if a.Why != "" {
						why.Text = a.Why + "; nothing was changed"
					}
				}
			}
			return fail(why, j.authorise())
		default:
			return unknown(orReason(t.Why, Reason{"tracker-unknown", "Find My Device does not say whether it is on"}), again)
		}
	}
	if len(ts.Seen) > 0 {
		return Check{Status: Pass, Count: int64(len(ts.Seen)), Reason: Reason{"off", "Find My Device is off, and that was read back"}}
	}
	tied := ts.TiedHere(j.f.Departure.Account.Provider)
	if j.p.NoTracker && len(tied) == 0 {
		return na("no-tracker", j.p.Name+" runs no Find My Device, and nothing on this device does for it")
	}
	if !j.f.Departure.Account.Declared && len(tied) > 0 {
		return unknown(Reason{"tracker-here", tied[0].Line().Text},
			&Remedy{Code: "guide", Text: "unlink this device at the provider", Command: "clearance providers " + quoted(j.p.Provider)})
	}
	if !j.f.Departure.Account.Declared {
		return unknown(Reason{"tracker-not-known", "it is not known whether " + j.p.Name + " can still find or lock this device"},
			&Remedy{Code: "guide", Text: "turn Find My Device off at the provider", Command: "clearance providers " + quoted(j.p.Provider)})
	}
	account := j.f.Departure.Account
	open := Reason{"not-said", "a device on which Find Device stays on locks itself to an account that no longer exists"}
	if len(tied) > 0 {
		open = Reason{"tracker-here", tied[0].Line().Text}
	}
	c := j.ask(FindMyDeviceOff, Attest, "", TrackerLines(account, j.p.Name, ts), TrackerList(account, ts), open,
		"turn Find Device off on every device, and say that you have")
	if c.Status == Pass {
		c.Status, c.Reason = Attested, Reason{"attested", "you said that Find Device is off on every device"}
	} else if c.Ask != nil && !c.Ask.Said {
		c.Status = Unknown
	}
	return c
}

// undone is said of an act that changed nothing, with why where that is known.
func undone(what string, a Act) string {
	text := what + " was interrupted, nothing was changed"
	if a.Why != "" {
		text += ": " + a.Why
	}
	return text
}

func (j *judge) accountsSeparate() Check {
	for _, s := range j.f.Separate {
		if slices.ContainsFunc(j.f.Look.Others, func(o OtherHolder) bool { return o.ID == s.ID }) {
			continue
		}
		if !j.f.Look.Complete {
			return unknown(Reason{"not-looked", "it is not known whether " + s.Name + " is still signed in"},
				&Remedy{Code: "look", Text: "look again", Command: j.cmd("leave")})
		}
		text := s.Name + " was signed in when you began, must stay, and is gone"
		c := j.ask(AccountsSeparate, Accept, s.ID, []Line{{ID: s.ID, Text: text}}, DigestOf("separate", s.ID),
			Reason{"gone", text}, "sign in to it again, or say that this is right")
		if c.Status == Pass {
			continue
		}
		return c
	}
	n := int64(len(j.f.Separate))
	if n == 0 {
		return na("none", "no other account is signed in here")
	}
	return Check{Status: Pass, Count: n, Of: n, Reason: Reason{"stay", "your other accounts are untouched"}}
}

func orRemedy(r, or *Remedy) *Remedy {
	if r != nil {
		return r
	}
	return or
}
