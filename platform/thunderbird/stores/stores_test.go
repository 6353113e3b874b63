package stores

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
)

// find gives the stores of a home by name.
func find(t *testing.T, home string) map[string]dataset.Store {
	t.Helper()
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]dataset.Store)
	for _, s := range stores {
		found[s.Name] = s
	}
	return found
}

// contents gives a store's items by id, and the names of those that fail.
func contents(t *testing.T, s dataset.Store) (items map[string]string, failed []string) {
	t.Helper()
	items = make(map[string]string)
	for it, err := range s.List(t.Context(), source.Ref{Source: string(s.ID)}, nil) {
		var f *source.Failed
		if errors.As(err, &f) {
			failed = append(failed, it.ID)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := it.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		items[it.ID] = string(raw)
	}
	return items, failed
}

// lines are the lines of a text, unfolded.
func lines(s string) []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n ", ""), "\r\n", "\n")), "\n")
}

func wantLines(t *testing.T, text string, want ...string) {
	t.Helper()
	have := make(map[string]bool)
	for _, l := range lines(text) {
		have[l] = true
	}
	for _, w := range want {
		if !have[w] {
			t.Errorf("the line %q is missing in\n%s", w, text)
		}
	}
}

// TestWhoseBooks: each book of each profile, with the account that it is kept in
// step with; one that an old version made says so.
func TestWhoseBooks(t *testing.T) {
	home := t.TempDir()
	at := makeProfile(t, home, pref("ldap_2.servers.Work.filename", "abook-1.sqlite")+pref("ldap_2.servers.Work.description", "Work \u00e6")+
		`user_pref("ldap_2.servers.Work.dirType", 102);`+"\n"+pref("ldap_2.servers.Work.carddav.url", "https://Cloud.example/dav/book/")+pref("ldap_2.servers.Work.carddav.username", "alice")+
		pref("ldap_2.servers.evil.filename", "../../outside.sqlite"))
	for _, name := range []string{"abook.sqlite", "history.sqlite", "abook-1.sqlite", "abook.v3.sqlite", "abook.mab", "abook-2.mab", "cookies.sqlite"} {
		database(t, filepath.Join(at, name), bookTables)
	}
	app := filepath.Join(home, ".var/app/org.mozilla.Thunderbird")
	makeProfile(t, app, "")
	database(t, filepath.Join(app, ".thunderbird/x.default/abook.sqlite"), bookTables)
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range stores {
		got += fmt.Sprintf("%s: %s, %s@%s %v %v\n", s.ID, s.Name, s.Who.User, s.Who.Host, s.Goes, s.Why.Text != "")
	}
	want := `thunderbird::x.default/abook-1.sqlite: Work æ (Thunderbird), alice@cloud.example true false
thunderbird::x.default/abook-2.mab: abook-2.mab (Thunderbird), @ false true
thunderbird::x.default/abook.sqlite: Personal Address Book (Thunderbird), @ false false
thunderbird::x.default/history.sqlite: Collected Addresses (Thunderbird), @ false false
thunderbird:org.mozilla.Thunderbird:x.default/abook.sqlite: Personal Address Book (Thunderbird), @ false false
`
	if got != want {
		t.Errorf("found\n%swant\n%s", got, want)
	}
}

