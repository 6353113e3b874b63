package viewer

import (
	"strings"
)

// maxSearch is how much text index.html holds for searching, bytes.
const maxSearch = 6 << 20

// hit is what searching can find: kind, title, more text, and where it is.
type hit [4]string

// searchable is the text of everything for searching, as far as it fits; the
// small kinds are first, as photos are found by their month as well.
func searchable(p *pages) (hits []hit, whole bool) {
	size := 0
	add := func(kind, title, more, href string) {
		if size += len(title) + len(more) + len(href) + 16; size <= maxSearch {
			hits = append(hits, hit{kind, title, more, href})
		}
	}
	for i := range p.contacts {
		c := &p.contacts[i]
		var more []string
		if c.Org != "" {
			more = append(more, c.Org)
		}
		for _, f := range c.Fields {
			more = append(more, f.Value)
		}
		add("Contact", cut(c.Name, 200), cut(strings.Join(more, " · "), 600), pageLink("contacts", i/pageContacts+1, c.ID))
	}
	for _, s := range p.noteSheets {
		for i := range s {
			n := &s[i]
			add("Note", n.Title, n.Words, pageLink("notes", n.page, n.ID))
		}
	}
	for i := range p.events {
		e := &p.events[i]
		add("Calendar", cut(e.Title, 200), cut(strings.Join([]string{e.When, e.Place, e.About}, " · "), 600), pageLink("calendar", i/pageEvents+1, e.ID))
	}
	for _, m := range p.months {
		for i := range m.Photos {
			ph := &m.Photos[i]
			add("Photo", ph.Name, ph.When, pageLink("photos", m.Page, ph.ID))
		}
	}
	return hits, size <= maxSearch
}
