package bag

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// hostile draws names of the bytes that make trouble.
func hostile() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"a", "A", "\u00e9", "e\u0301", "\u00c9", "\n", "\r", "%", `\`, "/", ".", "..", " ", "-", "~2", "~", ".jpg", ".JPG", "\xff", "\xc3",
			"CON", "nul", "com1", ":", "*", "\x00", "\u202e", "\u00df", "ss", "\u0130", "i", "\u212a", "k", strings.Repeat("x", 200), strings.Repeat("\u00e4", 120), "\ufb01",
		}),
		rapid.String(),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 6), func(p []string) string { return strings.Join(p, "") })
}

func checkName(t *rapid.T, n string) {
	switch {
	case n == "" || n == "." || n == "..":
		t.Fatalf("%q is no name", n)
	case len(n) > 255:
		t.Fatalf("%q has %d bytes", n, len(n))
	case !utf8.ValidString(n) || !norm.NFC.IsNormalString(n):
		t.Fatalf("%q is not composed UTF-8", n)
	case strings.ContainsAny(n, "\n\r%\\/\x00<>:\"|?*"):
		t.Fatalf("%q holds a byte that makes trouble", n)
	case strings.HasSuffix(n, ".") || strings.HasSuffix(n, " "):
		t.Fatalf("%q ends in a dot or a space", n)
	}
}

func TestSanitiseIsSafeAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := hostile().Draw(t, "name")
		n := Sanitise(s)
		checkName(t, n)
		if again := Sanitise(n); again != n {
			t.Fatalf("%q became %q, then %q", s, n, again)
		}
		checkName(t, version(n, rapid.IntRange(1, 99_999).Draw(t, "version")))
	})
}

// Whatever is asked for, and in whatever order: every path is valid, no two
// folders or files are twins, and no path is given out twice.
func TestChosenPathsAreNeverTwins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "names")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		root, err := disk.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := root.Mkdir("data", dirMode); err != nil {
			t.Fatal(err)
		}
		b := &Bag{root: root, names: newNames(root), dirty: map[string]bool{}}
		twins, given := map[string]string{}, map[string]bool{}
		for range rapid.IntRange(1, 25).Draw(t, "items") {
			it := &source.Item{Key: source.Key{
				Ref: source.Ref{Account: "a", Dataset: rapid.SampledFrom([]source.Dataset{source.Photos, source.Files, source.Contacts}).Draw(t, "dataset"), Source: hostile().Draw(t, "source")},
				ID:  hostile().Draw(t, "id"),
			}, Path: strings.Join(rapid.SliceOfN(hostile(), 0, 4).Draw(t, "path"), "/"), Ext: rapid.SampledFrom([]string{"", ".vcf", "./../x", "."}).Draw(t, "ext")}
			p, taken, err := b.choose(it, &Record{})
			if err != nil {
				t.Fatal(err)
			}
			if taken || given[p] || !payloadPath(p) || !fs.ValidPath(p) || len(p) > maxPath+2*maxName {
				t.Fatalf("path %q, taken %v, given before %v", p, taken, given[p])
			}
			given[p] = true
			for q := p; q != "."; q = path.Dir(q) {
				checkName(t, path.Base(q))
				key := path.Dir(q) + "/" + fold(path.Base(q))
				if other, ok := twins[key]; ok && other != q {
					t.Fatalf("%q and %q are twins", other, q)
				}
				twins[key] = q
			}
			if rapid.Bool().Draw(t, "written") {
				if err := writeFile(root, p, "x", payloadMode); err != nil {
					t.Fatal(err)
				}
			}
			if rapid.Bool().Draw(t, "forget") {
				for q := range given { // what is forgotten must be on the disk to be known
					if _, err := root.Lstat(q); err != nil {
						if err := writeFile(root, q, "x", payloadMode); err != nil {
							t.Fatal(err)
						}
					}
				}
				b.names = newNames(root)
			}
		}
	})
}

func TestNameForID(t *testing.T) {
	ref := source.Ref{Account: "a", Dataset: source.Contacts, Source: "book"}
	for id, want := range map[string]string{
		"4f9c-11":              "-4f9c-11.vcf",
		"/books/x/4f9c-11.vcf": "-4f9c-11.vcf",
		"../../..":             ".vcf",
		"pas-id-\xff\n":        "-pas-id-.vcf",
	} {
		n := NameForID(ref, id, ".vcf")
		if n[16:] != want || strings.Trim(n[:16], "0123456789abcdef") != "" {
			t.Errorf("%q: %q, want 16 hex digits and %q", id, n, want)
		}
	}
	if NameForID(ref, "a", ".vcf") == NameForID(ref, "b", ".vcf") {
		t.Error("two ids, one name")
	}
}
