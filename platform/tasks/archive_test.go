package tasks

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// packed is a file to put into an archive.
type packed struct {
	name string
	data []byte
}

func zipOf(t testing.TB, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		in, err := w.Create(f.name)
		must(t, err)
		_, err = in.Write(f.data)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func tgzOf(t testing.TB, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, f := range files {
		must(t, w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data))}))
		_, err := w.Write(f.data)
		must(t, err)
	}
	must(t, errors.Join(w.Close(), gz.Close()))
	return b.Bytes()
}

// takeoutParts are an export of Google's in two parts: three photos, one of them
// in an album too, four contacts, two events, two notes, a file of Drive.
func takeoutParts(t testing.TB) (first, second []packed) {
	t.Helper()
	const year, album = "Takeout/Google Photos/Photos from 2019/", "Takeout/Google Photos/Trip/"
	side := func(name string) []byte {
		return fmt.Appendf(nil, `{"title": %q, "photoTakenTime": {"timestamp": "1560000000"}}`, name)
	}
	picture := func(i int) []byte {
		p, err := davtest.Picture(i)
		must(t, err)
		return p
	}
	var cards []byte
	for i := range 4 {
		cards = append(cards, davtest.Card(i)...)
	}
	event := func(i int) string {
		return fmt.Sprintf("BEGIN:VEVENT\r\nUID:e%d\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240501T190000Z\r\nSUMMARY:E%d\r\nEND:VEVENT\r\n", i, i)
	}
	first = []packed{
		{year + "IMG_1.jpg", picture(1)}, {year + "IMG_2.jpg", picture(2)}, {album + "IMG_1.jpg", picture(1)}, {album + "metadata.json", []byte(`{"title": "Trip"}`)},
		{"Takeout/Contacts/All Contacts/All Contacts.vcf", cards}, {"Takeout/Contacts/Friends/Friends.vcf", davtest.Card(2)},
		{"Takeout/Drive/letter.txt", []byte("Dear all")},
	}
	second = []packed{
		{year + "IMG_3.jpg", picture(3)}, {year + "IMG_1.jpg.supplemental-metadata.json", side("IMG_1.jpg")}, {year + "IMG_2.jpg.supplemental-metadata.json", side("IMG_2.jpg")},
		{year + "IMG_3.jpg.supplemental-metadata.json", side("IMG_3.jpg")}, {album + "IMG_1.jpg.supplemental-metadata.json", side("IMG_1.jpg")},
		{"Takeout/Calendar/Home.ics", []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + event(1) + event(2) + "END:VCALENDAR\r\n")},
		{"Takeout/Keep/Shopping.json", []byte(`{"title": "Shopping", "listContent": [{"text": "Milk", "isChecked": true}], "attachments": [{"filePath": "p.jpg", "mimetype": "image/jpeg"}], "userEditedTimestampUsec": 1582955199253000}`)},
		{"Takeout/Keep/p.jpg", picture(4)}, {"Takeout/Keep/Shopping.html", []byte("<html></html>")},
		{"Takeout/Keep/Idea.json", []byte(`{"title": "Idea", "textContent": "An idea", "userEditedTimestampUsec": 1582955199253000}`)},
	}
	return first, second
}

const (
	takeout1 = "takeout-20240712T112341Z-001.zip"
	takeout2 = "takeout-20240712T112341Z-002.zip"
)

// google makes the departure one of an account at Google that is not on this
// device, whose export lies in a folder.
func (d *desk) google(at string, datasets ...departure.Dataset) {
	d.t.Helper()
	d.job.Departure.Account = departure.Account{ID: "google-1", Provider: "google", Identity: "a@gmail.com", Name: "a@gmail.com", Declared: true}
	for _, dataset := range datasets {
		g, err := d.InspectSource(d.t.Context(), dataset, at, d.job.Given)
		must(d.t, err)
		d.job.Given = append(d.job.Given, g)
	}
}

// long writes files with stamps that have rested.
func (d *desk) long(folder string, files map[string][]byte) string {
	d.t.Helper()
	at := d.folder(folder, nil)
	for name, data := range files {
		must(d.t, os.WriteFile(filepath.Join(at, name), data, 0o600))
		old := time.Now().Add(-time.Hour)
		must(d.t, os.Chtimes(filepath.Join(at, name), old, old))
	}
	return at
}

