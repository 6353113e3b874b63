package archive

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// Sizes up to which files are looked into while an archive is listed, bytes.
const (
	maxJSON     = 1 << 20  // a sidecar has about 1 kB
	maxKept     = 64 << 20 // of contacts, calendars and notes in a tgz, together
	maxManifest = 64 << 20 // archive_browser.html of 100,000 files has 30 MB
	maxDetails  = 16 << 20 // Apple's list of the photos of one part
)

// manifestName is the page that Google lists the files of an export on.
const manifestName = "archive_browser.html"

// wantedSize is up to which size the content of an entry is wanted while the
// archive is listed; -1: not at all. Of a tape that is more: going back there
// takes long.
func wantedSize(name string, c container) int64 {
	base := strings.ToLower(path.Base(name))
	switch {
	case c == taped && (path.Ext(base) == ".vcf" || path.Ext(base) == ".ics"):
		return maxKept
	case base == manifestName:
		return maxManifest
	case isDetails(base):
		return maxDetails
	case path.Ext(base) == ".json":
		return maxJSON
	case isMarkdown(base):
		return source.MaxNote
	}
	return -1
}

// facts is what a JSON file of an export or a note in Markdown says, as far as
// listing needs it.
type facts struct {
	of      dataset
	taken   int64    // of a photo: seconds since 1970, 0: not said
	trashed bool     // it lies in the bin
	title   string   // of a photo: the name of its file, before it was cut
	shows   []string // of a note of Keep: the files that it shows

	refs   []source.NoteReference // of a note in Markdown
	unread error                  // why these may not be all
}

type dataset uint8

const (
	other dataset = iota
	photo
	note
)

// readFacts looks into a JSON file. What Google writes beside a photo has
// "photoTakenTime"; a note of Keep has "createdTimestampUsec" or
// "userEditedTimestampUsec", and whether it was thrown away.
func readFacts(raw []byte) (facts, bool) {
	var doc struct {
		Title string `json:"title"`
		Taken *struct {
			Timestamp json.Number `json:"timestamp"`
		} `json:"photoTakenTime"`
		Trashed bool `json:"trashed"`
	}
	if n, err := ParseKeep(raw); err == nil {
		f := facts{of: note, trashed: n.Trashed}
		for _, a := range n.Attachments {
			f.shows = append(f.shows, a.File)
		}
		return f, true
	}
	if len(raw) > maxJSON || json.Unmarshal(raw, &doc) != nil || doc.Taken == nil {
		return facts{}, false
	}
	f := facts{of: photo, trashed: doc.Trashed, title: doc.Title[:min(len(doc.Title), 1024)]}
	if n, err := strconv.ParseInt(doc.Taken.Timestamp.String(), 10, 64); err == nil && n > -(1<<40) && n < 1<<40 {
		f.taken = n
	}
	return f, true
}
