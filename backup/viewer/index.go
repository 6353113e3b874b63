package viewer

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/backup/source"
)

const photosOf = source.Photos

// How much of each kind index.html shows.
const (
	firstContacts = 12
	firstNotes    = 6
	firstEvents   = 6
	maxMonths     = 600
)

// front is index.html.
type front struct {
	Title, Holds string
	Facts        []fact
	Troubles     []trouble
	TroubleTitle string
	TroubleMore  string
	Months       []monthCard
	Photos       string
	People       []contact
	Contacts     string
	Notes        []note
	NoteCount    string
	Events       []event
	EventCount   string
	Foot         []string
	Entries      []hit
	SearchPart   string
}

// fact is one of the things that a person asks first.
type fact struct{ Mark, Name, Big, More string }

type monthCard struct {
	Name, Href string
	Count      int
	Cover      photo
}

func (p *pages) index() *front {
	w := p.w
	f := &front{Title: "Your copy", Photos: many(p.photos, "photo", "photos"), Contacts: many(len(p.contacts), "contact", "contacts"),
		NoteCount: many(p.notes, "note", "notes"), EventCount: many(len(p.events), "entry", "entries")}
	if w.o.Account != "" {
		f.Title = "Your copy of " + w.o.Account
	}
	f.Holds = p.holds()
	f.Facts = []fact{w.copied(), w.readBack(), w.failedFact()}
	f.Troubles = troubles(w.held.failures)
	f.TroubleTitle = "What could not be copied"
	if w.held.failed == 0 {
		f.TroubleTitle = "What was copied, and may be broken"
	}
	if more := w.held.failed + w.held.odd - len(w.held.failures); more > 0 {
		f.TroubleMore = "And " + number(more) + " more, in failures.jsonl."
	}
	f.Months = p.monthCards()
	f.People = p.contacts[:min(len(p.contacts), firstContacts, pageContacts)]
	if len(p.noteSheets) > 0 {
		f.Notes = p.noteSheets[0][:min(len(p.noteSheets[0]), firstNotes)]
	}
	f.Events = p.soon()
	var whole bool
	if f.Entries, whole = searchable(p); !whole {
		f.SearchPart = "There is more in the copy than can be searched here: it finds " + number(len(f.Entries)) + " things."
	}
	f.Foot = w.foot()
	return f
}

// holds says what is in the copy, counted as a person counts.
func (p *pages) holds() string {
	var words []string
	var size int64
	for _, d := range []struct {
		of        source.Dataset
		n         int
		one, many string
	}{
		{source.Photos, p.photos, "photo or video", "photos and videos"}, {source.Contacts, len(p.contacts), "contact", "contacts"},
		{source.Notes, p.notes, "note", "notes"}, {source.Calendars, len(p.events), "calendar entry", "calendar entries"},
		{source.Files, p.w.held.count[source.Files], "other file", "other files"},
	} {
		if d.n > 0 {
			words = append(words, many(d.n, d.one, d.many))
		}
		size += p.w.held.bytes[d.of]
	}
	if len(words) == 0 {
		return "There is nothing in it yet."
	}
	return list(words) + ". " + humanize.Bytes(uint64(max(0, size))) + " in all, each file as it was."
}

func (w *writer) copied() fact {
	f := fact{Name: "Last copied", Big: "Never", More: "Nothing is in this copy.", Mark: "bad"}
	if !w.held.newest.IsZero() {
		f = fact{Name: f.Name, Big: stamp(w.held.newest, w.o.Zone), More: "That is when the newest thing in it arrived."}
	}
	return f
}

