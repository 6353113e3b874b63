package stores

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// Flags of a row. Source: calStorageHelpers.sys.mjs.
const (
	flagAllDay           = 8
	flagRecurrenceAllDay = 512
)

// title is what a person calls the object.
func (o *object) title() string { return o.parts[0].row["title"].text }

// ics is the object as an iCalendar one (RFC 5545). Times in a zone that is not
// known by name here are written in UTC. What the database holds twice or in
// another order comes out the same.
func (o *object) ics() []byte {
	var l source.Lines
	l.Add("BEGIN", "VCALENDAR")
	l.Add("VERSION", "2.0")
	l.Add("PRODID", source.ProductID)
	slices.SortStableFunc(o.parts, func(a, b *part) int {
		return cmp.Compare(a.row["recurrence_id"].number, b.row["recurrence_id"].number)
	})
	for _, p := range o.parts {
		p.write(&l, o.id)
	}
	l.Add("END", "VCALENDAR")
	return l.Bytes()
}

func (p *part) write(l *source.Lines, uid string) {
	name := "VTODO"
	if p.event {
		name = "VEVENT"
	}
	l.Add("BEGIN", name)
	l.Text("UID", uid)
	p.times(l)
	l.Text("SUMMARY", p.row["title"].text)
	if n := p.row["priority"].number; n > 0 {
		l.Add("PRIORITY", strconv.FormatInt(n, 10))
	}
	l.Text("CLASS", p.row["privacy"].text)
	l.Text("STATUS", p.row["ical_status"].text)
	if n := p.row["todo_complete"].number; n > 0 {
		l.Add("PERCENT-COMPLETE", strconv.FormatInt(n, 10))
	}
	slices.SortStableFunc(p.lines, func(a, b property) int { return strings.Compare(a.name, b.name) })
	for i := range p.lines {
		p.lines[i].write(l)
	}
	slices.Sort(p.strings)
	for _, s := range p.strings {
		if property, value, ok := strings.Cut(logical(s), ":"); ok && !frames(property) {
			l.Add(property, value)
		} else {
			l.Text(unread, s)
		}
	}
	slices.Sort(p.alarms)
	for _, s := range p.alarms {
		writeAlarm(l, s)
	}
	l.Add("END", name)
}

// unread is the property of what was stored and is no line of a calendar.
const unread = "X-THUNDERBIRD-STORED"

// times are the properties of a row that are dates or times.
func (p *part) times(l *source.Lines) {
	utc := func(property, column string) {
		if v := p.row[column]; v.is == isNumber {
			l.Add(property, stamp(v.number)+"Z")
		}
	}
	if p.row["event_stamp"].is == isNumber || p.row["todo_stamp"].is == isNumber {
		utc("DTSTAMP", "event_stamp")
		utc("DTSTAMP", "todo_stamp")
	} else {
		l.Add("DTSTAMP", stamp(p.row["last_modified"].number)+"Z") // every item has one
	}
	utc("CREATED", "time_created")
	utc("LAST-MODIFIED", "last_modified")
	utc("X-MOZ-LASTACK", "alarm_last_ack")
	day := p.row["flags"].number&flagAllDay != 0
	for _, t := range []struct{ property, column string }{
		{"DTSTART", "event_start"}, {"DTEND", "event_end"}, {"DTSTART", "todo_entry"}, {"DUE", "todo_due"},
	} {
		at(l, t.property, p.row[t.column], p.row[t.column+"_tz"].text, day)
	}
	if v := p.row["todo_completed"]; v.is == isNumber {
		l.Add("COMPLETED", stamp(v.number)+"Z")
	}
	at(l, "RECURRENCE-ID", p.row["recurrence_id"], p.row["recurrence_id_tz"].text, p.row["flags"].number&flagRecurrenceAllDay != 0)
}

