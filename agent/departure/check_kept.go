package departure

import (
	"fmt"
	"strings"
)

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
	case k.Needed == 0 && len(k.CopyOnly) > 0:
		return na("copy-only", "nothing more can be kept on this device"+j.copyOnly())
	case k.Needed == 0:
		return na("none", "nothing would leave this device")
	case k.Present >= k.Needed:
		return Check{Status: Pass, Count: k.Needed, Of: k.Needed,
			Reason: Reason{"kept", number(k.Needed) + " contacts, notes and calendar entries are kept on this device" + j.copyOnly()}}
	}
	list := KeepList(d.Account)
	if _, _, counts := j.said(KeptHere, Decline, "", list); counts {
		return Check{Status: Waived, Reason: Reason{"declined", "you did not want them kept on this device" + j.copyOnly()}}
	}
	text := number(k.Needed-k.Present) + " contacts, notes and calendar entries would leave this device with the account" + j.copyOnly()
	c := j.ask(KeptHere, Decline, "", []Line{{ID: "keep", Text: text}}, list, Reason{"not-kept", text}, "keep a copy of them on this device")
	c.Count, c.Of = k.Needed-k.Present, k.Needed
	return c
}

// KeepList is the digest under which a person declines step 4.
func KeepList(a Account) Digest { return DigestOf("keep", a.Provider, a.Identity) }

// maxCopyOnly bounds how many sources are named in one sentence.
const maxCopyOnly = 3

// copyOnly says what will be in the copy alone, where another program keeps it and
// no book of this device takes it; empty where there is none.
func (j *judge) copyOnly() string {
	var names []string
	for _, id := range j.f.Look.Kept.CopyOnly {
		l, here := j.listing(id)
		if !here || !l.Complete || l.Items == 0 {
			continue // not in the copy, or nothing to be there: other checks say so
		}
		names = append(names, counted(l.Items, l.Source.Dataset)+" of "+l.Source.Name)
	}
	if len(names) == 0 {
		return ""
	}
	if more := len(names) - maxCopyOnly; more > 0 {
		names = append(names[:maxCopyOnly], fmt.Sprintf("%d more", more))
	}
	return "; only in your copy afterwards: " + strings.Join(names, ", ")
}