// TestCards: what a card says is kept, with its photo, and lists are groups.
func TestCards(t *testing.T) {
	home := t.TempDir()
	at := makeProfile(t, home, "")
	db := filepath.Join(at, "abook.sqlite")
	database(t, db, bookTables)
	jpeg := "\xff\xd8\xff\xe0photo"
	datasettest.Write(t, filepath.Join(at, "Photos/a b.jpg"), jpeg)
	for name, value := range map[string]any{"DisplayName": "Ann; \"A\"", "LastName": "Lee", "FirstName": "Ann", "PrimaryEmail": "ann@example.org", "WorkPhone": "+1", "HomeCity": "Łódź",
		"BirthMonth": "3", "BirthDay": "9", "Company": "Org", "SpouseName": "Bob", "PopularityIndex": "7", "PhotoName": "a b.jpg", "Notes": "one\ntwo"} {
		datasettest.Database(t, db, "INSERT INTO properties VALUES ('u1', ?, ?)", name, value)
	}
	own := "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u2\r\nFN:Two\r\nX-OWN:1\r\nEND:VCARD\r\n"
	datasettest.Database(t, db, "INSERT INTO properties VALUES ('u2', '_vCard', ?), ('u2', 'DisplayName', 'Two'), ('u3', 'PhotoName', '../prefs.js'), ('u3', 'DisplayName', 'Three')", own)
	datasettest.Database(t, db, "INSERT INTO lists VALUES ('l1', 'Friends', 'fr', 'of mine')")
	datasettest.Database(t, db, "INSERT INTO list_cards VALUES ('l1', 'u2'), ('l1', 'u1')")
	items, failed := contents(t, find(t, home)["Personal Address Book (Thunderbird)"])
	wantLines(t, items["u1"], "VERSION:4.0", "UID:u1", `FN:Ann\; "A"`, "N:Lee;Ann;;;", "EMAIL;PREF=1:ann@example.org", "TEL;TYPE=work:+1", "ADR;TYPE=home:;;;Łódź;;;", "BDAY:--0309",
		"ORG:Org;", "X-MOZILLA-SPOUSENAME:Bob", `NOTE:one\ntwo`, "PHOTO:data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString([]byte(jpeg)))
	if items["u2"] != own {
		t.Errorf("a card that is a vCard changed: %q", items["u2"])
	}
	wantLines(t, items["list:l1"], "KIND:group", "FN:Friends", "NICKNAME:fr", "NOTE:of mine", "MEMBER:urn:uuid:u1", "MEMBER:urn:uuid:u2")
	wantLines(t, items["u3"], "FN:Three")
	if len(items) != 4 || len(failed) != 1 || failed[0] != "u3#photo" {
		t.Errorf("%d items, failed: %v", len(items), failed)
	}
	for id, raw := range items {
		if card := source.ParseVCard([]byte(raw)); card.Err != nil {
			t.Errorf("%s: %v\n%s", id, card.Err, raw)
		}
	}
}

// TestEvents: days, zones, recurrences with what differs, and what stands in the
// tables beside; of a server's calendar only what it was not told.
func TestEvents(t *testing.T) {
	home := t.TempDir()
	at := makeProfile(t, home, pref("calendar.registry.c1.type", "storage")+pref("calendar.registry.c1.name", "Home")+
		pref("calendar.registry.c2.type", "caldav")+pref("calendar.registry.c2.name", "Work")+pref("calendar.registry.c2.uri", "https://cloud.example/dav/cal/")+pref("calendar.registry.c2.username", "alice")+
		pref("calendar.registry.c3.type", "ics"))
	db := filepath.Join(at, "calendar-data/local.sqlite")
	database(t, db, calendarTables)
	do := func(db, statement string, args ...any) {
		t.Helper()
		datasettest.Database(t, db, statement, args...)
	}
	const event = "INSERT INTO cal_events (cal_id, id, title, flags, event_start, event_start_tz, event_end, event_end_tz, time_created, last_modified, recurrence_id, recurrence_id_tz, offline_journal) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
	const hour = int64(3600e6)
	start := int64(1719820800e6) // 2024-07-01T08:00:00Z
	do(db, event, "c1", "e1", "Stand; up", 16+32, start, "Europe/Warsaw", start+hour, "BEGIN:VTIMEZONE\r\nTZID:/mozilla.org/20070129_1/Europe/Warsaw\r\nEND:VTIMEZONE\r\n", start, start, nil, nil, nil)
	do(db, event, "c1", "e1", "Moved", 0, start+26*hour, "UTC", start+27*hour, "Nowhere/Land", start, start, start+24*hour, "Europe/Warsaw", nil)
	do(db, event, "c1", "e2", "Day", 8, int64(1719792000e6), "floating", int64(1719878400e6), "floating", start, start, nil, nil, nil)
	do(db, "INSERT INTO cal_recurrence VALUES ('e1','c1',?), ('e1','c1','EXDATE:20240705T080000Z')", "RRULE:FREQ=DAILY;\r\n COUNT=9\r\n")
	do(db, "INSERT INTO cal_properties VALUES ('e1','DESCRIPTION',?,NULL,NULL,'c1'), ('e1','CATEGORIES','A,B',NULL,NULL,'c1'), ('e1','X-MOZ-SEND','1',NULL,NULL,'c1'), ('e1','X-WHEN',?,NULL,NULL,'c1'), ('e1','LOCATION','Room',?,'Europe/Warsaw','c1')", "a\nb", start, start+24*hour)
	do(db, "INSERT INTO cal_parameters VALUES ('c1','e1',NULL,NULL,'DESCRIPTION','ALTREP','data:\"x\"')")
	do(db, "INSERT INTO cal_attendees VALUES ('e1',NULL,NULL,'c1',?)", "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mail\r\n to:bob@example.org\r\n")
	do(db, "INSERT INTO cal_alarms VALUES ('c1','e1',NULL,NULL,?)", "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:x\r\nEND:VALARM\r\n")
	do(db, "INSERT INTO cal_attachments VALUES ('e2','c1',NULL,NULL,'broken')")
	do(db, "INSERT INTO cal_todos (cal_id, id, title, priority, ical_status, todo_due, todo_due_tz, todo_complete, todo_completed, todo_completed_tz) VALUES ('c1','t1','Buy',1,'COMPLETED',?,'America/New_York',100,?,'UTC')", start, start)
	do(db, event, "other", "e9", "Of another", 0, start, "UTC", start, "UTC", nil, nil, nil, nil, nil)

	stores := find(t, home)
	items, failed := contents(t, stores["Home (Thunderbird)"])
	if len(items) != 3 || len(failed) != 0 {
		t.Fatalf("%d items, failed %v", len(items), failed)
	}
	wantLines(t, items["c1/e1"], `SUMMARY:Stand\; up`, "DTSTART;TZID=Europe/Warsaw:20240701T100000", "DTEND;TZID=Europe/Warsaw:20240701T110000", "RRULE:FREQ=DAILY;COUNT=9", "EXDATE:20240705T080000Z",
		`DESCRIPTION;ALTREP="data:x":a\nb`, "CATEGORIES:A,B", "X-WHEN:20240701T080000Z", "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.org", "BEGIN:VALARM", "TRIGGER:-PT15M",
		"SUMMARY:Moved", "RECURRENCE-ID;TZID=Europe/Warsaw:20240702T100000", "DTSTART:20240702T100000Z", "DTEND:20240702T110000Z", "LOCATION:Room")
	wantLines(t, items["c1/e2"], "DTSTART;VALUE=DATE:20240701", "DTEND;VALUE=DATE:20240702", "X-THUNDERBIRD-STORED:broken")
	wantLines(t, items["c1/t1"], "BEGIN:VTODO", "DUE;TZID=America/New_York:20240701T040000", "PRIORITY:1", "STATUS:COMPLETED", "PERCENT-COMPLETE:100", "COMPLETED:20240701T080000Z")
	for id, raw := range items {
		objects, err := source.SplitCalendar([]byte(raw))
		if err != nil || len(objects) != 1 || objects[0].Err != nil {
			t.Errorf("%s: %v %+v", id, err, objects)
		}
	}

	if _, there := stores["unsent changes to Work (Thunderbird)"]; there || len(stores) != 1 {
		t.Errorf("without a cache there is %v", stores)
	}
	cache := filepath.Join(at, "calendar-data/cache.sqlite")
	database(t, cache, calendarTables)
	do(cache, event, "c2", "sent", "Sent", 0, start, "UTC", start, "UTC", nil, nil, nil, nil, nil)
	do(cache, event, "c2", "new", "New", 0, start, "UTC", start, "UTC", nil, nil, nil, nil, 1)
	do(cache, event, "c2", "gone", "Gone", 0, start, "UTC", start, "UTC", nil, nil, nil, nil, 4)
	s := find(t, home)["unsent changes to Work (Thunderbird)"]
	if items, _ := contents(t, s); len(items) != 1 || items["c2/new"] == "" || s.Who.Identity() != "alice@cloud.example" || !s.Goes {
		t.Errorf("unsent are %v of %v", items, s.Who)
	}
}

// TestWhileThunderbirdRuns: it keeps its databases to itself, and the person is
// told to close it.
func TestWhileThunderbirdRuns(t *testing.T) {
	home := t.TempDir()
	at := filepath.Join(makeProfile(t, home, ""), "abook.sqlite")
	database(t, at, bookTables)
	db, err := sql.Open("sqlite3", at+"?_locking_mode=EXCLUSIVE")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("INSERT INTO properties VALUES ('a', 'DisplayName', 'A')"); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, err := range find(t, home)["Personal Address Book (Thunderbird)"].List(t.Context(), source.Ref{}, nil) {
		var incomplete *source.Incomplete
		if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), "close Thunderbird") {
			t.Errorf("told: %v", err)
		}
		told++
	}
	if told != 1 {
		t.Errorf("it was told %d times", told)
	}
}

