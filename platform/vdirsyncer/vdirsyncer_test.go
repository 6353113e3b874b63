package vdirsyncer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

// program is vdirsyncer with one collection in a folder, as it writes it.
func program(ext, form string) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, "pim/personal")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				conf := filepath.Join(home, ".config/vdirsyncer/config")
				if _, err := os.Lstat(conf); errors.Is(err, fs.ErrNotExist) {
					datasettest.Write(t, conf, "[general]\nstatus_path = \"~/status\"\n[pair x]\na = \"here\"\nb = \"there\"\ncollections = [\"from b\"]\n"+
						"[storage here]\ntype = \"filesystem\"\npath = \"~/pim\"\nfileext = \""+ext+"\"\n[storage there]\ntype = \"carddav\"\nurl = \"https://dav.example/\"\nusername = \"alice\"\n")
				}
				for _, it := range items {
					datasettest.Write(t, filepath.Join(at, it.ID+ext), fmt.Sprintf(form, it.ID, it.Title, it.Body))
				}
			},
			Damage: func(t *testing.T) { datasettest.Instead(t, filepath.Dir(at)) },
			Spoil: func(t *testing.T, id string) string {
				file := filepath.Join(at, id+ext)
				if err := errors.Join(os.Remove(file), os.Symlink("/dev/null", file)); err != nil {
					t.Fatal(err)
				}
				return id
			},
		}
	}
}

const (
	cardForm  = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%s\r\nFN:%s\r\nNOTE:%s\r\nEND:VCARD\r\n"
	eventForm = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:%s\r\nSUMMARY:%s\r\nDESCRIPTION:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)

func TestContractContacts(t *testing.T) {
	datasettest.Contacts(t, "vdirsyncer", program(".vcf", cardForm))
}

func TestContractCalendars(t *testing.T) {
	datasettest.Calendars(t, "vdirsyncer", func(t *testing.T) datasettest.Program {
		p := program(".ics", eventForm)(t)
		put := p.Put
		p.Put = func(t *testing.T, items ...datasettest.Item) {
			put(t, items...)
			conf := filepath.Join(p.Home, ".config/vdirsyncer/config")
			raw, err := os.ReadFile(conf)
			if err != nil {
				t.Fatal(err)
			}
			datasettest.Write(t, conf, strings.ReplaceAll(string(raw), `"carddav"`, `"caldav"`))
		}
		return p
	})
}

// find gives the stores that a configuration and files in a home mean.
func find(t *testing.T, conf string, files ...string) ([]dataset.Store, error) {
	t.Helper()
	home := t.TempDir()
	datasettest.Write(t, filepath.Join(home, ".config/vdirsyncer/config"), conf)
	for _, f := range files {
		datasettest.Write(t, filepath.Join(home, f), "x")
	}
	stores, err := New(dirs(home)).Find(t.Context())
	for _, s := range stores {
		if s.Close != nil {
			t.Cleanup(func() { _ = s.Close() })
		}
	}
	return stores, err
}

// TestWhoseCollections: each collection of each storage, with the account that
// it is kept in step with.
func TestWhoseCollections(t *testing.T) {
	conf := `
# of a person
[general]
status_path = "~/.vdirsyncer/status/"

[pair contacts]
a = "contacts_local"
b = "contacts_remote"
collections = ["from a",
               "from b"]
conflict_resolution = "b wins"

[storage contacts_local]
type = "filesystem"
path = "~/.contacts"
fileext = ".vcf"
[storage contacts_remote]
type = "carddav"
url = "https://Cloud.Example:443/remote.php/dav/"
username = "alice"
password.fetch = ["command", "pass", "cloud"]

[pair days]
a: "days_remote"
b: "days_local"
collections: null
[storage days_local]
type = "singlefile"
path = "~/days.ics"
[storage days_remote]
type = "caldav"
url = "https://dav.example:8443/"
username.fetch = ["prompt", "user"]

[pair google]
a = "google_local"
b = "google"
collections = ["a"]
[storage google_local]
type = "singlefile"
path = "~/google/%s.ics"
[storage google]
type = "google_calendar"
token_file = "~/token"

[storage alone]
type = "filesystem"
path = "~/alone"
fileext = ".vcf"
[storage gone]
type = "filesystem"
path = "~/gone"
fileext = ".vcf"
`
	stores, err := find(t, conf, ".contacts/personal/a.vcf", ".contacts/.hidden/a.vcf", ".contacts/work/displayname", "days.ics", "google/a.ics", "google/b.ics", "google/c.txt", "alone/a.vcf")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stores {
		got = append(got, fmt.Sprintf("%s %s %s@%s %s %s", s.ID, s.Dataset, s.Who.User, s.Who.Host, s.Who.Type, s.Name))
	}
	slices.Sort(got)
	want := []string{
		"vdirsyncer::alone/alone contacts @  alone (vdirsyncer)",
		"vdirsyncer::contacts_local/personal contacts alice@cloud.example carddav personal (vdirsyncer)",
		"vdirsyncer::contacts_local/work contacts alice@cloud.example carddav x (vdirsyncer)",
		"vdirsyncer::days_local/days.ics calendars @dav.example:8443 caldav days.ics (vdirsyncer)",
		"vdirsyncer::google_local/a calendars @ google a (vdirsyncer)",
		"vdirsyncer::google_local/b calendars @ google b (vdirsyncer)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestConfigurationsThatAreNotUnderstood: nobody knows what there is.
func TestConfigurationsThatAreNotUnderstood(t *testing.T) {
	for name, conf := range map[string]string{
		"no section": "a = 1\n", "an open section": "[pair", "another section": "[thing x]\na = 1\n", "no value": "[general]\nx\n",
		"no JSON": "[storage x]\ntype = filesystem\n", "no type": "[storage x]\npath = \"~\"\n", "half a pair": "[pair x]\na = \"y\"\n",
		"large": "#" + strings.Repeat("x", maxConfig),
	} {
		if _, err := find(t, conf); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestInAFlatpak: another home has another configuration.
func TestInAFlatpak(t *testing.T) {
	home := t.TempDir()
	app := filepath.Join(home, ".var/app/org.example.Sync")
	datasettest.Write(t, filepath.Join(app, "config/vdirsyncer/config"), "[storage x]\ntype = \"filesystem\"\npath = \"~/x\"\nfileext = \".vcf\"\n")
	datasettest.Write(t, filepath.Join(app, "x/a.vcf"), "x")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil || len(stores) != 1 || stores[0].ID != "vdirsyncer:org.example.Sync:x/x" || stores[0].Dataset != departure.Contacts {
		t.Fatalf("%+v %v", stores, err)
	}
	if err := stores[0].Close(); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("[pair x]\na = \"y\"\nb = \"z\"\ncollections = [\n \"from a\"]\n[storage y]\ntype: \"filesystem\"\n"))
	f.Add([]byte("[\n= "))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parse(raw)
		if err == nil {
			for name := range c.storages {
				if len(c.partners(name)) == 0 {
					t.Errorf("%q has no partner", name)
				}
			}
		}
	})
}
