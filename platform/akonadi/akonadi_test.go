package akonadi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/dataset/datasettest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func dirs(home string) xdg.Dirs {
	return xdg.Dirs{Home: home, Config: filepath.Join(home, ".config"), Data: filepath.Join(home, ".local/share"), Cache: filepath.Join(home, ".cache")}
}

const (
	cardForm  = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%s\r\nFN:%s\r\nNOTE:%s\r\nEND:VCARD\r\n"
	eventForm = "BEGIN:VEVENT\r\nUID:%s\r\nSUMMARY:%s\r\nDESCRIPTION:%s\r\nEND:VEVENT\r\n"
	calendar  = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n%sEND:VCALENDAR\r\n"
)

// folder is a resource that keeps one file an item.
func folder(kind, ext, frame, form string) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, "pim")
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				datasettest.Write(t, filepath.Join(home, ".config/akonadi_"+kind+"_resource_0rc"), "[General]\nDisplayName=Mine\nPath[$e]=file://$HOME/pim\n")
				for _, it := range items {
					datasettest.Write(t, filepath.Join(at, it.ID+ext), fmt.Sprintf(frame, fmt.Sprintf(form, it.ID, it.Title, it.Body)))
				}
			},
			Damage: func(t *testing.T) { datasettest.Instead(t, at) },
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

// file is a resource that keeps all items in one file.
func file(kind, ext, frame, form string) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		at := filepath.Join(home, "std"+ext)
		items := map[string]string{}
		return datasettest.Program{
			Finder: New(dirs(home)), Home: home,
			Put: func(t *testing.T, more ...datasettest.Item) {
				datasettest.Write(t, filepath.Join(home, ".config/akonadi_"+kind+"_resource_0rc"), "[General]\nPath="+at+"\n")
				for _, it := range more {
					title := strings.NewReplacer("\u2028", "", "\u0001", "").Replace(it.Title)
					items[it.ID] = fmt.Sprintf(form, it.ID, title, it.Body)
				}
				all := ""
				for _, id := range slices.Sorted(func(yield func(string) bool) {
					for id := range items {
						if !yield(id) {
							return
						}
					}
				}) {
					all += items[id]
				}
				datasettest.Write(t, at, fmt.Sprintf(frame, all))
			},
			Damage: func(t *testing.T) {
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
				if err := os.Mkdir(at, 0o700); err != nil {
					t.Fatal(err)
				}
			},
		}
	}
}

func TestContractContacts(t *testing.T) {
	datasettest.Contacts(t, "akonadi-vcarddir", folder("vcarddir", ".vcf", "%s", cardForm))
	datasettest.Contacts(t, "akonadi-contacts", folder("contacts", ".vcf", "%s", cardForm))
	datasettest.Contacts(t, "akonadi-vcard", file("vcard", ".vcf", "%s", cardForm))
}

func TestContractCalendars(t *testing.T) {
	datasettest.Calendars(t, "akonadi-icaldir", folder("icaldir", ".ics", calendar, eventForm))
	datasettest.Calendars(t, "akonadi-ical", file("ical", ".ics", calendar, eventForm))
}

// TestWhereResourcesAre: in both places of their settings, in a Flatpak, and
// where they usually are.
func TestWhereResourcesAre(t *testing.T) {
	home := t.TempDir()
	write := func(at, text string) { t.Helper(); datasettest.Write(t, filepath.Join(home, at), text) }
	write(".config/akonadi_contacts_resource_0rc", "[General]\n")
	write(".local/share/contacts/sub/a.vcf", "x")
	write(".config/akonadi/akonadi_ical_resource_12rc", "# c\n[Other]\nPath=/no\n[General]\nDisplayName=A\\sB\nPath="+home+"/a%20b.ics\n")
	write("a%20b.ics", "x")
	write(".config/akonadi_vcard_resource_1rc", "[General]\nPath=file://"+home+"/c%20d.vcf\n")
	write("c d.vcf", "x")
	write(".config/akonadi_ical_resource_2rc", "[General]\nPath="+home+"/not-there.ics\n")
	write(".config/akonadi_maildir_resource_0rc", "[General]\nPath="+home+"\n")
	write(".config/akonadi_akonotes_resource_0rc", "[General]\nPath="+home+"/notes/\n")
	write("notes/cur/1.2:2,S", "Subject: x\n\ny")
	write(".var/app/org.kde.kontact/config/akonadi_icaldir_resource_0rc", "[General]\nPath="+home+"/dir\n")
	write("dir/a.ics", "x")
	stores, err := New(dirs(home)).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stores {
		got = append(got, fmt.Sprintf("%s %s %s", s.ID, s.Dataset, s.Name))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"akonadi::akonadi_akonotes_resource_0 notes notes (Kontact)", "akonadi::akonadi_contacts_resource_0 contacts contacts (Kontact)",
		"akonadi::akonadi_vcard_resource_1 contacts c d.vcf (Kontact)", "akonadi::akonadi_ical_resource_12 calendars A B (Kontact)",
		"akonadi:org.kde.kontact:akonadi_icaldir_resource_0 calendars dir (Kontact)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSettingsThatAreNotUnderstood: nobody knows where it keeps what.
func TestSettingsThatAreNotUnderstood(t *testing.T) {
	for name, text := range map[string]string{
		"no setting": "[General]\nPath\n", "a relative path": "[General]\nPath=here\n", "an escape": "[General]\nPath=/a\\q\n", "an open escape": "[General]\nPath=/a\\\n",
		"a cut escape": "[General]\nPath=/a\\x4\n", "large": "#" + strings.Repeat("x", maxSettings),
	} {
		home := t.TempDir()
		datasettest.Write(t, filepath.Join(home, ".config/akonadi_ical_resource_0rc"), text)
		if _, err := New(dirs(home)).Find(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzGroup(f *testing.F) {
	f.Add([]byte("[General]\nPath[$e]=file://$HOME/a%20b\nX=\\x41\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, err := generalOf(raw, xdg.Home{Home: "/home/a"})
		if at := values["Path"]; err == nil && at != "" && !filepath.IsAbs(at) {
			t.Errorf("a path %q", at)
		}
	})
}
