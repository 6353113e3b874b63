package content

import (
	"bytes"
	"errors"
	"flag"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bep/imagemeta"
	"github.com/emersion/go-ical"
	"github.com/emersion/go-vcard"
)

var write = flag.String("write", "", "folder to write the demo's set to, to look at it")

var few = Sizes{Photos: 10, Contacts: 12, Notes: 12, Events: 12, Tasks: 6}

func TestSameSeedSameBytes(t *testing.T) {
	a, b := Generate(7, few), Generate(7, few)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gives another set")
	}
	c := Generate(8, few)
	if bytes.Equal(a.Photos[0].Data, c.Photos[0].Data) || a.Contacts[0].Data == c.Contacts[0].Data {
		t.Error("another seed gives the same set")
	}
	more := few
	more.Contacts++
	if d := Generate(7, more); !bytes.Equal(d.Photos[3].Data, a.Photos[3].Data) {
		t.Error("one more contact changes photos")
	}
}

func TestPhotos(t *testing.T) {
	located, seen := 0, map[string]bool{}
	for _, p := range Generate(1, Sizes{Photos: 20}).Photos {
		if seen[p.Path] {
			t.Errorf("%s twice", p.Path)
		}
		seen[p.Path] = true
		if size := len(p.Data) / 1000; size < 150 || size > 600 {
			t.Errorf("%s is %d kB", p.Path, size)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil || c.Width*c.Height != 1280*960 {
			t.Errorf("%s: %+v %v", p.Path, c, err)
		}
		var tags imagemeta.Tags
		if _, err := imagemeta.Decode(imagemeta.Options{R: bytes.NewReader(p.Data), ImageFormat: imagemeta.JPEG, Sources: imagemeta.EXIF,
			ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
			HandleTag:       func(i imagemeta.TagInfo) error { tags.Add(i); return nil }}); err != nil {
			t.Fatal(err)
		}
		taken, err := tags.GetDateTime()
		wall := p.ModTime.Sub(taken)
		if err != nil || path.Base(p.Path) != taken.Format("IMG_20060102_150405.jpg") || wall.Abs() > 14*time.Hour {
			t.Errorf("%s: taken %v, %v", p.Path, taken, err)
		}
		if m, ok := tags.EXIF()["Model"]; !ok || m.Value == "" {
			t.Errorf("%s has no camera", p.Path)
		}
		lat, lon, err := tags.GetLatLong()
		if err == nil && (lat != 0 || lon != 0) {
			located++
			near := false
			for _, place := range places {
				near = near || math.Hypot(lat-place.lat, lon-place.lon) < 0.1
			}
			if !near {
				t.Errorf("%s was taken at %f, %f", p.Path, lat, lon)
			}
		}
	}
	if located == 0 || located == 20 {
		t.Errorf("%d of 20 have a place", located)
	}
}

func TestContacts(t *testing.T) {
	set := Generate(1, Sizes{Contacts: 120}).Contacts
	pictures, largest, seen := 0, 0, map[string]bool{}
	for _, c := range set {
		for l := range strings.Lines(c.Data) {
			if len(l) > 77 || !strings.HasSuffix(l, "\r\n") {
				t.Fatalf("bad line %q", l)
			}
		}
		card, err := vcard.NewDecoder(strings.NewReader(c.Data)).Decode()
		if err != nil || card.Value("UID") != c.UID || card.Value("FN") == "" || card.Value("N") == "" || seen[c.UID] {
			t.Fatalf("%s: %q %v\n%.400s", c.Href, card.Value("FN"), err, c.Data)
		}
		seen[c.UID] = true
		if photo := card.Get("PHOTO"); photo != nil {
			pictures++
			largest = max(largest, len(photo.Value))
		}
	}
	if pictures != 40 || largest < 700_000 || largest > 1_500_000 {
		t.Errorf("%d pictures, the largest %d bytes", pictures, largest)
	}
}

func TestNotesHaveTheirImages(t *testing.T) {
	files, images := map[string]bool{}, 0
	notes := Generate(1, Sizes{Notes: 24}).Notes
	for _, f := range notes {
		if files[f.Path] {
			t.Errorf("%s twice", f.Path)
		}
		files[f.Path] = true
	}
	for _, f := range notes {
		if _, rest, found := strings.Cut(string(f.Data), "](attachments/"); found && path.Ext(f.Path) == ".md" {
			images++
			name, _, _ := strings.Cut(rest, ")")
			if !files["Notes/attachments/"+name] {
				t.Errorf("%s lacks %s", f.Path, name)
			}
		}
		if path.Ext(f.Path) == ".md" && strings.Contains(string(f.Data), "%!") {
			t.Errorf("%s: %s", f.Path, f.Data)
		}
	}
	if images < 5 || len(notes) != 24+images {
		t.Errorf("%d files, %d images", len(notes), images)
	}
}

func TestCalendar(t *testing.T) {
	set := Generate(1, Sizes{Events: 12, Tasks: 6})
	overrides := 0
	for _, o := range append(set.Events, set.Tasks...) {
		cal, err := ical.NewDecoder(strings.NewReader(o.Data)).Decode()
		if err != nil {
			t.Fatalf("%v\n%s", err, o.Data)
		}
		var encoded bytes.Buffer
		if err := ical.NewEncoder(&encoded).Encode(cal); err != nil {
			t.Errorf("go-ical refuses it: %v\n%s", err, o.Data)
		}
		for _, c := range cal.Children {
			if c.Name == ical.CompTimezone {
				continue
			}
			if id := c.Props.Get("UID"); id == nil || id.Value != o.UID {
				t.Errorf("UID %v in %s", id, o.Href)
			}
			if c.Props.Get("RECURRENCE-ID") != nil {
				overrides++
			}
			if start := c.Props.Get("DTSTART"); start != nil {
				if _, err := start.DateTime(time.UTC); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if overrides == 0 {
		t.Error("no event was moved")
	}
}

func TestWriteTree(t *testing.T) {
	dir, sizes := t.TempDir(), few
	if *write != "" {
		dir, sizes = *write, Demo
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	set := Generate(1, sizes)
	files := slices.Concat(set.Photos, set.Notes)
	for _, c := range set.Contacts {
		files = append(files, File{Path: "Contacts/" + c.Href, Data: []byte(c.Data), ModTime: noteDay})
	}
	if err := WriteTree(root, files...); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(filepath.Join(dir, f.Path))
		if err != nil || info.Size() != int64(len(f.Data)) || !info.ModTime().Equal(f.ModTime) {
			t.Errorf("%s: %v %v", f.Path, info, err)
		}
	}
	if err := WriteTree(root, files[0]); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwrote %s: %v", files[0].Path, err)
	}
	if err := WriteTree(root, File{Path: "../out", Data: nil}); err == nil {
		t.Error("wrote outside")
	}
}

func BenchmarkDemo(b *testing.B) {
	for b.Loop() {
		Generate(1, Demo)
	}
}