var all = []departure.Dataset{departure.Photos, departure.Contacts, departure.Calendars, departure.Notes, departure.Files}

// TestTakeoutFromLookToSeal: each kind takes its part of the same export; what a
// person counts at Google is what counts here.
func TestTakeoutFromLookToSeal(t *testing.T) {
	for name, pack := range map[string]func(testing.TB, ...packed) []byte{".zip": zipOf, ".tgz": tgzOf} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			first, second := takeoutParts(t)
			part := func(p string) string { return strings.TrimSuffix(p, ".zip") + name }
			at := d.long("downloads", map[string][]byte{part(takeout1): pack(t, first...), part(takeout2): pack(t, second...), "letter.pdf": []byte("another thing")})
			d.google(filepath.Join(at, part(takeout1)), all...)
			eventually(t, "all in the copy", func() bool {
				d.backup()
				for _, l := range d.look().Listings {
					if !l.Complete || l.Missing() > 0 {
						t.Logf("%s: %+v", l.Source.Dataset, l)
						return false
					}
				}
				return true
			})
			l := d.look()
			for dataset, counts := range map[departure.Dataset]int64{departure.Photos: 3, departure.Contacts: 4, departure.Calendars: 2, departure.Notes: 2, departure.Files: 1} {
				k := listing(t, l, dataset, false)
				if k.Export != "takeout-20240712T112341Z" || k.Parts != 2 {
					t.Errorf("nothing says how many parts there are, and none is asked: %+v", k)
				}
				if k.Covered-k.Beside != counts || k.Counted() != counts || k.Failed != 0 || k.Unsound != 0 || k.Items != k.Covered {
					t.Errorf("%s: %d count, not %d: %+v", dataset, k.Covered-k.Beside, counts, k)
				}
			}
			if res := d.verify(); res.Failed != 0 {
				t.Errorf("read back: %+v", res)
			}
			sealed, err := d.Seal(t.Context(), d.job, quiet)
			must(t, err)
			for _, r := range sealed.Rows {
				if !r.Intact {
					t.Errorf("sealed: %+v", r)
				}
			}
			if len(sealed.Rows) != len(all) || sealed.Differs != 0 {
				t.Errorf("sealed: %+v", sealed)
			}
			root := d.look().Copy.Shown
			for file, want := range map[string]string{
				"notes/takeout-20240712T112341Z/Takeout/Keep/Shopping.md":                               "# Shopping",
				"notes/takeout-20240712T112341Z/Takeout/Keep/Shopping.json":                             `"Shopping"`,
				"photos/takeout-20240712T112341Z/Takeout/Google Photos/Photos from 2019/IMG_2.jpg.json": "1560000000",
				"photos/takeout-20240712T112341Z/Takeout/Google Photos/Photos from 2019/IMG_2.jpg":      "",
				"files/Takeout/Drive/letter.txt":                                                        "Dear all",
			} {
				got, err := os.ReadFile(filepath.Join(root, "data", file))
				if err != nil || !strings.Contains(string(got), want) {
					t.Errorf("%s: %v, %q", file, err, got)
				}
			}
			info, err := os.Stat(filepath.Join(root, "data/photos/takeout-20240712T112341Z/Takeout/Google Photos/Photos from 2019/IMG_2.jpg"))
			if must(t, err); info.ModTime().Unix() != 1560000000 {
				t.Errorf("the photo is of %v", info.ModTime())
			}
		})
	}
}

// TestTakeoutWithoutItsSecondPart is never listed in full, and says what lacks.
func TestTakeoutWithoutItsSecondPart(t *testing.T) {
	d := newDesk(t)
	first, second := takeoutParts(t)
	third := strings.Replace(takeout2, "002", "003", 1)
	at := d.long("downloads", map[string][]byte{takeout1: zipOf(t, first...), third: zipOf(t, second...)})
	d.google(at, departure.Photos, departure.Contacts)
	d.backup()
	check := func(says string) {
		t.Helper()
		for _, dataset := range []departure.Dataset{departure.Photos, departure.Contacts} {
			k := listing(t, d.look(), dataset, false)
			if k.Complete || !strings.Contains(k.Why.Text, says) {
				t.Errorf("%s: %+v", dataset, k)
			}
		}
	}
	check("part 2 is missing")
	must(t, os.Rename(filepath.Join(at, third), filepath.Join(at, takeout2)))
	if k := listing(t, d.look(), departure.Photos, false); !k.Complete || k.Items == 0 {
		t.Errorf("all are there: %+v", k)
	}
	must(t, os.WriteFile(filepath.Join(at, "takeout-20240712T112341Z-003.zip.crdownload"), nil, 0o600))
	check("still being downloaded")
	must(t, os.Remove(filepath.Join(at, "takeout-20240712T112341Z-003.zip.crdownload")))
	must(t, os.Truncate(filepath.Join(at, takeout2), 700))
	check("cut off")
	must(t, os.Remove(filepath.Join(at, takeout2)))
	must(t, os.Remove(filepath.Join(at, takeout1)))
	if k := listing(t, d.look(), departure.Photos, false); k.Complete {
		t.Errorf("nothing is there: %+v", k)
	}
}

