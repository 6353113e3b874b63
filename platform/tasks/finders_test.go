package tasks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/xdg"
)

// TestTheProgramsOfAHome: a home without programs has no stores; what real
// formats hold is copied, read back and sealed, and can be read without them.
func TestTheProgramsOfAHome(t *testing.T) {
	d := newDesk(t)
	home := t.TempDir()
	dirs := xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
	d.Worker.cfg.Finders = Finders(dirs)
	d.declared(nil)
	d.job.Departure.Account = departure.Account{ID: "a", Provider: "nextcloud", Identity: "alice@cloud.example", Name: "alice", Declared: true}
	d.job.Departure.Fate = departure.WipedDevice
	if l := d.look(); !l.Complete || len(l.Listings) != 0 {
		t.Fatalf("an empty home: %+v", l)
	}
	for at, text := range map[string]string{
		".config/vdirsyncer/config": "[pair p]\na = \"l\"\nb = \"r\"\ncollections = null\n[storage l]\ntype = \"filesystem\"\npath = \"~/people\"\nfileext = \".vcf\"\n" +
			"[storage r]\ntype = \"carddav\"\nurl = \"https://cloud.example/dav/\"\nusername = \"alice\"\n",
		"people/one.vcf":                               oneCard,
		".config/akonadi_ical_resource_0rc":            "[General]\nPath=" + home + "/days.ics\n",
		"days.ics":                                     "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240101T000000Z\r\nSUMMARY:Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		".local/share/gnote/plan.note":                 `<note xmlns="http://beatniksoftware.com/tomboy"><title>Plan</title><text><note-content>Plan` + "\n\n" + `<bold>go</bold></note-content></text></note>`,
		".local/share/shotwell/data/photo.db":          "no database",
		".thunderbird/profiles.ini":                    "[Profile0]\nPath=x\nIsRelative=1\n",
		".thunderbird/x/abook.mab":                     "old",
		".var/app/org.gnome.Notes/data/bijiben/a.note": "<note><title>A",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(home, at)), 0o700))
		must(t, os.WriteFile(filepath.Join(home, at), []byte(text), 0o600))
	}
	look := d.look()
	whose, unread := map[string]bool{}, 0
	for _, l := range look.Listings {
		whose[l.Source.Name] = l.Source.OfAccount
		if !l.Complete {
			unread++
		}
	}
	if len(whose) != 7 || !whose["people (vdirsyncer)"] || whose["days.ics (Kontact)"] || unread != 3 {
		t.Fatalf("listed: %v, %d unread", whose, unread)
	}
	must(t, os.RemoveAll(filepath.Join(home, ".local/share/shotwell")))
	must(t, os.RemoveAll(filepath.Join(home, ".thunderbird")))
	eventually(t, "all in the copy", func() bool {
		d.backup()
		for _, l := range d.look().Listings {
			if !l.Complete || l.Missing() != 0 {
				return false
			}
		}
		return true
	})
	if res := d.verify(); res.Done != 5 || res.Failed != 0 { // one more is damaged where it comes from
		t.Errorf("read back: %+v", res)
	}
	sealed, err := d.Seal(t.Context(), d.job, quiet)
	must(t, err)
	for _, r := range sealed.Rows {
		if !r.Intact || r.Items == 0 {
			t.Errorf("not sealed: %+v", r)
		}
	}
	if len(sealed.Rows) != 4 {
		t.Errorf("sealed are %+v", sealed.Rows)
	}
	copied, err := filepath.Glob(filepath.Join(d.look().Copy.Shown, "data/notes/Gnote/*"))
	must(t, err)
	if len(copied) != 2 {
		t.Fatalf("the notes are %v", copied)
	}
	raw, err := os.ReadFile(copied[0])
	must(t, err)
	if !strings.HasSuffix(copied[0], "plan.md") || string(raw) != "# Plan\n\n**go**\n" {
		t.Errorf("%s has %q", copied[0], raw)
	}
}
