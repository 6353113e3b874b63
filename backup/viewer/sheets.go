package viewer

import (
	"fmt"
	"time"
)

// sheet is a page in export/view.
type sheet struct {
	File, Title, Heading, About string
	Tabs                        []tab
	Months                      []month
	Contacts                    []contact
	Notes                       []note
	Groups                      []group
	Prev, Next                  string // pages of the same kind, or ""
	Before, After               string // what their links say
}

// tab is a link to a kind of page.
type tab struct {
	Name, File string
	Here       bool
}

// group is calendar entries under a heading.
type group struct {
	Title  string
	Events []event
}

// sheets makes all pages but index.html.
func (p *pages) sheets() []*sheet {
	var all []*sheet
	all = append(all, p.photoSheets()...)
	all = append(all, p.contactSheets()...)
	all = append(all, p.notePages()...)
	all = append(all, p.calendarSheets()...)
	tabs := p.tabs()
	for _, s := range all {
		for _, t := range tabs {
			t.Here = t.Name == s.Heading
			s.Tabs = append(s.Tabs, t)
		}
	}
	return all
}

func (p *pages) tabs() (tabs []tab) {
	for _, t := range []struct {
		name, kind string
		n          int
	}{{"Photos", "photos", p.photos}, {"Contacts", "contacts", len(p.contacts)}, {"Notes", "notes", p.notes}, {"Calendar", "calendar", len(p.events)}} {
		if t.n > 0 {
			tabs = append(tabs, tab{Name: t.name, File: pageName(t.kind, 1)})
		}
	}
	return tabs
}

// chain gives pages of one kind their names and leads from each to the next.
func chain(kind, heading, about string, sheets []*sheet) []*sheet {
	for i, s := range sheets {
		s.File, s.Heading, s.Title = pageName(kind, i+1), heading, heading
		s.About = about
		if len(sheets) > 1 {
			s.Title = fmt.Sprintf("%s, page %d of %d", heading, i+1, len(sheets))
			s.About += fmt.Sprintf(" Page %d of %d.", i+1, len(sheets))
		}
		s.Before, s.After = "Back", "Next page"
		if i > 0 {
			s.Prev = pageName(kind, i)
		}
		if i+1 < len(sheets) {
			s.Next = pageName(kind, i+2)
		}
	}
	return sheets
}

func (p *pages) photoSheets() []*sheet {
	var sheets []*sheet
	for _, m := range p.months {
		if m.Page > len(sheets) {
			sheets = append(sheets, &sheet{})
		}
		s := sheets[len(sheets)-1]
		s.Months = append(s.Months, m)
	}
	about := many(p.photos, "photo or video", "photos and videos") + ", the newest first."
	if held := p.w.held.count[photosOf]; held > maxShown {
		about += fmt.Sprintf(" Of the copy's %s files, %s are shown; all are in data/photos.", number(held), number(maxShown))
	}
	sheets = chain("photos", "Photos", about, sheets)
	for _, s := range sheets {
		s.Before, s.After = "Newer photos", "Older photos"
	}
	return sheets
}

func (p *pages) contactSheets() []*sheet {
	var sheets []*sheet
	for i := 0; i < len(p.contacts); i += pageContacts {
		sheets = append(sheets, &sheet{Contacts: p.contacts[i:min(i+pageContacts, len(p.contacts))]})
	}
	return chain("contacts", "Contacts", many(len(p.contacts), "contact", "contacts")+". Open one to see all of it.", sheets)
}

func (p *pages) notePages() []*sheet {
	var sheets []*sheet
	for _, notes := range p.noteSheets {
		sheets = append(sheets, &sheet{Notes: notes})
	}
	about := many(p.notes, "note", "notes") + ", the newest first."
	if n := p.w.bareNotes; n > 0 {
		about += " " + number(n) + " of them, the oldest, stand here with their titles alone: there are very many. They are whole in data/notes."
	}
	return chain("notes", "Notes", about, sheets)
}

func (p *pages) calendarSheets() []*sheet {
	var sheets []*sheet
	for i := 0; i < len(p.events); i += pageEvents {
		s := &sheet{}
		for _, e := range p.events[i:min(i+pageEvents, len(p.events))] {
			title := monthTitle(e.At)
			if n := len(s.Groups); n == 0 || s.Groups[n-1].Title != title {
				s.Groups = append(s.Groups, group{Title: title})
			}
			g := &s.Groups[len(s.Groups)-1]
			g.Events = append(g.Events, e)
		}
		sheets = append(sheets, s)
	}
	return chain("calendar", "Calendar", many(len(p.events), "entry", "entries")+", the latest first.", sheets)
}

// stamp says a moment to a person.
func stamp(t time.Time, zone *time.Location) string {
	return t.In(zone).Format(dayForm + ", " + timeForm)
}
