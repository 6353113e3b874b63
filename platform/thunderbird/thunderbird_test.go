package thunderbird

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/mozilla"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) { sessiontest.Main(m) }

// full are settings as Thunderbird writes them.
const full = `// Mozilla User Preferences
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.server.server1.type", "imap");
user_pref("mail.server.server1.hostname", "imap.gmail.com");
user_pref("mail.server.server1.userName", "alice@gmail.com");
user_pref("mail.server.server1.name", "alice@gmail.com");
user_pref("mail.server.server2.type", "none");
user_pref("mail.server.server2.hostname", "Local Folders");
user_pref("mail.server.server3.type", "rss");
user_pref("mail.server.server3.hostname", "Feeds");
user_pref("mail.server.server4.type", "pop3");
user_pref("mail.server.server4.hostname", "old.example");
user_pref("mail.server.server4.realhostname", "pop.example");
user_pref("mail.server.server4.userName", "bob");
user_pref("mail.server.default.check_all", true);
user_pref("mail.smtpserver.smtp1.hostname", "smtp.gmail.com");
user_pref("mail.smtpserver.smtp1.username", "alice@gmail.com");
user_pref("ldap_2.servers.Kontakte.carddav.url", "https://cloud.example/remote.php/dav/addressbooks/users/alice/contacts/");
user_pref("ldap_2.servers.Kontakte.carddav.username", "alice");
user_pref("ldap_2.servers.Kontakte.description", "Kontakte");
user_pref("ldap_2.servers.Kontakte.filename", "abook-1.sqlite");
user_pref("ldap_2.servers.Kontakte.dirType", 102);
user_pref("ldap_2.servers.pab.description", "Personal Address Book");
user_pref("calendar.registry.aaa.type", "caldav");
user_pref("calendar.registry.aaa.name", "Work");
user_pref("calendar.registry.aaa.uri", "https://cloud.example/remote.php/dav/calendars/alice/work/");
user_pref("calendar.registry.bbb.type", "storage");
user_pref("calendar.registry.bbb.uri", "moz-storage-calendar://");
user_pref("calendar.registry.ccc.type", "caldav");
user_pref("calendar.registry.ccc.name", "Google");
user_pref("calendar.registry.ccc.uri", "https://apidata.googleusercontent.com/caldav/v2/alice%40gmail.com/events/");
user_pref("calendar.registry.ddd.type", "ics");
user_pref("calendar.registry.ddd.uri", "https://holidays.example/de.ics");
`