func (w *writer) readBack() fact {
	v := w.o.Verified
	f := fact{Name: "Last read back"}
	switch {
	case v.Wrong > 0:
		f.Mark, f.Big = "bad", many(v.Wrong, "file was", "files were")+" not as they should be"
		f.More = "They were damaged or gone at " + stamp(v.At, w.o.Zone) + ". Make the copy again while the account still has them."
		if v.At.IsZero() {
			f.More = "They are damaged or gone. Make the copy again while the account still has them."
		}
	case v.Items == 0:
		f.Mark, f.Big, f.More = "warn", "Not yet", "Until it was read back, nobody knows whether the disk kept it."
	case v.Unread > 0:
		f.Mark, f.Big = "warn", many(v.Unread, "file", "files")+" not yet"
		f.More = many(v.Items, "file was", "files were") + " read back and right."
	default:
		f.Big = stamp(v.At, w.o.Zone)
		f.More = "Every byte of " + many(v.Items, "file", "files") + " was read from the disk, and is right."
	}
	return f
}

func (w *writer) failedFact() fact {
	if w.held.failed == 0 && w.held.odd > 0 {
		return fact{Mark: "warn", Name: "Could not be copied", Big: "Nothing",
			More: many(w.held.odd, "thing was", "things were") + " copied, and may have been broken before. See below."}
	}
	if w.held.failed == 0 {
		return fact{Name: "Could not be copied", Big: "Nothing", More: "No failure is listed."}
	}
	return fact{Mark: "bad", Name: "Could not be copied", Big: many(w.held.failed, "thing", "things"),
		More: "They stand below, with what to do. Deleting the account loses what is only there."}
}

// monthCards are the months, each with a photo that stands for it.
func (p *pages) monthCards() (cards []monthCard) {
	for i := range p.months {
		m := &p.months[i]
		if m.Part == 1 && len(cards) < maxMonths {
			cards = append(cards, monthCard{Name: m.Title, Href: pageLink("photos", m.Page, m.ID), Count: m.Count, Cover: m.cover()})
		}
	}
	return cards
}

// soon are the next entries of the calendar, or the last where nothing comes.
func (p *pages) soon() []event {
	now := wall(p.w.began.In(p.w.o.Zone))
	next := len(p.events)
	for i, e := range p.events {
		if now == nil || e.At.Before(*now) {
			next = i
			break
		}
	}
	start := max(0, next-firstEvents)
	some := append([]event(nil), p.events[start:min(start+firstEvents, len(p.events))]...)
	for i := range some {
		some[i].ID = ""
		some[i].About = ""
		if !some[i].At.IsZero() {
			some[i].Day = some[i].At.Format("2 Jan 2006")
		}
		some[i].Time = ""
	}
	return some
}

// foot says what is not shown, and what this page is.
func (w *writer) foot() []string {
	lines := []string{"This page was written on " + stamp(w.began, w.o.Zone) + " from the files in this folder. What happened later is not on it. It works from disk and asks nothing of the network."}
	if n := w.held.count[source.Files]; n > 0 {
		lines = append(lines, fmt.Sprintf("%s (%s) in the folder data/files.", many(n, "other file is", "other files are"), humanize.Bytes(uint64(max(0, w.held.bytes[source.Files])))))
	}
	if w.strangers > 0 {
		lines = append(lines, many(w.strangers, "other file lies", "other files lie")+" among the photos, in the folder data/photos.")
	}
	if w.held.older > 0 {
		lines = append(lines, many(w.held.older, "earlier version is", "earlier versions are")+" kept beside the newest, in the same folders, as “name~2”.")
	}
	if w.report.Waiting > 0 {
		why := ""
		if w.report.NoRoom {
			why = " The disk is too full to make them."
		}
		lines = append(lines, many(w.report.Waiting, "photo has", "photos have")+" no sharp preview yet. The photos themselves are whole."+why)
	}
	if w.report.Unread > 0 {
		lines = append(lines, many(w.report.Unread, "file", "files")+" of the copy could not be read for this page. Read the copy back to see what is wrong.")
	}
	return append(lines, "The pages and small pictures in index.html and export are made from the copy and can be thrown away; the copy itself is the folder data.")
}
