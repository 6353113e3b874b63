package stores

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // databases as Thunderbird makes them

	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

// The tables as Thunderbird 153 makes them, in the mode in which it keeps them.
const (
	bookTables = `PRAGMA journal_mode=WAL;
CREATE TABLE properties (card TEXT, name TEXT, value TEXT);
CREATE TABLE lists (uid TEXT PRIMARY KEY, name TEXT, nickName TEXT, description TEXT);
CREATE TABLE list_cards (list TEXT, card TEXT, PRIMARY KEY(list, card));
PRAGMA user_version=4`
	calendarTables = `PRAGMA journal_mode=WAL;
CREATE TABLE cal_calendar_schema_version (version INTEGER);
CREATE TABLE cal_attendees (item_id TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, cal_id TEXT, icalString TEXT);
CREATE TABLE cal_recurrence (item_id TEXT, cal_id TEXT, icalString TEXT);
CREATE TABLE cal_properties (item_id TEXT, key TEXT, value BLOB, recurrence_id INTEGER, recurrence_id_tz TEXT, cal_id TEXT);
CREATE TABLE cal_events (cal_id TEXT, id TEXT, time_created INTEGER, last_modified INTEGER, title TEXT, priority INTEGER, privacy TEXT, ical_status TEXT, flags INTEGER,
 event_start INTEGER, event_end INTEGER, event_stamp INTEGER, event_start_tz TEXT, event_end_tz TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, alarm_last_ack INTEGER, offline_journal INTEGER);
CREATE TABLE cal_todos (cal_id TEXT, id TEXT, time_created INTEGER, last_modified INTEGER, title TEXT, priority INTEGER, privacy TEXT, ical_status TEXT, flags INTEGER,
 todo_entry INTEGER, todo_due INTEGER, todo_completed INTEGER, todo_complete INTEGER, todo_entry_tz TEXT, todo_due_tz TEXT, todo_completed_tz TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, alarm_last_ack INTEGER, todo_stamp INTEGER, offline_journal INTEGER);
CREATE TABLE cal_metadata (cal_id TEXT, item_id TEXT, value BLOB);
CREATE TABLE cal_alarms (cal_id TEXT, item_id TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, icalString TEXT);
CREATE TABLE cal_relations (cal_id TEXT, item_id TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, icalString TEXT);
CREATE TABLE cal_attachments (item_id TEXT, cal_id TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, icalString TEXT);
CREATE TABLE cal_parameters (cal_id TEXT, item_id TEXT, recurrence_id INTEGER, recurrence_id_tz TEXT, key1 TEXT, key2 TEXT, value BLOB)`
)

const ini = "[Profile0]\nName=default\nIsRelative=1\nPath=x.default\n"

// makeProfile makes a profile and gives its folder.
func makeProfile(t *testing.T, home, prefs string) string {
	t.Helper()
	datasettest.Write(t, filepath.Join(home, ".thunderbird/profiles.ini"), ini)
	at := filepath.Join(home, ".thunderbird/x.default")
	datasettest.Write(t, filepath.Join(at, "prefs.js"), "// Mozilla User Preferences\n\n"+prefs)
	return at
}

// database makes a database with its tables, unless it is there.
func database(t *testing.T, at, tables string) {
	t.Helper()
	if _, err := os.Lstat(at); err != nil {
		datasettest.Database(t, at, tables)
	}
}

func books(vcards bool) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, ".thunderbird/x.default/abook.sqlite")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				makeProfile(t, home, "")
				database(t, at, bookTables)
				for _, it := range items {
					datasettest.Database(t, at, "DELETE FROM properties WHERE card=?", it.ID)
					datasettest.Database(t, at, "INSERT INTO properties VALUES (?, 'DisplayName', ?), (?, 'PhotoName', '')", it.ID, it.Title, it.ID)
					if vcards {
						card := "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:" + it.ID + "\r\nFN:" + strings.NewReplacer("\n", " ", "\u0001", "").Replace(it.Title) + "\r\nNOTE:" + it.Body + "\r\nEND:VCARD\r\n"
						datasettest.Database(t, at, "INSERT INTO properties VALUES (?, '_vCard', ?)", it.ID, card)
					} else {
						datasettest.Database(t, at, "INSERT INTO properties VALUES (?, 'Notes', ?)", it.ID, it.Body)
					}
				}
			},
			Damage: func(t *testing.T) { datasettest.Write(t, at, "no database") },
			Spoil: func(t *testing.T, id string) string {
				datasettest.Database(t, at, "UPDATE properties SET value='gone.jpg' WHERE card=? AND name='PhotoName'", id)
				return id + "#photo"
			},
		}
	}
}

func TestContractContacts(t *testing.T) {
	datasettest.Contacts(t, "thunderbird", books(true))
	datasettest.Contacts(t, "thunderbird-78", books(false))
}

func TestContractCalendars(t *testing.T) {
	datasettest.Calendars(t, "thunderbird", func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, ".thunderbird/x.default/calendar-data/local.sqlite")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				makeProfile(t, home, `user_pref("calendar.registry.c1.type", "storage");`+"\n"+`user_pref("calendar.registry.c1.name", "Home");`+"\n")
				database(t, at, calendarTables)
				for _, it := range items {
					datasettest.Database(t, at, "DELETE FROM cal_events WHERE id=?", it.ID)
					datasettest.Database(t, at, "DELETE FROM cal_properties WHERE item_id=?", it.ID)
					datasettest.Database(t, at, "INSERT INTO cal_events (cal_id, id, title, flags, event_start, event_start_tz, event_end, event_end_tz) VALUES ('c1', ?, ?, 4, 1704099600000000, 'Europe/Warsaw', 1704103200000000, 'Europe/Warsaw')", it.ID, it.Title)
					datasettest.Database(t, at, "INSERT INTO cal_properties (item_id, key, value, cal_id) VALUES (?, 'DESCRIPTION', ?, 'c1')", it.ID, it.Body)
				}
			},
			Damage: func(t *testing.T) { datasettest.Write(t, at, "no database") },
		}
	})
}

func pref(name, value string) string { return fmt.Sprintf("user_pref(%q, %q);\n", name, value) }
