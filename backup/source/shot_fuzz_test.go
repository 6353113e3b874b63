package source

import (
	"slices"
	"strings"
	"testing"
)

// FuzzNames: whatever files are called, none is lost by grouping, and a
// placeholder stands for something else than itself or for a document.
func FuzzNames(f *testing.F) {
	f.Add("IMG_0001.HEIC\nIMG_0001.MOV\nIMG_E0001.JPG\nIMG_O0001.AAE", int64(1))
	f.Add("a/b.jpg.json\n._b.jpg\na\xff.CR2.xmp\n.jpg\n..", int64(0))
	f.Add("x.jpg.nextcloud\n.y.icloud\nz.cloudf\n.thumbnails/1.jpg\nc.gdoc", int64(160))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		paths := strings.Split(text, "\n")
		slices.Sort(paths)
		paths = slices.Compact(paths)
		var n Shots
		for _, p := range paths {
			n.Add(p)
			Thumbnail(p)
			if of, ok := Placeholder(p, size); ok && (of == "" || size < 0) {
				t.Fatalf("%q with %d bytes stands for %q", p, size, of)
			}
		}
		shots, rest := Group(paths)
		files := len(rest)
		for _, s := range shots {
			files += 1 + len(s.With)
		}
		if files != len(paths) || n.Count() != int64(len(shots)) {
			t.Fatalf("%d of %d files, %d of %d photos: %q", files, len(paths), n.Count(), len(shots), paths)
		}
	})
}