// TestSettingsThatAreNotUnderstood: nobody knows which books there are.
func TestSettingsThatAreNotUnderstood(t *testing.T) {
	home := t.TempDir()
	makeProfile(t, home, `user_pref("a", );`)
	if _, err := New(dirs(home)).Find(t.Context()); err == nil {
		t.Error("no error")
	}
	if err := os.RemoveAll(filepath.Join(home, ".thunderbird/x.default")); err != nil {
		t.Fatal(err)
	}
	if stores, err := New(dirs(home)).Find(t.Context()); err != nil || len(stores) != 0 {
		t.Errorf("a profile that was removed: %v %v", stores, err)
	}
}

func FuzzObject(f *testing.F) {
	f.Add("Europe/Warsaw", "DESCRIPTION", "a\nb", "RRULE:FREQ=DAILY", "BEGIN:VALARM\nTRIGGER:P1D\nEND:VALARM", int64(1e15), int64(8))
	f.Fuzz(func(t *testing.T, zone, name, text, line, alarm string, when, flags int64) {
		p := &part{event: true, row: map[string]value{"event_start": {number: when, is: isNumber}, "event_start_tz": {text: zone, is: isText}, "flags": {number: flags, is: isNumber}, "title": {text: text, is: isText}},
			lines: []property{{name: name, value: value{text: text, is: isText}, params: []param{{name, text}}}}, strings: []string{line}, alarms: []string{alarm}}
		o := &object{cal: "c", id: "id", parts: []*part{p}}
		raw := string(o.ics())
		if !strings.HasPrefix(raw, "BEGIN:VCALENDAR\r\n") || !strings.HasSuffix(raw, "END:VEVENT\r\nEND:VCALENDAR\r\n") {
			t.Errorf("it is no calendar: %q", raw)
		}
		begins, ends := 0, 0
		for _, l := range lines(raw) {
			if strings.HasPrefix(l, "BEGIN:") {
				begins++
			} else if strings.HasPrefix(l, "END:") {
				ends++
			}
		}
		if begins != ends || begins > 3 {
			t.Errorf("its parts are not whole: %q", raw)
		}
		if card := made(text, map[string]string{name: text, "Notes": line}); !strings.HasSuffix(string(card), "END:VCARD\r\n") {
			t.Errorf("it is no card: %q", card)
		}
	})
}
