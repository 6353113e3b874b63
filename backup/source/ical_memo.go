package source

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"
)

// maxAttachments of one memo that are looked at.
const maxAttachments = 1000

// Memo is a note that is kept as a VJOURNAL (RFC 5545 section 3.6.3): by
// evolution-data-server, and so by GNOME Notes.
type Memo struct {
	UID         string
	Title       string // SUMMARY
	Body        string // DESCRIPTION; several are joined by an empty line
	Categories  []string
	Date        time.Time // DTSTART, else CREATED, else LAST-MODIFIED; zero: none given
	Attachments []MemoAttachment
}

// MemoAttachment is one ATTACH: its bytes, or where they are.
type MemoAttachment struct {
	Name      string // a file name, never a path; made up where there is none
	MediaType string // or ""
	Data      []byte // of an inline attachment
	URI       string // of one that is elsewhere; see [LocalPath]
}

// ParseMemo reads the first VJOURNAL in raw, bare or within a VCALENDAR. The
// error is a [*ParseError]; then raw is to be kept as it is.
func ParseMemo(raw []byte) (Memo, error) {
	malformed := func(reason string) error {
		return &ParseError{Format: "iCalendar", Reason: reason, Err: ErrMalformed}
	}
	objects, err := SplitCalendar(raw)
	if err != nil {
		return Memo{}, err
	}
	for i := range objects {
		if objects[i].Err != nil {
			return Memo{}, objects[i].Err
		}
	}
	pieces, err := scanCalendar(raw)
	if err != nil {
		return Memo{}, err
	}
	for i := range pieces {
		for j := range pieces[i].parts {
			if c := &pieces[i].parts[j]; c.name == "VJOURNAL" {
				return readMemo(c)
			}
		}
	}
	return Memo{}, malformed("there is no VJOURNAL")
}

func readMemo(c *component) (Memo, error) {
	m := Memo{UID: c.uid, Title: c.summary}
	var bodies []string
	dates := map[string]time.Time{}
	depth := 0
	for l := range contentLines(c.raw) {
		switch l.name {
		case "BEGIN":
			depth++
		case "END":
			depth--
		}
		if depth != 1 {
			continue
		}
		switch l.name {
		case "DESCRIPTION":
			bodies = append(bodies, strings.TrimRight(unescape(l.value), "\r\n"))
		case "CATEGORIES":
			for _, s := range splitUnescaped(l.value, ',') {
				if name := strings.TrimSpace(unescape(s)); name != "" {
					m.Categories = append(m.Categories, name)
				}
			}
		case "DTSTART", "CREATED", "LAST-MODIFIED":
			if _, found := dates[l.name]; !found {
				dates[l.name] = calendarTime(string(l.value))
			}
		case "ATTACH":
			if len(m.Attachments) == maxAttachments {
				return m, &ParseError{Format: "iCalendar", Line: l.number, Reason: fmt.Sprintf("more than %d attachments", maxAttachments), Err: ErrBeyondLimit}
			}
			m.Attachments = append(m.Attachments, readAttachment(&l, len(m.Attachments)+1))
		}
	}
	for _, name := range []string{"DTSTART", "CREATED", "LAST-MODIFIED"} {
		if m.Date.IsZero() {
			m.Date = dates[name]
		}
	}
	m.Body = strings.Join(bodies, "\n\n")
	return m, nil
}

// calendarTime reads a date or a date with time; a local time is taken as UTC,
// which is near enough to sort notes by. Zero: not a time.
func calendarTime(s string) time.Time {
	s = strings.TrimSuffix(strings.TrimSpace(s), "Z")
	for _, layout := range []string{"20060102T150405", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

func readAttachment(l *contentLine, n int) MemoAttachment {
	a := MemoAttachment{MediaType: strings.ToLower(l.parameter("FMTTYPE"))}
	if data, media, ok := embedded(l); ok {
		a.Data = data
		if a.MediaType == "" {
			a.MediaType = media
		}
	} else {
		a.URI = strings.TrimSpace(unescape(l.value))
	}
	for _, said := range []string{l.parameter("FILENAME"), l.parameter("X-FILENAME"), l.parameter("X-EVOLUTION-FILENAME"), uriBase(a.URI)} {
		if a.Name = fileName(said); a.Name != "" {
			return a
		}
	}
	a.Name = fmt.Sprintf("attachment-%d", n)
	a.Name += extensions[a.MediaType]
	return a
}

var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
	"image/heic": ".heic", "application/pdf": ".pdf", "text/plain": ".txt", "audio/mpeg": ".mp3",
}

func uriBase(uri string) string {
	if rel, err := LocalPath(uri, "/"); err == nil {
		return path.Base(rel)
	}
	return ""
}

// fileName takes what can be a file's name from what an attachment says.
func fileName(s string) string {
	s = path.Base("/" + strings.ReplaceAll(s, `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == '%' || r == '/' {
			return -1
		}
		return r
	}, s)
	if s == "." || s == ".." || len(s) > 200 {
		return ""
	}
	return s
}

// Markdown writes the memo for reading: title, body as it stands, attachments.
// links[i] is the path, from the note, at which attachment i lies; where there
// is none the attachment is named without a link.
func (m *Memo) Markdown(links []string) []byte {
	var b bytes.Buffer
	if m.Title != "" {
		fmt.Fprintf(&b, "# %s\n\n", strings.Join(strings.Fields(m.Title), " "))
	}
	if m.Body != "" {
		b.WriteString(strings.ReplaceAll(m.Body, "\r\n", "\n") + "\n")
	}
	for i, a := range m.Attachments {
		label := strings.NewReplacer("[", "(", "]", ")", "\n", " ").Replace(a.Name)
		switch {
		case i >= len(links) || links[i] == "":
			fmt.Fprintf(&b, "\n- %s (not copied: %s)\n", label, oneLine(a.URI))
		case strings.HasPrefix(a.MediaType, "image/"):
			fmt.Fprintf(&b, "\n![%s](<%s>)\n", label, links[i])
		default:
			fmt.Fprintf(&b, "\n[%s](<%s>)\n", label, links[i])
		}
	}
	if len(m.Categories) > 0 {
		fmt.Fprintf(&b, "\nTags: %s\n", oneLine(strings.Join(m.Categories, ", ")))
	}
	return b.Bytes()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
