package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// KeepNote is a note of Google Keep as Takeout writes it, one JSON file a note:
// the fields are those that obsidianmd/obsidian-importer and philkes/NotallyX
// read.
type KeepNote struct {
	Title       string         `json:"title"`
	Text        string         `json:"textContent"`
	List        []KeepLine     `json:"listContent"`
	Labels      []KeepLabel    `json:"labels"`
	Attachments []KeepFile     `json:"attachments"`
	Annotations []KeepWebLink  `json:"annotations"`
	Trashed     bool           `json:"isTrashed"`
	Archived    bool           `json:"isArchived"`
	Pinned      bool           `json:"isPinned"`
	Edited      json.Number    `json:"userEditedTimestampUsec"` // microseconds since 1970
	Created     json.Number    `json:"createdTimestampUsec"`
	Sharees     []KeepSharedTo `json:"sharees"`
}

// KeepLine is one line of a list that is ticked off.
type KeepLine struct {
	Text    string `json:"text"`
	Checked bool   `json:"isChecked"`
}

// KeepLabel is a label of a note.
type KeepLabel struct {
	Name string `json:"name"`
}

// KeepFile is a file that a note shows. Its name may have another extension than
// the file in the archive has.
type KeepFile struct {
	File string `json:"filePath"`
	Type string `json:"mimetype"`
}

// KeepWebLink is a page that a note leads to.
type KeepWebLink struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// KeepSharedTo is somebody who sees the note too.
type KeepSharedTo struct {
	Email string `json:"email"`
}

// webAddress takes out what would end a link.
var webAddress = strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "", "\r", "", "\t", "")

// errNoNote: the file is no note of Keep.
var errNoNote = errors.New("it is no note of Google Keep")

// ParseKeep reads a note. A file that is none is an error.
func ParseKeep(raw []byte) (KeepNote, error) {
	if len(raw) > maxJSON {
		return KeepNote{}, fmt.Errorf("%w: it has %d bytes", errNoNote, len(raw))
	}
	var mark struct {
		Edited  *json.Number `json:"userEditedTimestampUsec"`
		Created *json.Number `json:"createdTimestampUsec"`
	}
	if json.Unmarshal(raw, &mark) != nil || mark.Edited == nil && mark.Created == nil {
		return KeepNote{}, errNoNote
	}
	var n KeepNote
	if err := json.Unmarshal(raw, &n); err != nil {
		return KeepNote{}, fmt.Errorf("cannot read the note: %w", err)
	}
	return n, nil
}

// Markdown is the note to read, with the files that it shows under the names
// that file gives them; "" leaves one out.
func (n *KeepNote) Markdown(file func(string) string) []byte {
	var b strings.Builder
	if title := oneLine(n.Title); title != "" {
		b.WriteString("# " + title + "\n\n")
	}
	if n.Text != "" {
		b.WriteString(strings.ToValidUTF8(n.Text, "\uFFFD") + "\n\n")
	}
	for _, l := range n.List {
		box := "- [ ] "
		if l.Checked {
			box = "- [x] "
		}
		b.WriteString(box + oneLine(l.Text) + "\n")
	}
	if len(n.List) > 0 {
		b.WriteString("\n")
	}
	for _, a := range n.Attachments {
		name := file(a.File)
		switch {
		case name == "":
		case strings.HasPrefix(a.Type, "image/"):
			b.WriteString("![](<" + inBrackets(name) + ">)\n\n")
		default:
			b.WriteString("[" + oneLine(path.Base(name)) + "](<" + inBrackets(name) + ">)\n\n")
		}
	}
	for _, l := range n.Annotations {
		if strings.HasPrefix(l.URL, "https://") || strings.HasPrefix(l.URL, "http://") {
			b.WriteString(oneLine(l.Title) + " <" + webAddress.Replace(strings.ToValidUTF8(l.URL, "")) + ">\n\n")
		}
	}
	if about := n.about(); about != "" {
		b.WriteString("---\n\n" + about + "\n")
	}
	return []byte(b.String())
}

// about is what Keep knows of a note beside its text.
func (n *KeepNote) about() string {
	var parts []string
	var labels []string
	for _, l := range n.Labels {
		labels = append(labels, oneLine(l.Name))
	}
	if len(labels) > 0 {
		parts = append(parts, "Labels: "+strings.Join(labels, ", "))
	}
	for _, s := range []struct {
		is  bool
		say string
	}{{n.Pinned, "Pinned"}, {n.Archived, "Archived"}, {n.Trashed, "In the bin"}} {
		if s.is {
			parts = append(parts, s.say)
		}
	}
	var with []string
	for _, s := range n.Sharees {
		with = append(with, oneLine(s.Email))
	}
	if len(with) > 0 {
		parts = append(parts, "Shared with: "+strings.Join(with, ", "))
	}
	if t := usec(n.Created); !t.IsZero() {
		parts = append(parts, "Written: "+t.Format(time.DateTime)+" UTC")
	}
	if t := usec(n.Edited); !t.IsZero() {
		parts = append(parts, "Changed: "+t.Format(time.DateTime)+" UTC")
	}
	return strings.Join(parts, "  \n")
}

// usec is a time in microseconds since 1970; zero for none, or none that is.
func usec(said json.Number) time.Time {
	const year9999 = 253402300799
	n, err := said.Int64()
	if err != nil || n <= 0 || n/1e6 > year9999 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
}

// inBrackets keeps the name of a file within the angle brackets of a link: what
// would end it, or mean something there, is escaped as in an address.
func inBrackets(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c < ' ', strings.IndexByte(`<>\\%#?&`, c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