// at writes a time in its zone; none where there is none.
func at(l *source.Lines, property string, v value, zone string, day bool) {
	if v.is != isNumber {
		return
	}
	if zone == "" || zone == "floating" {
		zone = "floating"
	}
	where, name := locate(zone)
	t := time.UnixMicro(v.number).In(where)
	switch {
	case day:
		l.Add(property+";VALUE=DATE", t.Format("20060102"))
	case zone == "floating":
		l.Add(property, t.Format(form))
	case name == "":
		l.Add(property, t.Format(form)+"Z")
	default:
		l.Add(property+";TZID="+name, t.Format(form))
	}
}

const form = "20060102T150405"

func stamp(micro int64) string { return time.UnixMicro(micro).UTC().Format(form) }

// locate finds a zone, by its name or by that of its definition; the name is ""
// for UTC and for one that is not known here.
func locate(zone string) (*time.Location, string) {
	if strings.HasPrefix(zone, "BEGIN:VTIMEZONE") {
		for line := range strings.Lines(zone) {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "TZID:"); ok {
				zone = id
				break
			}
		}
	}
	parts := strings.Split(zone, "/")
	for i := range parts {
		// "/mozilla.org/20070129_1/Europe/Berlin" is Europe/Berlin.
		name := strings.Join(parts[i:], "/")
		if where, err := time.LoadLocation(name); err == nil && name != "" && name != "UTC" && name != "Local" && name != "floating" {
			return where, name
		}
	}
	return time.UTC, ""
}

// texts are the properties whose values are texts (RFC 5545, 3.8.1).
var texts = []string{"DESCRIPTION", "LOCATION", "COMMENT", "CONTACT", "SUMMARY"}

func (p *property) write(l *source.Lines) {
	name := propertyName(p.name)
	if name == "" || name == "DURATION" || name == "BEGIN" || name == "END" {
		return // the ends are there
	}
	slices.SortStableFunc(p.params, func(a, b param) int { return strings.Compare(a.name, b.name) })
	for _, q := range p.params {
		name += ";" + propertyName(q.name) + `="` + source.Parameter(q.value) + `"`
	}
	switch {
	case p.value.is == isNumber && isTime(p.value.number):
		l.Add(name, stamp(p.value.number)+"Z")
	case p.value.is == isNumber:
		l.Add(name, strconv.FormatInt(p.value.number, 10))
	case slices.Contains(texts, strings.ToUpper(p.name)):
		l.Text(name, p.value.text)
	case p.value.is == isText:
		l.Add(name, p.value.text)
	}
}

// isTime tells microseconds since 1970 from a number: they are beyond 1973.
func isTime(n int64) bool { return n > 100_000_000_000_000 }

// logical is a stored line without its folds, and what follows it.
func logical(s string) string {
	s = strings.NewReplacer("\r\n ", "", "\n ", "").Replace(strings.TrimLeft(s, "\r\n"))
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimRight(line, "\r")
}

// frames reports whether a property begins or ends a component.
func frames(property string) bool {
	property = strings.TrimSpace(property)
	return strings.EqualFold(property, "BEGIN") || strings.EqualFold(property, "END")
}

// framed reports whether one of several lines does.
func framed(text string) bool {
	for line := range strings.Lines(text) {
		if property, _, _ := strings.Cut(line, ":"); frames(property) {
			return true
		}
	}
	return false
}

// writeAlarm writes a stored VALARM.
func writeAlarm(l *source.Lines, s string) {
	s = strings.NewReplacer("\r\n ", "", "\n ", "", "\r\n", "\n").Replace(strings.TrimSpace(s))
	inner, begins := strings.CutPrefix(s, "BEGIN:VALARM\n")
	inner, ends := strings.CutSuffix(inner, "END:VALARM")
	if !begins || !ends || framed(inner) {
		l.Text(unread, s)
		return
	}
	l.Add("BEGIN", "VALARM")
	for line := range strings.Lines(inner) {
		if property, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ":"); ok {
			l.Add(property, value)
		}
	}
	l.Add("END", "VALARM")
}
