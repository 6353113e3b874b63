package restore

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/clearance-project/clearance/backup/source"
)

// Selection says what is restored. The zero value is everything, in its newest
// version.
type Selection struct {
	Datasets []source.Dataset // nil: all
	// Books are names of folders, address books and calendars, as [Item.Book]
	// has them, or ids of sources; nil: all.
	Books []string
	// Since and Until bound the time of an item: when a photo was taken, where it
	// says so, else when it or another file was last written; when an event takes
	// place; the date of a note. Until is not included. A photo that names no zone
	// was taken in that of Since, or of Until. What has no time, such as a contact,
	// is left out by either and counted as undated.
	Since, Until time.Time
	// Search is text that the item's name, or the text of a contact, note or
	// calendar entry, holds; letter case does not matter.
	Search string
	// AllVersions takes every version of each item, the older ones under names
	// of their own.
	AllVersions bool
	// AsOf takes the newest version that was copied until then; zero: the newest.
	AsOf time.Time
}

func (s *Selection) dated() bool { return !s.Since.IsZero() || !s.Until.IsZero() }

// looksInside reports whether items must be read to tell whether they are meant.
func (s *Selection) looksInside(set source.Dataset) bool {
	inside := set == source.Contacts || set == source.Notes || set == source.Calendars
	return inside && (s.Search != "" || s.dated() && set != source.Contacts)
}

// maySelect judges by the lists alone.
func (s *Selection) maySelect(set source.Dataset, src, book string) bool {
	return (s.Datasets == nil || slices.Contains(s.Datasets, set)) &&
		(s.Books == nil || slices.Contains(s.Books, book) || slices.Contains(s.Books, src))
}

// within judges a span of time; both ends are zero where nothing is known.
func (s *Selection) within(t span) bool {
	return (s.Since.IsZero() || !t.to.Before(s.Since)) && (s.Until.IsZero() || t.from.Before(s.Until))
}

// span is when an item takes place.
type span struct{ from, to time.Time }

func (t span) known() bool { return !t.from.IsZero() }

func at(t time.Time) span { return span{t, t} }

// folded is text as it is compared.
func folded(s string) string {
	return cases.Fold().String(norm.NFC.String(strings.ToValidUTF8(s, "\ufffd")))
}

// readable is the text of a contact, note or calendar object with its folded
// lines joined, without what is long enough to be a picture.
func readable(raw []byte) string {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\n "), nil)
	raw = bytes.ReplaceAll(raw, []byte("\n\t"), nil)
	var b strings.Builder
	for line := range bytes.Lines(raw) {
		if len(line) <= maxReadable {
			b.Write(line)
		}
	}
	return strings.NewReplacer(`\,`, ",", `\;`, ";", `\n`, " ", `\\`, `\`).Replace(b.String())
}

const maxReadable = 8 << 10 // bytes of a line that may be text

// holds reports whether a text that was asked for is in the item. raw is nil
// where the item is not looked into.
func (s *Selection) holds(it *Item, raw []byte) bool {
	want := folded(s.Search)
	return strings.Contains(folded(it.Name+"\n"+it.ID+"\n"+it.Book), want) ||
		raw != nil && strings.Contains(folded(readable(raw)), want)
}

// timeOf is when an item takes place, as far as can be told.
func timeOf(it *Item, raw []byte) span {
	switch it.Dataset {
	case source.Contacts:
		return span{}
	case source.Calendars, source.Notes:
		if t := calendarSpan(raw); t.known() {
			return t
		}
		if it.Dataset == source.Calendars {
			return span{}
		}
	}
	if it.ModTime.IsZero() {
		return span{}
	}
	return at(it.ModTime)
}

// calendarSpan is when the first component of an object takes place: its
// DTSTART, else DUE, else CREATED or DTSTAMP of a journal. What recurs goes on
// until its UNTIL, or for ever.
func calendarSpan(raw []byte) (t span) {
	if !bytes.Contains(raw, []byte("BEGIN:V")) {
		return span{}
	}
	var start, due, made time.Time
	recurs, until := false, time.Time{}
	inside := ""
	for line := range strings.Lines(readable(raw)) {
		head, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, _, _ := strings.Cut(strings.ToUpper(head), ";")
		switch name {
		case "BEGIN":
			if inside == "" && slices.Contains([]string{"VEVENT", "VTODO", "VJOURNAL"}, strings.ToUpper(value)) {
				inside = strings.ToUpper(value)
			}
		case "END":
			if inside != "" && strings.EqualFold(value, inside) {
				return spanOf(start, due, made, recurs, until)
			}
		}
		if inside == "" {
			continue
		}
		switch name {
		case "DTSTART":
			start = calendarTime(value)
		case "DUE", "DTEND":
			due = calendarTime(value)
		case "CREATED", "LAST-MODIFIED":
			made = calendarTime(value)
		case "RRULE", "RDATE":
			recurs = true
			if _, rest, ok := strings.Cut(strings.ToUpper(value), "UNTIL="); ok {
				rest, _, _ = strings.Cut(rest, ";")
				until = calendarTime(rest)
			}
		}
	}
	return span{}
}

func spanOf(start, due, made time.Time, recurs bool, until time.Time) span {
	t := span{start, start}
	switch {
	case start.IsZero() && !due.IsZero():
		t = at(due)
	case start.IsZero():
		return at(made)
	case due.After(start):
		t.to = due
	}
	if recurs {
		if t.to = until; until.IsZero() {
			t.to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	return t
}

// calendarTime reads a date or date-time (RFC 5545, 3.3.4 and 3.3.5). A local
// time is taken for UTC: up to a day of doubt at either end of a range.
func calendarTime(s string) time.Time {
	for _, form := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return t
		}
	}
	return time.Time{}
}
