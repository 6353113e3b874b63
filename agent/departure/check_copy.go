package departure

import (
	"fmt"
)

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
	case c.Items > 0 && (j.now.Before(c.OldestRead) || j.now.Before(c.LatestRead)):
		return unknown(Reason{"read-in-the-future", "your copy was read back at a time that is still to come: this device's clock was changed"}, read)
	case c.Items > 0 && c.LatestRead.Before(c.OldestRead):
		return unknown(Reason{"read-unknown", "it is not known when your copy was read back"}, read)
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
	if c.DiskName != "" {
		plugIn.Text = "plug " + c.DiskName + " in again: it goes on by itself"
	}
	switch c.PlaceWhy.Code {
	case "two-disks":
		plugIn = &Remedy{Code: "unplug", Text: "unplug the disk that is not your copy's", Command: j.cmd("leave")}
	case "older-double":
		plugIn.Text = "plug in the disk that your copy was written to last, or choose this one anew"
	}
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
		on := "there"
		if c.DiskName != "" {
			on = "on " + c.DiskName
		}
		k := fail(Reason{"does-not-fit", fmt.Sprintf("your copy needs %s, and %s are free %s", size(c.Need), size(c.Free), on)}, elsewhere)
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
