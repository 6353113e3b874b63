package viewer_test

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/viewer"
)

var tags = regexp.MustCompile(`<[^>]*>`)

// words are what a page says, without its markup.
func words(page string) string {
	page = regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>`).ReplaceAllString(page, "")
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

func (c *copied) says(name string, wants ...string) {
	c.t.Helper()
	page := words(c.read(name))
	at := 0
	for _, want := range wants {
		i := strings.Index(page[at:], want)
		if i < 0 {
			c.t.Errorf("%s does not say %q after %q", name, want, page[max(0, at-60):at])
			continue
		}
		at += i + len(want)
	}
}

// TestFirstAnswers: when it was copied, how much, when it was read back, and what
// failed, before anything else.
func TestFirstAnswers(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	c.says("index.html", "Your copy of alice@example.org at Nextcloud", "3 photos and videos, 2 contacts, 2 notes and 3 calendar entries", "Last copied 24 November 2026, 12:00", "Last read back Not yet", "Could not be copied Nothing")

	read := noon.Add(time.Hour)
	c.write(func(o *viewer.Options) { o.Verified = viewer.Verified{At: read, Items: 12} })
	c.says("index.html", "Last read back 24 November 2026, 13:00 Every byte of 12 files was read from the disk, and is right.")
	c.write(func(o *viewer.Options) { o.Verified = viewer.Verified{At: read, Items: 10, Unread: 2} })
	c.says("index.html", "Last read back 2 files not yet 10 files were read back and right.")
	c.write(func(o *viewer.Options) { o.Verified = viewer.Verified{At: read, Items: 10, Wrong: 1} })
	c.says("index.html", "Last read back 1 file was not as they should be")

	c.fold(failures...)
	c.write()
	c.says("index.html", "Could not be copied 3 things", "What could not be copied", "It only stands for a file that is still in the cloud.", "What to do: Let the cloud", "only.jpg", "Search the copy", "Photos", "Contacts")
	c.says("index.html", "It could not be read. What to do: Open it where it is.", "2023/bad.jpg", "photo · input/output error")

	c.fold(bag.Failure{Key: source.Key{Ref: book, ID: "anna"}, Name: "Anna", Reason: string(ledger.NotParsed), Detail: "no END", At: noon})
	c.write()
	c.says("index.html", "Could not be copied Nothing 1 thing was copied, and may have been broken before.", "What was copied, and may be broken", "Anna contact · no END")
}

// TestMonths: a photo stands in the month that the camera noted, else its name
// says, else its file has; what belongs together is one photo.
func TestMonths(t *testing.T) {
	c := newCopy(t)
	other := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	c.put(file{photos, "exif.jpg", "", withEXIF(jpegOf(t, corners(64, 48)), exifData{taken: june}), other},
		file{photos, "IMG-20230205-WA0001.jpg", "", jpegOf(t, corners(65, 48)), other},
		file{photos, "PXL_20211224_235959123.jpg", "", jpegOf(t, corners(66, 48)), other},
		file{photos, "20991399_1234.png", "", unlike(t, 1), time.Date(2019, 8, 31, 23, 30, 0, 0, time.UTC)},
		file{photos, "old.png", "", unlike(t, 2), time.Unix(0, 0)},
		file{photos, "live.heic", "", heic, time.Date(2018, 5, 1, 0, 0, 0, 0, time.UTC)},
		file{photos, "live.mov", "", []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "), time.Date(2018, 5, 1, 0, 0, 0, 0, time.UTC)},
		file{photos, "again/exif.jpg", "", withEXIF(jpegOf(t, corners(64, 48)), exifData{taken: june}), other})
	east := time.FixedZone("east", 3600)
	if r := c.write(func(o *viewer.Options) { o.Zone = east }); r.Photos != 6 {
		t.Errorf("%+v, want 6 photos", r)
	}
	c.says("export/view/photos-1.html", "6 photos and videos", "June 2024", "February 2023", "December 2021", "September 2019", "May 2018", "HEIC", "live.heic", "+ MOV", "Without a date")
	c.says("index.html", "June 2024 1 photo", "February 2023", "Without a date 1 photo")
}

// TestPagesOfPhotos: a page has at most a thousand photos, and pages that are no
// longer led to go.
func TestPagesOfPhotos(t *testing.T) {
	c := newCopy(t)
	files := library(t, 1150)
	for i := range files {
		if i < 1050 {
			files[i].mod = june // one month that does not fit on a page
		}
	}
	c.put(files...)
	stale := filepath.Join(c.dir, "export/view/photos-9.html")
	r := c.write()
	if r.Pages != 2 || r.Photos != 1150 {
		t.Errorf("%+v", r)
	}
	tiles := func(name string) int { return strings.Count(c.read(name), `class="tile"`) }
	if a, b := tiles("export/view/photos-1.html"), tiles("export/view/photos-2.html"); a != 1000 || b != 150 {
		t.Errorf("%d and %d photos on the pages", a, b)
	}
	c.says("export/view/photos-1.html", "Photos 1,150 photos and videos, the newest first. Page 1 of 2.", "June 2024 1,050 photos", "Older photos")
	c.says("export/view/photos-2.html", "June 2024, continued", "Newer photos")
	for _, name := range []string{stale, filepath.Join(c.dir, "export/view/mine.html")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.write()
	if _, err := os.Stat(stale); err == nil {
		t.Error("a page that is not led to is still there")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "export/view/mine.html")); err != nil {
		t.Error("somebody else's file was removed")
	}
}

// TestContacts: the newest version of each, once, by name, with what is in it.
func TestContacts(t *testing.T) {
	c := newCopy(t)
	device := source.Ref{Account: book.Account, Dataset: source.Contacts, Source: "This device"}
	anna := card("FN:Ånna Weiß", "TEL;TYPE=cell:+49 30 23125 111", "ADR;TYPE=home:;;Lindenstraße 1;Berlin;;10115;", "NOTE:one\\ntwo")
	c.put(file{book, "anna", "", card("FN:Old name"), noon}, file{book, "only-n", "", card("N:Böhm;Jürgen;;;", "ORG:Harbour;Night shift"), noon})
	c.put(file{book, "anna", "", anna, noon}, file{device, "anna", "", anna, noon},
		file{book, "qp", "", []byte("BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Z=C3=B6e\r\nEND:VCARD\r\n"), noon},
		file{book, "none", "", card("EMAIL:who@example.org"), noon})
	c.write()
	c.says("export/view/contacts-1.html", "4 contacts.", "ÅW Ånna Weiß +49 30 23125 111", "Phone, cell", "Address, home Lindenstraße 1, Berlin, 10115", "Note one two", "From Personal",
		"Jürgen Böhm Harbour, Night shift", "who@example.org", "Zöe")
	if strings.Contains(c.read("export/view/contacts-1.html"), "Old name") {
		t.Error("an earlier version of a contact is shown")
	}
	c.says("index.html", "1 earlier version is kept")
}

// TestCalendar: when things are, as people say it.
func TestCalendar(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{[]string{"DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260304"}, "1 March 2026 – 3 March 2026"},
		{[]string{"DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"}, "Sun 1 X 1 March 2026 · Family"},
		{[]string{"DTSTART:20260301T100000Z", "DTEND:20260301T113000Z"}, "Sun 1 · 11:00 X 1 March 2026, 11:00–12:30 · Family"},
		{[]string{"DTSTART;TZID=Europe/Berlin:20260301T100000"}, "1 March 2026, 10:00 (Europe/Berlin)"},
		{[]string{"DTSTART;TZID=Europe/Berlin:20260301T230000", "DTEND;TZID=Europe/Berlin:20260302T010000"}, "1 March 2026, 23:00 – 2 March 2026, 01:00 (Europe/Berlin)"},
		{[]string{"DTSTART:20260301T100000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10", "LOCATION:Town hall"}, "every 2 weeks, 10 times · Town hall · Family"},
		{[]string{"DTSTART:20260301T100000Z", "RRULE:FREQ=YEARLY;UNTIL=20300101"}, "every year until 1 January 2030"},
		{[]string{"DTSTART:nonsense"}, "Without a date"},
		{[]string{`DESCRIPTION:One, two; three\, four\nfive`}, "Family One, two; three, four five"},
	} {
		c := newCopy(t)
		c.put(file{dates, "e", "", calendar(append(append([]string{"BEGIN:VEVENT", "UID:e", "SUMMARY:X"}, test.lines...), "END:VEVENT")...), noon})
		c.write(func(o *viewer.Options) { o.Zone = time.FixedZone("east", 3600) })
		c.says("export/view/calendar-1.html", "Calendar 1 entry", test.want)
	}
}

// TestVeryManyNotes: what they say is held as far as there is room, the newest
// first, and what is left out is said.
func TestVeryManyNotes(t *testing.T) {
	c := newCopy(t)
	var files []file
	for i := range 30 {
		files = append(files, file{memos, fmt.Sprintf("note %02d.txt", i), "", []byte(strings.Repeat(fmt.Sprintf("words%02d ", i), 100)), noon.Add(time.Duration(i) * time.Hour)})
	}
	c.put(files...)
	c.write(func(o *viewer.Options) { o.NoteText = 16_000 })
	page := c.read("export/view/notes-1.html")
	for _, want := range []string{"words29", "words20", "note 00", "20 of them, the oldest, stand here with their titles alone", "What it says is in its file."} {
		if !strings.Contains(page, want) {
			t.Errorf("the notes lack %q", want)
		}
	}
	if strings.Contains(page, "words00") || strings.Contains(c.read("index.html"), "words00") {
		t.Error("the oldest is shown whole")
	}
}

// TestNoHostIsLookedUp before somebody follows a link to it, nor told where from.
func TestNoHostIsLookedUp(t *testing.T) {
	c := newCopy(t)
	c.put(file{memos, "a.md", "", []byte("<https://auto.example/a> and [a link](https://link.example/b)"), noon})
	c.write()
	for _, name := range []string{"index.html", "export/view/notes-1.html"} {
		for _, want := range []string{`<meta http-equiv="x-dns-prefetch-control" content="off">`, `<meta name="referrer" content="no-referrer">`} {
			if !strings.Contains(c.read(name), want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
	}
	page := c.read("export/view/notes-1.html")
	if n := strings.Count(page, `rel="noopener noreferrer"`); n != 2 || !strings.Contains(page, "https://auto.example") || strings.Contains(page, "preconnect") {
		t.Errorf("%d of 2 links say nothing of where they stand", n)
	}
}

// TestNotes: Markdown is rendered, with the pictures beside it; memos and the notes
// of GNOME are text; a note that is too long for a page says so.
func TestNotes(t *testing.T) {
	c := newCopy(t)
	c.put(append(aLife(t), file{memos, "gnome.note", "", []byte(`<note><title>Bread</title><text><note-content>flour<div>water</div></note-content></text></note>`), noon},
		file{memos, "made.note", "made.note", []byte(`<note><title>Twice</title><text><note-content>yeast</note-content></text></note>`), noon},
		file{memos, "made.md", "made.md", []byte("# Twice\n\nyeast\n"), noon},
		file{memos, "long.txt", "", []byte(strings.Repeat("word ", 100_000)), june})...)
	c.write()
	page := c.read("export/view/notes-1.html")
	for _, want := range []string{
		"<strong>21:52</strong>", `<a href="https://example.org/plan" rel="noopener noreferrer">the plan</a>`, `<input checked="" disabled="" type="checkbox"`, `<td align="right">2</td>`,
		`<img src="../../data/notes/Notes/maps/krak%C3%B3w%201.png" alt="the map" loading="lazy"`, "<h2 dir=\"auto\">Night train</h2>", "milk\nbread", "flourwater", "It is longer than what is shown here",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the notes lack %q", want)
		}
	}
	for _, title := range []string{"Night train", "Twice"} {
		if n := strings.Count(page, title); n != 1 {
			t.Errorf("the title %q stands on the page %d times", title, n)
		}
	}
}

// TestSearchText: what is searched holds every kind, and leads to where it is.
func TestSearchText(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	index := c.read("index.html")
	for _, want := range []string{
		`["Contact","Anna Müller","Bäckerei, Backstube · +49 30 23125 111 · anna@example.org · 1980-02-29 · Has our spare key!","export/view/contacts-1.html#c1"]`,
		`["Note","Night train","Leaves at 21:52, see the plan. tickets pierogi a b 1 2 the map","export/view/notes-1.html#n1"]`,
		`"Calendar","Choir practice"`, `"export/view/photos-1.html#p1"`,
	} {
		if !strings.Contains(index, want) {
			t.Errorf("the text for searching lacks %s", want)
		}
	}
	ids := c.read("export/view/contacts-1.html") + c.read("export/view/notes-1.html") + c.read("export/view/photos-1.html")
	for _, id := range []string{"c1", "n1", "p1"} {
		if !strings.Contains(ids, fmt.Sprintf(`id=%q`, id)) {
			t.Errorf("nothing is called %s", id)
		}
	}
}
