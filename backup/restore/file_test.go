package restore_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

func card(uid, name, tel string) string {
	return "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:" + uid + "\r\nFN:" + name + "\r\nTEL:" + tel + "\r\nEND:VCARD\r\n"
}

func event(uid, summary, start string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:" + start + "\r\nSUMMARY:" + summary + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// folk are three contacts: one as the server and the phone have it, one that was
// edited on the phone, one at the server alone.
func folk() []thing {
	return []thing{
		{ref: contacts, id: "a.vcf", text: card("a", "Ada", "1")},
		{ref: contacts, id: "b.vcf", text: card("b", "Bob", "2")},
		{ref: contacts, id: "c.vcf", text: card("c", "Cyd", "3")},
		{ref: phone, id: "a", text: strings.ReplaceAll(card("a", "Ada", "1"), "VERSION:3.0\r\n", "VERSION:3.0\r\nREV:2024\r\n")},
		{ref: phone, id: "b", text: card("b", "Bob", "2222")},
		{ref: photos, id: "Photos/sea.jpg", text: sea},
	}
}

func cards(t testing.TB, at string) map[string]string {
	t.Helper()
	f, err := os.Open(at)
	must(t, err)
	defer f.Close()
	got := map[string]string{}
	for c, err := range source.VCards(f) {
		must(t, err, c.Err)
		if got[c.UID] != "" {
			t.Errorf("%s has %s twice", at, c.UID)
		}
		got[c.UID] = string(c.Raw)
	}
	return got
}

func (w *copyWorld) file(name string) *restore.File {
	w.t.Helper()
	f, err := restore.NewFile(w.dir+"/home/"+name, restore.FolderOptions{})
	must(w.t, err)
	return f
}

func TestContactsToOneFileOnceEach(t *testing.T) {
	w := newCopy(t, folk()...)
	to := w.file("all.vcf")
	dry := w.restore(to, restore.Selection{}, restore.Options{DryRun: true})
	if len(tree(t, w.dir+"/home")) != 0 {
		t.Fatal("a dry run wrote")
	}
	r := w.restore(to, restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Complete || r.All.Written != 4 || r.All.Beside != 1 || r.All.Already != 1 || r.All.LeftOut != 1 || dry.All != r.All {
		t.Fatalf("%+v, foretold %+v", r.All, dry.All)
	}
	got := cards(t, to.Path())
	if len(got) != 4 || got["a"] != card("a", "Ada", "1") || got["b"] != card("b", "Bob", "2") {
		t.Errorf("%q", got)
	}
	before := tree(t, w.dir+"/home")
	r = w.restore(to, restore.Selection{}, restore.Options{})
	if r.All.Written != 0 || r.All.Already != 5 || len(tree(t, w.dir+"/home")) != len(before) {
		t.Errorf("the second time: %+v, %v", r.All, tree(t, w.dir+"/home"))
	}
}

func TestAFileThatIsThereStaysAndWhatItLacksGoesBeside(t *testing.T) {
	w := newCopy(t, folk()...)
	mine := card("a", "Ada", "1") + card("b", "Bob", "999") + card("z", "Zoe", "9")
	must(t, os.WriteFile(w.dir+"/home/all.vcf", []byte(mine), 0o600))
	for run := range 2 {
		r := w.restore(w.file("all.vcf"), restore.Selection{}, restore.Options{})
		if run == 0 && (r.All.Written != 3 || r.All.Beside != 2) || run == 1 && r.All.Already != 5 {
			t.Errorf("run %d: %+v", run, r.All)
		}
		got := tree(t, w.dir+"/home")
		if len(got) != 2 || got["all.vcf"] != mine {
			t.Errorf("run %d: %v", run, got)
		}
		if beside := cards(t, w.dir+"/home/all~2.vcf"); len(beside) != 3 || beside["c"] == "" || beside["b"] != "" {
			t.Errorf("run %d: %v", run, beside)
		}
	}
}

func TestAskingForWhatAFileCannotHoldIsPartial(t *testing.T) {
	w := newCopy(t, folk()...)
	r := w.restore(w.file("all.vcf"), restore.Selection{Datasets: []source.Dataset{source.Contacts, source.Photos}}, restore.Options{})
	if r.Outcome != restore.Partial || r.Sets[source.Photos].LeftOut != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAContactThatDoesNotParseIsNamed(t *testing.T) {
	w := newCopy(t, append(folk(), thing{ref: contacts, id: "bad.vcf", text: "no card at all"})...)
	r := w.restore(w.file("all.vcf"), restore.Selection{}, restore.Options{})
	if r.Outcome != restore.Partial || len(r.Failures) != 1 || r.Failures[0].Reason != restore.Malformed || r.Failures[0].ID != "bad.vcf" {
		t.Errorf("%+v", r.Failures)
	}
}

func TestCalendarsToOneFile(t *testing.T) {
	task := strings.ReplaceAll(event("t", "Buy milk", "20240601"), "VEVENT", "VTODO")
	w := newCopy(t,
		thing{ref: calendar, id: "e.ics", text: event("e", "Dinner with a very, very long name that must be folded by whoever writes it down", "20240501T190000Z")},
		thing{ref: calendar, id: "f.ics", text: event("f", "Party", "20190501T190000Z")},
		thing{ref: calendar, id: "t.ics", text: task})
	to := w.file("all.ics")
	r := w.restore(to, restore.Selection{}, restore.Options{})
	if r.All.Written != 3 || r.Outcome != restore.Complete {
		t.Fatalf("%+v", r)
	}
	text := tree(t, w.dir+"/home")["all.ics"]
	for _, want := range []string{"UID:e\r\n", "UID:t\r\n", "BEGIN:VTODO", "Party"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks in %s", want, text)
		}
	}
	if r = w.restore(to, restore.Selection{}, restore.Options{}); r.All.Already != 3 {
		t.Errorf("the second time: %+v", r.All)
	}
	// An event is dated by when it takes place, not by when it was written.
	r = w.restore(w.file("new.ics"), restore.Selection{Since: noon.AddDate(-1, 0, 0)}, restore.Options{DryRun: true})
	if r.All.Selected != 2 {
		t.Errorf("since last year: %+v", r.All)
	}
	if r = w.restore(w.file("new.ics"), restore.Selection{Search: "PARTY"}, restore.Options{DryRun: true}); r.All.Selected != 1 {
		t.Errorf("searched: %+v", r.All)
	}
}

func TestNotesThatWereKeptAsJournalsCanBeRead(t *testing.T) {
	memo := strings.ReplaceAll(event("m", "Recipe", "20240501"), "VEVENT", "VJOURNAL")
	memo = strings.Replace(memo, "SUMMARY", "DESCRIPTION:Eggs\\nand flour\r\nATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=cake.txt:Y2FrZQ==\r\nSUMMARY", 1)
	w := newCopy(t, thing{ref: memos, id: "m", text: memo}, thing{ref: notes, id: "Notes/list.md", text: "# list"})
	for range 2 {
		r := w.restore(w.folder(), restore.Selection{}, restore.Options{})
		got := tree(t, w.target()+"/notes")
		md := got["Notes (this device)/Recipe.md"]
		if r.Outcome != restore.Complete || len(got) != 4 || !strings.Contains(md, "Eggs\nand flour") || got["server/Notes/list.md"] != "# list" {
			t.Errorf("%+v\n%q", r.All, got)
		}
		for name, text := range got {
			if strings.HasSuffix(name, ".ics") && text != memo {
				t.Errorf("the master is %q", text)
			}
			if strings.Contains(name, "~files/") && text != "cake" {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
}

// TestACalendarTooLargeToCompareIsRefused: what it holds would be written again
// each time.
func TestACalendarTooLargeToCompareIsRefused(t *testing.T) {
	w := newCopy(t, folk()...)
	at := w.dir + "/home/all.ics"
	must(t, os.WriteFile(at, nil, 0o600), os.Truncate(at, source.MaxCalendar+1))
	_, err := restore.Run(t.Context(), w.reader(), w.file("all.ics"), restore.Selection{}, restore.Options{})
	var place *restore.PlaceError
	if !errors.As(err, &place) || len(tree(t, w.dir+"/home")) != 1 {
		t.Errorf("%v", err)
	}
}
