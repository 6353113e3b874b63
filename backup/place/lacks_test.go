package place

import (
	"slices"
	"testing"
)

func TestLacks(t *testing.T) {
	for kind, want := range map[string][]Lack{
		"vfat": {CoarseTimes, SmallFiles, NoCase, NoOwners}, "exfat": {NoCase, NoOwners}, "fuse.exfat": {NoCase, NoOwners},
		"ntfs3": {NoCase}, "cifs": {NoCase, NoOwners}, "ext4": nil, "btrfs": nil, "xfs": nil, "nfs4": nil,
	} {
		got := (&Place{FSType: kind}).Lacks()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", kind, got)
		}
		for _, l := range got {
			if l.Sentence() == string(l) {
				t.Errorf("%s has no sentence", l)
			}
		}
	}
}
