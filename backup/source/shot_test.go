package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// told writes shots as "main + companion(role)", one a line.
func told(paths []string, shots []Shot, rest []int) []string {
	var out []string
	for _, s := range shots {
		line := paths[s.Main]
		with := slices.Clone(s.With)
		slices.SortFunc(with, func(a, b Companion) int { return strings.Compare(paths[a.Index], paths[b.Index]) })
		for _, c := range with {
			line += fmt.Sprintf(" + %s(%s)", paths[c.Index], c.Role)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	for _, i := range rest {
		out = append(out, "- "+paths[i])
	}
	return out
}

func TestGroup(t *testing.T) {
	for what, c := range map[string]struct{ names, want []string }{
		"a live photo": {
			[]string{"IMG_1.HEIC", "IMG_1.MOV", "IMG_2.HEIC"},
			[]string{"IMG_1.HEIC + IMG_1.MOV(motion)", "IMG_2.HEIC"},
		},
		"a live photo from another folder is none": {
			[]string{"a/IMG_1.HEIC", "b/IMG_1.MOV"},
			[]string{"a/IMG_1.HEIC", "b/IMG_1.MOV"},
		},
		"RAW and JPEG, whatever the case": {
			[]string{"DSC1.ARW", "dsc1.jpg", "DSC2.ARW"},
			[]string{"DSC2.ARW", "dsc1.jpg + DSC1.ARW(raw)"},
		},
		"Apple's edits, with their films and sidecars": {
			[]string{"IMG_0001.HEIC", "IMG_0001.MOV", "IMG_E0001.JPG", "IMG_E0001.MOV", "IMG_0001.AAE", "IMG_O0001.AAE"},
			[]string{"IMG_0001.HEIC + IMG_0001.AAE(sidecar) + IMG_0001.MOV(motion) + IMG_E0001.JPG(edit) + IMG_E0001.MOV(edit) + IMG_O0001.AAE(sidecar)"},
		},
		"an edit whose original is gone stands for itself": {
			[]string{"IMG_E0001.JPG", "IMG_0001.AAE"},
			[]string{"IMG_E0001.JPG + IMG_0001.AAE(sidecar)"},
		},
		"a name that only begins like an edit": {
			[]string{"IMG_EDIT.JPG", "IMG_E1.JPG", "IMG_1.JPG"},
			[]string{"IMG_1.JPG", "IMG_E1.JPG", "IMG_EDIT.JPG"},
		},
		"edits in other languages, and with a number": {
			[]string{"a.jpg", "a-bearbeitet.jpg", "b(1).jpg", "b-edited(1).jpg", "c.jpg", "c-modifié.jpg"},
			[]string{"a.jpg + a-bearbeitet.jpg(edit)", "b(1).jpg + b-edited(1).jpg(edit)", "c.jpg + c-modifié.jpg(edit)"},
		},
		"a motion picture of a Pixel": {
			[]string{"PXL_1.MP.jpg", "PXL_1.MP", "PXL_2.MP.jpg"},
			[]string{"PXL_1.MP.jpg + PXL_1.MP(motion)", "PXL_2.MP.jpg"},
		},
		"an edit of a film": {
			[]string{"IMG_0001.MOV", "IMG_E0001.MOV"},
			[]string{"IMG_0001.MOV + IMG_E0001.MOV(edit)"},
		},
		"an edited picture of a RAW file": {
			[]string{"a.dng", "a-edited.jpg", "a.dng.xmp"},
			[]string{"a.dng + a-edited.jpg(edit) + a.dng.xmp(sidecar)"},
		},
		"sidecars by whole name and by stem": {
			[]string{"a.cr2", "a.jpg", "a.cr2.xmp", "a.xmp", "a.jpg.pp3", "b.xmp", "._a.jpg"},
			[]string{"a.jpg + ._a.jpg(sidecar) + a.cr2(raw) + a.cr2.xmp(sidecar) + a.jpg.pp3(sidecar) + a.xmp(sidecar)", "- b.xmp"},
		},
		"Google's export": {
			[]string{"p.jpg", "p-edited.jpg", "p.jpg.json", "q.heic", "q.MP4", "q.HEIC.supplemental-metadata.json", "metadata.json"},
			[]string{"p.jpg + p-edited.jpg(edit) + p.jpg.json(sidecar)", "q.heic + q.HEIC.supplemental-metadata.json(sidecar) + q.MP4(motion)", "- metadata.json"},
		},
		"two pictures of one name are two photos, and the film goes with the HEIC": {
			[]string{"IMG_1.JPG", "IMG_1.HEIC", "img_1.mov"},
			[]string{"IMG_1.HEIC + img_1.mov(motion)", "IMG_1.JPG"},
		},
		"twins by case": {
			[]string{"a.jpg", "A.jpg", "A.mov"},
			[]string{"A.jpg + A.mov(motion)", "a.jpg"},
		},
		"films and what is none of it": {
			[]string{"a.mp4", "a.avi", "a.thm", "x.txt", ".jpg", "noext", "caf\xe9.jpg", "caf\xe8.mov"},
			[]string{"a.avi", "a.mp4 + a.thm(sidecar)", "caf\xe8.mov", "caf\xe9.jpg", "- x.txt", "- .jpg", "- noext"},
		},
	} {
		shots, rest := Group(c.names)
		if diff := cmp.Diff(c.want, told(c.names, shots, rest)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// TestGroupLosesNothing: every file is in one place, and the count of one pass
// is that of the groups.
func TestGroupLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stem := rapid.SampledFrom([]string{"IMG_0001", "IMG_E0001", "img_O0001", "IMG_E0001-edited", "a", "A", "a_edited", "._a", "._IMG_0001.HEIC", "a.jpg", "a.cr2.x"})
		ext := rapid.SampledFrom([]string{".HEIC", ".jpg", ".JPG", ".dng", ".CR2", ".mov", ".MP4", ".aae", ".xmp", ".json", ".txt", ""})
		paths := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"", "d/"}).Draw(t, "dir") + stem.Draw(t, "stem") + ext.Draw(t, "ext")
		}), rapid.ID).Draw(t, "paths")
		shots, rest := Group(paths)
		seen := slices.Clone(rest)
		for _, s := range shots {
			seen = append(seen, s.Main)
			for _, c := range s.With {
				seen = append(seen, c.Index)
			}
		}
		slices.Sort(seen)
		for i := range paths {
			if i >= len(seen) || seen[i] != i {
				t.Fatalf("files %v of %q", seen, paths)
			}
		}
		var n Shots
		for _, p := range paths {
			n.Add(p)
		}
		if n.Count() != int64(len(shots)) || len(seen) != len(paths) {
			t.Fatalf("%d counted, %d photos: %q", n.Count(), len(shots), told(paths, shots, rest))
		}
	})
}
