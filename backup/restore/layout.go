package restore

import (
	"encoding/hex"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// layout is how a source's items lie in the bag.
type layout struct {
	book  string // the folder of the bag for it
	paths bool   // its ids are paths
}

const (
	maxNames  = 200  // folders above a file
	maxLength = 3000 // bytes of a whole path beneath the target
)

// layoutOf reads a source's layout off one of its records; false where the
// record lies in the place of another with the same content.
func layoutOf(r *bag.Record) (l layout, ok bool) {
	parts := strings.Split(r.Path, "/")
	if len(parts) < 3 || parts[1] != bag.Sanitise(string(r.Dataset)) {
		return l, false
	}
	if r.Dataset != source.Files {
		if len(parts) < 4 {
			return l, false
		}
		l.book = parts[2]
	}
	last := parts[len(parts)-1]
	if same(last, bag.Sanitise(path.Base(r.ID))) {
		l.paths = true
		return l, true
	}
	return l, same(last, bag.NameForID(r.Ref, r.ID, path.Ext(last)))
}

// same reports whether a name in the bag is want, or a version of it.
func same(have, want string) bool { return have == want || unversioned(have) == want }

// unversioned is "a.jpg" for "a~2.jpg".
func unversioned(name string) string {
	ext := path.Ext(name)
	stem := name[:len(name)-len(ext)]
	i := strings.LastIndexByte(stem, '~')
	if i <= 0 || i == len(stem)-1 || strings.Trim(stem[i+1:], "0123456789") != "" {
		return name
	}
	return stem[:i] + ext
}

// namesFor is the path of an item beneath a folder: dataset, book, its own
// folders and its name.
func namesFor(r *bag.Record, l layout, older bool) []string {
	names := []string{bag.Sanitise(string(r.Dataset))}
	if r.Dataset != source.Files {
		names = append(names, l.book)
	}
	own := ownNames(r, l)
	names = append(names, own...)
	if older || r.State == bag.Edited {
		last := &names[len(names)-1]
		*last = withSuffix(*last, versionSuffix(r))
	}
	return names
}

func ownNames(r *bag.Record, l layout) []string {
	ext := path.Ext(r.Path)
	if !l.paths {
		return []string{bag.NameForID(r.Ref, r.ID, ext)}
	}
	var own []string
	for name := range strings.SplitSeq(r.ID, "/") {
		if name != "" && name != "." && name != ".." {
			own = append(own, harmless(name))
		}
	}
	if n := length(own); len(own) == 0 || len(own) > maxNames || n > maxLength {
		return []string{bag.NameForID(r.Ref, r.ID, ext)}
	}
	return own
}

// versionSuffix tells versions of an item apart, by when each was first seen.
func versionSuffix(r *bag.Record) string {
	if r.State == bag.Edited {
		return "~edited-" + hex.EncodeToString(r.SHA256[:4])
	}
	if r.FirstSeen.IsZero() {
		return "~older-" + hex.EncodeToString(r.SHA256[:4])
	}
	return "~of-" + r.FirstSeen.UTC().Format("2006-01-02T150405Z")
}

// harmless is an original name as a file may have it: its own bytes, but for
// what steers a terminal or turns the order of what is read.
func harmless(name string) string {
	if !utf8.ValidString(name) {
		name = controlBytes(name)
	} else {
		name = strings.Map(func(r rune) rune {
			switch {
			case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
				return '_'
			}
			return r
		}, name)
	}
	if len(name) > maxName {
		return bag.Sanitise(name)
	}
	return name
}

// controlBytes replaces control characters in text that is not UTF-8.
func controlBytes(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = '_'
		}
	}
	return string(b)
}

const maxName = 255 // bytes of one name

// withSuffix puts suffix before the extension and keeps the whole within 255
// bytes.
func withSuffix(name, suffix string) string {
	ext := path.Ext(name)
	if len(ext) > 24 || len(ext) == len(name) {
		ext = ""
	}
	stem := name[:len(name)-len(ext)]
	return cut(stem, maxName-len(suffix)-len(ext)) + suffix + ext
}

// cut keeps at most n bytes of s, whole runes only.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func length(names []string) (n int) {
	for _, s := range names {
		n += len(s) + 1
	}
	return n
}
