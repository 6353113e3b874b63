package departure

import (
	"slices"
	"strings"
)

func (j *judge) bindingsRemoved() Check {
	again := &Remedy{Code: "look", Text: "look again", Command: j.cmd("leave")}
	if j.f.Look.At.IsZero() || !j.f.Look.Complete {
		return unknown(orReason(j.f.Look.Why, Reason{"not-looked", "it is not known where the account is signed in"}), again)
	}
	attested, open := j.unread()
	if open != nil {
		return *open
	}
	for _, b := range j.f.Look.Bindings {
		switch b.State {
		case BindingGone:
			continue
		case "":
			if b.Unread != "" {
				continue // answered for
			}
		case BindingPresent:
			return j.present(b)
		case BindingLeftover:
			c := fail(orReason(b.Why, Reason{"leftover", "something of " + b.Name + " is still on this device"}), again)
			c.Remedy = orRemedy(b.Blocked, c.Remedy)
			return c
		}
		c := unknown(orReason(b.Why, Reason{"not-known", "it is not known whether " + b.Name + " is signed out"}), again)
		c.Remedy = orRemedy(j.notYet(b), orRemedy(b.Blocked, c.Remedy))
		return c
	}
	for _, k := range j.f.Bindings {
		if !slices.ContainsFunc(j.f.Look.Bindings, func(b Binding) bool { return b.ID == k.ID }) {
			return unknown(Reason{"not-known", "it is not known whether " + k.Name + " is signed out"}, again)
		}
	}
	n := int64(len(j.f.Bindings))
	if attested {
		return Check{Status: Attested, Count: n, Of: n, Reason: Reason{"attested", "signed out here, and you said that nothing of the account is where only you can look"}}
	}
	if n == 0 {
		return na("none", "the account is not signed in on this device")
	}
	return Check{Status: Pass, Count: n, Of: n, Reason: Reason{"signed-out", "signed out here, and nothing of the account is left behind"}}
}

// UnreadList is the digest under which a person attests that a list of sign-ins
// that only they can read, as it is now, has none of the account.
func UnreadList(account Account, b Binding) Digest {
	return DigestOf("unread", account.Provider, account.Identity, b.ID, b.Unread)
}

// unread asks the person for each list of sign-ins that nobody else can read;
// attested reports whether they answered for any.
func (j *judge) unread() (attested bool, open *Check) {
	for _, b := range j.f.Look.Bindings {
		if b.Unread == "" || b.State != "" {
			continue
		}
		how := "look into it, and say that nothing of this account is in it"
		if b.Blocked != nil {
			how = b.Blocked.Text
		}
		lines := []Line{{ID: b.ID, Text: "you looked into " + b.Name + ", and nothing of this account is in it. To look: " + how}}
		c := j.ask(BindingsRemoved, Attest, b.ID, lines, UnreadList(j.f.Departure.Account, b),
			orReason(b.Why, Reason{"unread", b.Name + " cannot be read from here"}), how)
		if c.Status != Pass {
			if c.Ask != nil && !c.Ask.Said {
				c.Status = Unknown
			}
			return attested, &c
		}
		attested = true
	}
	return attested, nil
}

// present judges a binding that is there.
func (j *judge) present(b Binding) Check {
	text, code := b.Name+" is still signed in on this device", "signed-in"
	for _, k := range j.f.Bindings {
		if k.ID == b.ID && k.CameBack {
			code, text = "came-back", b.Name+" came back on this device after it was signed out"
		}
	}
	for _, a := range j.f.Acts {
		if a.Effect == UnbindEffect(b.ID) && a.State == ActInterrupted {
			code, text = "interrupted", undone("signing out", a)
		}
	}
	c := fail(Reason{code, text}, j.authorise())
	if wait := j.notYet(b); wait != nil {
		c.Reason, c.Remedy = Reason{"not-yet", text + ": only you can sign out there, and it is too early for that"}, wait
	} else if b.Blocked != nil {
		c.Reason = orReason(b.Why, c.Reason)
		c.Remedy = b.Blocked
	}
	return c
}

// notYet is the remedy of a sign-in that only the person can remove, while the
// agent itself would not sign out yet either: what goes with it may not be in the
// copy. It is nil once the person may.
func (j *judge) notYet(b Binding) *Remedy {
	switch {
	case !b.Yours():
		return nil
	case j.f.Departure.Intent == Delete && j.p.Path.Needs == SignedInHere && j.f.Submitted.IsZero():
		return &Remedy{Code: "not-yet", Text: "leave it as it is until you have asked for the deletion, which needs it", Command: j.cmd("leave")}
	case !j.early:
		return nil
	}
	return &Remedy{Code: "not-yet", Text: "leave it as it is: Clearance says when to remove it, and how", Command: j.cmd("leave")}
}

// precedes reports whether a check has to hold before any sign-in is removed: what
// goes with it was then seen in the last look, as it is. How old that look may be
// concerns acts of ours alone.
func precedes(c Check) bool {
	return c.Stage == Release && c.ID != SealRecent || c.ID == SealIntact || c.ID == FindMyDeviceOff
}

// removedEarly are the names of the sign-ins that brought sources, went without
// us, and did not come back.
func (j *judge) removedEarly() (names []string) {
	for _, k := range j.f.Bindings {
		if k.Carries && !k.GoneAt.IsZero() && !k.ByUs && !k.CameBack {
			names = append(names, k.Name)
		}
	}
	return names
}

// signInAgain is the remedy of a source that went before it was seen to be in the
// copy.
func (j *judge) signInAgain() *Remedy {
	text := "sign in to the account on this device again"
	if early := j.removedEarly(); len(early) > 0 {
		text = "set it up again as it was (" + strings.Join(early, ", ") + ") and let it sync"
	}
	return &Remedy{Code: "sign-in", Text: text + "; then leave it as it is until Clearance says to remove it", Command: j.cmd("leave")}
}
