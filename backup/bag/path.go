package bag

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/clearance-project/clearance/backup/source"
)

const (
	maxName = 255  // bytes of one name: the limit of ext4, and no more than exFAT's
	maxPath = 1024 // bytes of a whole path in the bag: far below PATH_MAX wherever the bag is moved
	maxExt  = 24   // bytes of what is taken for an extension
)

// wanted is the place that an item would have if nothing else were there:
// folders from data/ on, and the name.
func wanted(it *source.Item) (dirs []string, base string) {
	dirs = []string{"data", Sanitise(string(it.Dataset))}
	if it.Dataset != source.Files {
		folder := it.Folder
		if folder == "" {
			folder = it.Source
		}
		dirs = append(dirs, Sanitise(folder))
	}
	if it.Path == "" {
		return dirs, NameForID(it.Ref, it.ID, it.Ext)
	}
	var below []string
	for name := range strings.SplitSeq(it.Path, "/") {
		if name != "" && name != "." && name != ".." {
			below = append(below, Sanitise(name))
		}
	}
	if len(below) == 0 {
		return dirs, NameForID(it.Ref, it.ID, it.Ext)
	}
	last := len(below) - 1
	if length(dirs)+length(below) <= maxPath {
		return append(dirs, below[:last]...), below[last]
	}
	sum := sha256.Sum256([]byte(path.Dir(it.Path)))
	return append(dirs, "~deep", hex.EncodeToString(sum[:8])), below[last]
}

func length(names []string) (n int) {
	for _, s := range names {
		n += len(s) + 1
	}
	return n
}

// NameForID is the file name of an item that its source knows by an id, not by
// a path: the first 16 hex digits of sha256(account, book, id), with zero bytes
// between, then what can be shown of the id, and ext (with its dot).
func NameForID(ref source.Ref, id, ext string) string {
	sum := sha256.Sum256([]byte(ref.Account + "\x00" + ref.Source + "\x00" + id))
	name := hex.EncodeToString(sum[:8])
	shown := path.Base(strings.TrimSuffix(id, ext))
	if shown != "." && shown != "/" && shown != "" {
		shown = strings.Trim(Sanitise(shown), "_~. ")
		shown = cut(shown, 40)
		if shown != "" {
			name += "-" + shown
		}
	}
	if ext != "" {
		ext = Sanitise("x" + ext)[1:]
	}
	return Sanitise(name + cut(ext, maxExt))
}

// Name is the folder name of a bag.
func Name(account, user, device string) string {
	return Sanitise(cut(account, 100) + "-" + cut(user, 60) + "-" + cut(device, 60))
}

// Sanitise makes one name that every file system takes, as near to s as can be:
// composed (NFC), valid UTF-8, at most 255 bytes. It is the same for a name that
// it made.
func Sanitise(s string) string {
	out := norm.NFC.String(strings.Map(harmless, strings.ToValidUTF8(s, "_")))
	end := strings.TrimRight(out, ". ")
	out = end + strings.Repeat("_", len(out)-len(end))
	if reserved(out) {
		out = "_" + out
	}
	if out == "" {
		out = "_"
	}
	if len(out) > maxName {
		sum := sha256.Sum256([]byte(s))
		out = withSuffix(out, "-"+hex.EncodeToString(sum[:4]))
	}
	return out
}

func harmless(r rune) rune {
	switch {
	case unicode.IsControl(r), strings.ContainsRune(`/\%<>:"|?*`, r):
		return '_'
	case r == '\u2028', r == '\u2029', r == '\ufeff', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return '_' // line ends, and what turns the order of what is read
	}
	return r
}

// reserved reports whether Windows takes the name for a device (CON, LPT1.txt).
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	if len(stem) == 4 && (stem[:3] == "COM" || stem[:3] == "LPT") {
		return stem[3] >= '0' && stem[3] <= '9'
	}
	return false
}

// version is name for its nth version: "a.jpg", "a~2.jpg", "a~3.jpg".
func version(name string, n int) string {
	if n < 2 {
		return name
	}
	return withSuffix(name, "~"+strconv.Itoa(n))
}

// withSuffix puts suffix before the extension and keeps the whole within 255 bytes.
func withSuffix(name, suffix string) string {
	ext := path.Ext(name)
	if len(ext) > maxExt || len(ext) == len(name) {
		ext = ""
	}
	stem := cut(name[:len(name)-len(ext)], maxName-len(suffix)-len(ext))
	return stem + suffix + ext
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

// fold makes twins equal: names that a file system without case, or one that
// composes, takes for the same.
func fold(name string) string {
	if plain(name) {
		return strings.ToLower(name)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(name)))
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