// TestDamagedItemOfAnArchive fails by name, and no other with it.
func TestDamagedItemOfAnArchive(t *testing.T) {
	d := newDesk(t)
	picture := func(i int) []byte {
		p, err := davtest.Picture(i)
		must(t, err)
		return p
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, name := range []string{"good.jpg", "bad.jpg"} {
		in, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		must(t, err)
		_, err = io.Copy(in, bytes.NewReader(picture(i)))
		must(t, err)
	}
	must(t, w.Close())
	data := b.Bytes()
	data[bytes.Index(data, []byte("bad.jpg"))+40] ^= 1
	at := d.long("downloads", map[string][]byte{"photos.zip": data})
	d.google(filepath.Join(at, "photos.zip"), departure.Photos)
	d.backup()
	k := listing(t, d.look(), departure.Photos, false)
	if !k.Complete || k.Items != 2 || k.Covered != 1 || k.Failed != 1 {
		t.Errorf("%+v", k)
	}
	page, err := d.Items(t.Context(), d.job, engine.ItemFilter{Failed: true})
	if must(t, err); len(page.Items) != 1 || page.Items[0].Name != "bad.jpg" || !strings.Contains(page.Items[0].Why, "damaged") {
		t.Errorf("listed: %+v", page.Items)
	}
}

// TestArchivesThatAreNone are refused with what was found instead.
func TestArchivesThatAreNone(t *testing.T) {
	d := newDesk(t)
	first, second := takeoutParts(t)
	at := d.long("downloads", map[string][]byte{
		takeout1: zipOf(t, first...), takeout2: zipOf(t, second...), "cards.zip": zipOf(t, packed{"a.vcf", davtest.Card(1)}),
		"text.zip": []byte("hello, I am no archive"), "empty.tgz": tgzOf(t), "folder.tar": nil,
	})
	for what, c := range map[string]struct {
		dataset departure.Dataset
		name    string
		says    string // empty: taken
	}{
		"a part":                  {departure.Photos, takeout1, ""},
		"another kind":            {departure.Contacts, takeout1, ""},
		"cards":                   {departure.Contacts, "cards.zip", ""},
		"photos among cards":      {departure.Photos, "cards.zip", "it holds no photos, but 1 file of contacts"},
		"no archive":              {departure.Photos, "text.zip", "neither a zip nor a tgz"},
		"nothing":                 {departure.Photos, "empty.tgz", "holds nothing"},
		"an archive of no kind":   {departure.Photos, "folder.tar", "give the folder"},
		"a folder of many things": {departure.Photos, "", "give one of them by name"},
	} {
		g, err := d.InspectSource(t.Context(), c.dataset, filepath.Join(at, c.name), nil)
		var refused *engine.RefusedError
		switch {
		case c.says == "" && (err != nil || g.ID == ""):
			t.Errorf("%s: %v", what, err)
		case c.says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v", what, err)
		}
	}
	a, err := d.InspectSource(t.Context(), departure.Photos, filepath.Join(at, takeout1), nil)
	must(t, err)
	b, err := d.InspectSource(t.Context(), departure.Photos, filepath.Join(at, takeout2), []engine.GivenSource{a})
	if must(t, err); a.ID != b.ID {
		t.Error("two parts are two sources")
	}
	if _, err := d.InspectSource(t.Context(), departure.Photos, at, []engine.GivenSource{a}); err == nil {
		t.Error("the folder around an export that was given is taken as well")
	}
}
