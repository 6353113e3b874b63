package tasks

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
)

// TestBeside: what lies beside the photos fills up no number that a person
// counted.
func TestBeside(t *testing.T) {
	given := func(d departure.Dataset) departure.Source { return departure.Source{Dataset: d, Given: true} }
	for _, c := range []struct {
		src  departure.Source
		name string
		want bool
	}{
		{given(departure.Photos), "a.JPG", false},
		{given(departure.Photos), "a.mp4", false},
		{given(departure.Photos), "a.jpg.json", true},
		{given(departure.Photos), "Thumbs.db", true},
		{given(departure.Notes), "a.md", false},
		{given(departure.Notes), "a.png", true},
		{given(departure.Files), "a.png", false},
		{departure.Source{Dataset: departure.Photos, Fate: departure.Stays}, "Thumbs.db", false},
	} {
		if got := beside(c.src, &source.Item{Name: c.name}); got != c.want {
			t.Errorf("%s among the %s: %v", c.name, c.src.Dataset, got)
		}
	}
}

// TestExportedTwice: contacts and events that two exports hold count once, in
// one folder and in two; twice in one export, they are two at the provider.
func TestExportedTwice(t *testing.T) {
	d := newDesk(t)
	card := func(uid, name string) string {
		if uid != "" {
			uid = "UID:" + uid + "\r\n"
		}
		return "BEGIN:VCARD\r\nVERSION:3.0\r\n" + uid + "FN:" + name + "\r\nEND:VCARD\r\n"
	}
	event := func(uid string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	one := d.folder("one", map[string]string{
		"contacts.vcf":     card("a", "Ada") + card("", "Bob") + card("", "Bob") + card("c", "Cid"),
		"contacts (1).vcf": card("a", "Ada L.") + card("", "Bob") + card("c", "Cid") + card("d", "Dan"),
	})
	two := d.folder("two", map[string]string{"contacts.vcf": card("a", "Ada") + card("e", "Eve")})
	dates := d.folder("dates", map[string]string{"a.ics": event("x") + event("y"), "b.ics": event("y")})
	d.declared(map[departure.Dataset]string{departure.Contacts: one, departure.Calendars: dates})
	g, err := d.InspectSource(t.Context(), departure.Contacts, two, d.job.Given)
	must(t, err)
	d.job.Given = append(d.job.Given, g)
	eventually(t, "all in the copy", func() bool { d.backup(); return d.look().Copy.Items == 13 })
	s, err := d.survey(t.Context(), d.job)
	must(t, err)
	defer func() { must(t, s.close(t.Context())) }()
	l, err := d.ledgerOf(d.job)
	must(t, err)
	for range 2 { // the same each time that they are listed
		n := map[departure.Dataset]int64{}
		for _, o := range s.origins {
			k, _ := d.list(t.Context(), s, o, l)
			n[o.src.Dataset] += k.Covered - k.Beside
		}
		// Ada, Bob and Bob, Cid, Dan, Eve.
		if n[departure.Contacts] != 6 || n[departure.Calendars] != 2 {
			t.Errorf("they count as %v", n)
		}
	}
}
