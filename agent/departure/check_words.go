package departure

import (
	"fmt"
	"slices"
)

func (j *judge) list(id CheckID, lines []Line, empty, open, remedy string) Check {
	if len(lines) == 0 {
		return na("none", empty)
	}
	return j.ask(id, Acknowledge, "", lines, LinesList(id, lines), Reason{"not-said", open}, remedy)
}

// LinesList is the digest of a list that a person acknowledges.
func LinesList(id CheckID, lines []Line) Digest { return DigestOf("lines", id, lines) }

func (j *judge) uncovered() Check {
	lines := j.p.NotCovered(j.f.Kinds)
	return j.list(UncoveredAcknowledged, lines, "everything that this provider is known to hold can be copied",
		fmt.Sprintf("%s holds %d kinds of data that cannot be copied from here", j.p.Name, len(lines)),
		"read what is not covered, and say that you have")
}

func (j *judge) purchases() Check {
	return j.list(RecordsPurchases, j.p.Purchases, "this provider sells nothing through the account",
		"proofs of purchase and warranties may go with the account", "save them, and say that you have")
}

func (j *judge) consequences() Check {
	return j.list(ConsequencesAcknowledged, j.p.Consequences, "nothing more is known to follow",
		fmt.Sprintf("deleting has %d consequences that you have not confirmed", len(j.p.Consequences)),
		"read what follows, and say that you have")
}

// RosterList is the digest of the linked devices as a person is shown them.
func RosterList(devices []Device) Digest { return DigestOf("roster", devices) }

func (j *judge) roster() Check {
	lines := make([]Line, 0, len(j.f.Devices)+1)
	var open []Device
	for _, d := range j.f.Devices {
		state := string(d.State)
		if state == "" {
			state = "still signed in, as far as is known"
		}
		lines = append(lines, Line{ID: d.ID, Text: d.Name + ": " + state})
		if !d.State.Settled() {
			if _, _, counts := j.said(RosterSignedOut, Waive, d.ID, DigestOf(d)); !counts {
				open = append(open, d)
			}
		}
	}
	if len(open) > 0 {
		c := fail(Reason{"signed-in", fmt.Sprintf("%s may still be signed in", open[0].Name)},
			&Remedy{Code: "devices", Text: "sign it out, and say so", Command: j.cmd("devices", quoted(open[0].ID), "--state", string(DeviceSignedOut))})
		c.Count, c.Of = int64(len(open)), int64(len(j.f.Devices))
		c.Ask = &Ask{Kind: Waive, Subject: open[0].ID, List: DigestOf(open[0]), Lines: lines}
		return c
	}
	lines = append(lines, Line{ID: "all", Text: "no other device is signed in to this account"})
	return j.ask(RosterSignedOut, Acknowledge, "", lines, RosterList(j.f.Devices),
		Reason{"not-said", "a device that is still signed in may lock itself, or go on writing to the account"},
		"sign out on your other devices, and say that you have")
}

// OthersSignedOut reports whether a word that counts says that no other device
// is signed in.
func (j *judge) othersSignedOut() bool {
	_, _, counts := j.said(RosterSignedOut, Acknowledge, "", RosterList(j.f.Devices))
	return counts && !slices.ContainsFunc(j.f.Devices, func(d Device) bool { return !d.State.Settled() })
}

func (j *judge) authorizeGranted() Check {
	if j.f.Authorisation == nil {
		c := fail(Reason{"not-authorised", "you have not authorised this with your password"}, j.authorise())
		c.Count = int64(len(j.pending))
		return c
	}
	for _, e := range j.pending {
		if slices.ContainsFunc(j.f.Grants, func(g Grant) bool { return g.Effect == e && g.Usable(j.now) }) {
			continue
		}
		for _, g := range j.f.Grants {
			if g.Effect == e && g.UsedAt.IsZero() && g.VoidAt.IsZero() && j.now.Before(g.From) {
				return fail(Reason{"delay", "the waiting time ends at " + g.From.Format("15:04")},
					&Remedy{Code: "wait", Text: "wait until " + g.From.Format("15:04"), Command: j.cmd("leave")})
			}
		}
		return fail(Reason{"grant-required", j.effectText(e) + " needs your authorisation"}, j.authorise())
	}
	return pass("authorised", "you authorised it")
}

func (j *judge) effectText(e Effect) string {
	text := "an act that cannot be undone"
	if _, ok := e.Implementer(); ok {
		text = "turning Find My Device off"
	} else if id, ok := e.Binding(); ok {
		text = "signing out here"
		for _, b := range j.f.Look.Bindings {
			if b.ID == id {
				text += " (" + b.Name + ")"
			}
		}
	}
	for _, a := range j.f.Acts {
		if a.Effect == e && a.State == ActInterrupted {
			return text + " was interrupted, nothing was changed: it"
		}
	}
	return text
}
