package viewer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// failure is what could not be copied, said to a person.
type failure struct {
	Name   string
	Kind   string // "photo", "contact", …
	Detail string
}

// trouble is a reason and everything that failed for it.
type trouble struct {
	Sentence string
	Next     string
	Items    []failure
	odd      int // 1: it is in the copy all the same
}

// isOdd reports whether a failure is none of copying: the item is in the copy as
// it stands, and is not of the form that it should have.
func isOdd(f *bag.Failure) bool { return f.Reason == string(ledger.NotParsed) }

// nextSteps says what a person can do about a reason.
var nextSteps = map[string]string{
	string(source.Special):      "Nothing needs to be done: there is nothing in it to keep.",
	string(source.LinkOutside):  "If you want what is there, add that folder as well, then make the copy again.",
	string(source.LinkBroken):   "If you miss it, look for the original elsewhere; this link leads nowhere.",
	string(source.Unreadable):   "Open it where it is. If it opens, make the copy again; if not, look whether you may read it, or whether the disk is failing.",
	string(source.Changing):     "Close the program that is writing it, then make the copy again.",
	string(source.Vanished):     "If you deleted or moved it yourself, all is well. If not, look for it before you delete the account.",
	string(source.TooLarge):     "Copy it by hand to a disk that takes files of this size.",
	string(source.OnlyInCloud):  "Let the cloud’s program download it (“always keep on this device”), then make the copy again.",
	string(source.OnlyThumb):    "Find the photo itself: in the cloud, or on the device that took it.",
	string(source.NoteFile):     "Open the note where it was written and look whether the picture still shows there.",
	string(source.UnsafeName):   "Look at the archive by hand, and copy what you know; an archive that a provider made has no such names.",
	string(source.ArchivedLink): "Find the file that the link leads to, and add the folder it is in.",
	string(source.Encrypted):    "Unpack it with its password into a folder and add that folder, then make the copy again.",
	string(source.Nested):       "Unpack it into a folder and add that folder, then make the copy again.",
	string(source.NotExported):  "Download it from the account by hand, or export once more, then make the copy again.",
	string(ledger.NotParsed):    "It is in the copy as it stands. Open it in the program that it comes from, to see whether it is whole.",
}

var kindWords = map[source.Dataset]string{
	source.Photos: "photo", source.Contacts: "contact", source.Notes: "note", source.Calendars: "calendar entry", source.Files: "file",
}

// troubles groups failures by their reason: what is not in the copy first, then the
// most frequent.
func troubles(list []bag.Failure) []trouble {
	var out []trouble
	at := map[string]int{}
	for _, f := range list {
		i, ok := at[f.Reason]
		if !ok {
			i = len(out)
			at[f.Reason] = i
			t := trouble{Sentence: sentence(f.Reason), Next: cmp.Or(nextSteps[f.Reason], "Make the copy again; if it fails again, copy it by hand.")}
			if isOdd(&f) {
				t.odd = 1
			}
			out = append(out, t)
		}
		name := cmp.Or(f.Name, f.ID, "a thing whose name is not known")
		out[i].Items = append(out[i].Items, failure{
			Name: cut(name, 500), Kind: cmp.Or(kindWords[f.Dataset], "thing"), Detail: cut(f.Detail, 500),
		})
	}
	slices.SortStableFunc(out, func(a, b trouble) int {
		return cmp.Or(cmp.Compare(a.odd, b.odd), cmp.Compare(len(b.Items), len(a.Items)))
	})
	return out
}

func sentence(reason string) string {
	s, _, _ := strings.Cut(source.Reason(reason).Sentence(), ";") // what to do is said beneath
	switch reason {
	case string(ledger.NotParsed):
		s = "it was copied, but it is not in the form that it should have"
	case "":
		s = "the reason is not known"
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