func TestParts(t *testing.T) {
	prefs, err := mozilla.ParsePrefs(full)
	if err != nil {
		t.Fatal(err)
	}
	all, err := parts(prefs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range accounts(mozilla.Profile{Path: "/home/me/.thunderbird/x"}, all) {
		for _, p := range a.parts {
			got = append(got, fmt.Sprintf("%s %s %s: %s %s", a.who.Type, a.who.User, a.who.Host, p.what, p.name))
		}
	}
	want := []string{
		"carddav alice cloud.example: address book Kontakte", "carddav alice cloud.example: calendar Work",
		"caldav alice@gmail.com apidata.googleusercontent.com: calendar Google",
		"pop bob pop.example: mail account ", "imap alice@gmail.com imap.gmail.com: mail account alice@gmail.com",
		"smtp alice@gmail.com smtp.gmail.com: outgoing mail server ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDavWho(t *testing.T) {
	for address, want := range map[string]string{
		"https://cloud.example/remote.php/dav/calendars/alice/personal/":     "alice@cloud.example",
		"https://cloud.example/dav/addressbooks/users/al%20ice/x":            "al ice@cloud.example",
		"https://alice:secret@cloud.example/":                                "alice@cloud.example",
		"https://www.googleapis.com/carddav/v1/principals/a%40b.c/lists/def": "a@b.c@www.googleapis.com",
		"https://dav.example/caldav/KAL/":                                    "@dav.example",
		"googleapi://3f/?calendar=x":                                         "@googleapis.com",
		"https://cloud.example/remote.php/dav/calendars/":                    "@cloud.example",
		"nothing": "",
	} {
		w := DAVWho("caldav", address, "")
		got := w.User + "@" + w.Host
		if w.Host == "" {
			got = w.User
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// desk is a home with one profile.
type desk struct {
	t       *testing.T
	place   *Place
	profile string
}

func start(t *testing.T) *desk {
	home := t.TempDir()
	d := &desk{t: t, place: New(xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")}), profile: filepath.Join(home, ".thunderbird", "x.default")}
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	at := filepath.Join(d.profile, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) remove(name string) {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.profile, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
}

// database makes a database with the real SQLite.
func (d *desk) database(name, sql string) {
	d.t.Helper()
	sessiontest.Need(d.t, "sqlite3", "sqlite3")
	d.write(name, "")
	cmd := exec.CommandContext(d.t.Context(), "sqlite3", filepath.Join(d.profile, name), sql)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}

func lines(id, user, host string) string {
	return fmt.Sprintf("user_pref(\"ldap_2.servers.%s.carddav.url\", \"https://%s/dav/\");\nuser_pref(\"ldap_2.servers.%[1]s.carddav.username\", \"%[3]s\");\n", id, host, user)
}

func TestContractBindings(t *testing.T) {
	t.Run("thunderbird", func(t *testing.T) { bindingtest.Run(t, rig) })
}

// rig writes settings as Thunderbird does; it is not run.
func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	other := ""
	const stored = `{"logins":[{"hostname":"https://cloud.example","encryptedPassword":"hunter2"}]}`
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "carddav", User: "alice", Host: "cloud.example"},
		OtherWho: binding.Who{Type: "carddav", User: "bob", Host: "other.example"},
		SignIn: func(context.Context, *testing.T) {
			d.write("prefs.js", lines("a", "alice", "cloud.example")+other)
			d.write("logins.json", stored)
		},
		Other: func(context.Context, *testing.T) {
			other = lines("b", "bob", "other.example")
			d.write("prefs.js", other)
		},
		ByHand: func(context.Context, *testing.T) {
			d.write("prefs.js", other)
			d.remove("logins.json")
		},
		LeaveBehind: func(context.Context, *testing.T) { d.write("prefs.js", other) },
		Break:       func(context.Context, *testing.T) { d.write("prefs.js", `user_pref("half`) },
		Flood: func(context.Context, *testing.T) {
			var b strings.Builder
			for i := range maxAccounts + 1 {
				b.WriteString(lines(fmt.Sprint("x", i), "alice", fmt.Sprintf("%d.example", i)))
			}
			d.write("prefs.js", b.String())
		},
	}
}

// TestGoes: what goes with an account is counted where it can be, and said to be
// unknown where it cannot.
func TestGoes(t *testing.T) {
	d := start(t)
	d.write("prefs.js", full)
	d.database("abook-1.sqlite", `CREATE TABLE properties (card TEXT, name TEXT, value TEXT);
		INSERT INTO properties VALUES ('1','DisplayName','A'),('1','PrimaryEmail','a@x'),('2','DisplayName','B');`)
	d.database("calendar-data/cache.sqlite", `CREATE TABLE cal_events (cal_id TEXT, id TEXT, recurrence_id INTEGER); CREATE TABLE cal_todos (cal_id TEXT, id TEXT, recurrence_id INTEGER);
		INSERT INTO cal_events VALUES ('aaa','1',NULL),('aaa','1',5),('ccc','2',NULL); INSERT INTO cal_todos VALUES ('aaa','3',NULL);`)
	goes := func() []departure.Vanishing {
		t.Helper()
		entries, err := d.place.Entries(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Who.Host == "cloud.example" {
				if !e.Carries || e.Mail || !strings.Contains(e.Blocked.Text, "right-click Kontakte") || !strings.Contains(e.Blocked.Text, "right-click Work") {
					t.Errorf("%+v", e)
				}
				return e.Goes
			}
		}
		t.Fatalf("%+v", entries)
		return nil
	}
	if diff := cmp.Diff([]departure.Vanishing{{What: book, Name: "Kontakte", Items: 2}, {What: calendar, Name: "Work", Items: 2}}, goes()); diff != "" {
		t.Error(diff)
	}
	d.write("abook-1.sqlite", "no database")
	d.remove("calendar-data/cache.sqlite")
	if diff := cmp.Diff([]departure.Vanishing{{What: book, Name: "Kontakte", Items: unknown}, {What: calendar, Name: "Work", Items: unknown}}, goes()); diff != "" {
		t.Error(diff)
	}
}

// TestPasswords: a password that no account goes by is told, and is what is left of
// an account whose server it is for.
func TestPasswords(t *testing.T) {
	d := start(t)
	d.write("prefs.js", full)
	d.write("logins.json", `{"logins":[{"hostname":"oauth://accounts.google.com"},{"hostname":"https://nobody.example"}]}`)
	hints, err := d.place.Hints(t.Context())
	if err != nil || len(hints) != 1 || hints[0].Who.Host != "nobody.example" || hints[0].Hint.Remedy.Text == "" {
		t.Errorf("%+v, %v", hints, err)
	}
	entries, err := d.place.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.write("prefs.js", "")
	for _, e := range entries {
		left, err := d.place.ReadBack(t.Context(), e.ID)
		google := strings.Contains(e.Who.Host, "g") && e.Who.User == "alice@gmail.com"
		if err != nil || (len(left) == 1) != google {
			t.Errorf("left of %s: %+v, %v", e.ID, left, err)
		}
	}
}

func FuzzParts(f *testing.F) {
	f.Add(full)
	f.Fuzz(func(t *testing.T, text string) {
		prefs, err := mozilla.ParsePrefs(text)
		if err != nil {
			return
		}
		all, err := parts(prefs)
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, a := range accounts(mozilla.Profile{Path: "/p"}, all) {
			if id := a.id("thunderbird", "/"); hostOf(id) != a.who.Host {
				t.Errorf("%q of %+v", id, a.who)
			} else if ids[strings.ToLower(id)] {
				t.Errorf("twice %q", id)
			} else {
				ids[strings.ToLower(id)] = true
			}
		}
	})
}
