package departure

import "testing"

// TestTheDiskIsNamed: a person with several disks reads which one is meant.
func TestTheDiskIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change       func(*Copy)
		text, remedy string
	}{
		"too small": {func(c *Copy) { c.Need, c.Free = 12e9, 31e8 }, "your copy needs 12 GB, and 3.1 GB are free on Photos-Disk", "choose a folder or a disk for your copy"},
		"unplugged": {func(c *Copy) { c.Present = false }, "the place of your copy is not there now", "plug Photos-Disk in again: it goes on by itself"},
		"a clone too": {func(c *Copy) { c.Present, c.Place, c.PlaceWhy = false, "", Reason{"two-disks", "two disks"} },
			"two disks", "unplug the disk that is not your copy's"},
		"an older clone": {func(c *Copy) { c.Present, c.Place, c.PlaceWhy = false, "", Reason{"older-double", "an older double"} },
			"an older double", "plug in the disk that your copy was written to last, or choose this one anew"},
	} {
		in := done()
		in.f.Look.Copy.DiskName = "Photos-Disk"
		c.change(&in.f.Look.Copy)
		k, ok := in.evaluate().Checks.Get(DestinationApart)
		if !ok || k.Status.Holds() || k.Reason.Text != c.text || k.Remedy == nil || k.Remedy.Text != c.remedy {
			t.Errorf("%s: %+v, %+v", name, k, k.Remedy)
		}
	}
}
