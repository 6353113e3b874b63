package viewer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"github.com/clearance-project/clearance/backup/source"
)

// event is an entry of a calendar as it is shown.
type event struct {
	ID       string
	Title    string
	Kind     string    // "event", "task" or "journal"
	At       time.Time // wall clock, as UTC; zero: none
	When     string
	Day      string // for the list: "13 Jun"
	Time     string // "10:15", or "" for whole days
	Repeats  string
	Place    string
	About    string
	Done     bool
	Moved    int // of its repetitions, those that were changed
	Calendar []string
	Path     string
	Broken   bool
}

// events reads the calendars of the copy, the newest first. An entry that several
// calendars hold alike is shown once.
func (w *writer) events(ctx context.Context) ([]event, error) {
	var list []event
	at := map[[32]byte]int{}
	for _, it := range w.held.items[source.Calendars] {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if strings.ToLower(path.Ext(it.path)) != ".ics" {
			continue
		}
		raw, ok := w.readAll(it.path, maxCard)
		if !ok {
			continue
		}
		for _, e := range eventsOf(raw, w.o.Zone) {
			e.Path = it.path
			if e.Broken {
				e.Title = it.shown()
			}
			sum := digest(e.Title, e.When, e.Repeats, e.Place, e.About, e.Kind, fmt.Sprint(e.Done, e.Moved))
			if i, again := at[sum]; again {
				list[i].Calendar = appendNew(list[i].Calendar, book(it.path))
				continue
			}
			at[sum] = len(list)
			e.Calendar = []string{book(it.path)}
			if len(list) < maxShown {
				list = append(list, e)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b event) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Path, b.Path))
	})
	for i := range list {
		list[i].ID = fmt.Sprintf("e%d", i+1)
	}
	return list, nil
}

func eventsOf(raw []byte, zone *time.Location) []event {
	objects, err := source.SplitCalendar(raw)
	if err != nil {
		return []event{{Broken: true}}
	}
	var list []event
	for _, o := range objects {
		e, err := eventOf(o.Raw, zone)
		if o.Err != nil || err != nil {
			e = event{Broken: true, Title: o.Name}
		}
		list = append(list, e)
	}
	return list
}

func eventOf(raw []byte, zone *time.Location) (e event, err error) {
	var cal *ical.Calendar
	err = guarded(func() (err error) {
		cal, err = ical.NewDecoder(bytes.NewReader(unfold(raw))).Decode()
		return err
	})
	if err != nil {
		return e, err
	}
	var main *ical.Component
	for _, c := range cal.Children {
		switch c.Name {
		case ical.CompEvent, ical.CompToDo, ical.CompJournal:
			if main == nil || c.Props.Get(ical.PropRecurrenceID) == nil {
				main = c
			}
			if c.Props.Get(ical.PropRecurrenceID) != nil {
				e.Moved++
			}
		}
	}
	if main == nil {
		return e, fmt.Errorf("there is no entry in it")
	}
	e.Kind = map[string]string{ical.CompEvent: "event", ical.CompToDo: "task", ical.CompJournal: "journal"}[main.Name]
	e.Title, e.Place, e.About = prose(main, ical.PropSummary), prose(main, ical.PropLocation), prose(main, ical.PropDescription)
	if e.Title == "" {
		e.Title = "Without a title"
	}
	e.Done = strings.EqualFold(prose(main, ical.PropStatus), "COMPLETED") || main.Props.Get(ical.PropCompleted) != nil
	e.Repeats = repeats(main.Props.Get(ical.PropRecurrenceRule))
	e.times(main, zone)
	return e, nil
}

func prose(c *ical.Component, name string) string {
	p := c.Props.Get(name)
	if p == nil {
		return ""
	}
	// Many write commas in a text as they are, which makes a list of it (RFC 5545,
	// 3.3.11).
	list, err := p.TextList()
	s := strings.Join(list, ",")
	if err != nil {
		s = p.Value
	}
	return strings.TrimSpace(cut(s, maxText))
}

// moment is a time as a calendar entry says it.
type moment struct {
	at   time.Time // wall clock, as UTC
	day  bool      // a whole day
	zone string    // of the wall clock, where it is not the reader's
}

func momentOf(p *ical.Prop, zone *time.Location) (moment, bool) {
	if p == nil {
		return moment{}, false
	}
	v := strings.TrimSpace(p.Value)
	if t, err := time.Parse("20060102", v); err == nil {
		return moment{at: t, day: true}, true
	}
	if t, err := time.Parse("20060102T150405Z", v); err == nil {
		w := wall(t.In(zone))
		if w == nil {
			return moment{}, false
		}
		return moment{at: *w}, true
	}
	t, err := time.Parse("20060102T150405", v)
	if err != nil {
		return moment{}, false
	}
	m := moment{at: t, zone: cut(p.Params.Get(ical.ParamTimezoneID), 100)}
	if m.zone == zone.String() {
		m.zone = ""
	}
	return m, true
}

const (
	dayForm  = "2 January 2006"
	timeForm = "15:04"
)

// times fills what is said of when an entry is.
func (e *event) times(c *ical.Component, zone *time.Location) {
	start, ok := momentOf(c.Props.Get(ical.PropDateTimeStart), zone)
	due, hasDue := momentOf(c.Props.Get(ical.PropDue), zone)
	end, hasEnd := momentOf(c.Props.Get(ical.PropDateTimeEnd), zone)
	if hasDue {
		start, ok, hasEnd = due, true, false
	}
	if !ok {
		e.When = "Without a date"
		return
	}
	e.At, e.Day = start.at, start.at.Format("Mon 2")
	if start.day && hasEnd {
		end.at = end.at.AddDate(0, 0, -1) // the end of a day is the next one's begin (RFC 5545, 3.6.1)
		hasEnd = end.at.After(start.at)
	}
	e.When = start.at.Format(dayForm)
	if !start.day {
		e.Time = start.at.Format(timeForm)
		e.When += ", " + e.Time
	}
	switch {
	case hasEnd && start.day:
		e.When += " – " + end.at.Format(dayForm)
	case hasEnd && end.at.Format(dayForm) == start.at.Format(dayForm):
		e.When += "–" + end.at.Format(timeForm)
	case hasEnd && !end.day:
		e.When += " – " + end.at.Format(dayForm+", "+timeForm)
	}
	if hasDue {
		e.When = "due " + e.When
	}
	if start.zone != "" {
		e.When += " (" + start.zone + ")"
	}
}

// repeats says a rule of repetition (RFC 5545, 3.3.10) in short words.
func repeats(p *ical.Prop) string {
	if p == nil {
		return ""
	}
	rule := map[string]string{}
	for part := range strings.SplitSeq(strings.ToUpper(p.Value), ";") {
		k, v, _ := strings.Cut(part, "=")
		rule[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	unit := map[string]string{"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}[rule["FREQ"]]
	if unit == "" {
		return "repeats"
	}
	s := "every " + unit
	if n, err := strconv.Atoi(rule["INTERVAL"]); err == nil && n > 1 {
		s = fmt.Sprintf("every %d %ss", n, unit)
	}
	if until := rule["UNTIL"]; len(until) >= 8 {
		if t, err := time.Parse("20060102", until[:8]); err == nil {
			s += " until " + t.Format(dayForm)
		}
	}
	if n, err := strconv.Atoi(rule["COUNT"]); err == nil && n > 0 {
		s += fmt.Sprintf(", %d times", n)
	}
	return s
}
