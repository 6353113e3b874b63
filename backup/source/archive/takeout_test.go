package archive

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

const (
	part1 = "takeout-20240712T112341Z-001.zip"
	part2 = "takeout-20240712T112341Z-002.zip"
	year  = "Takeout/Google Fotos/Photos from 2019/"
	trip  = "Takeout/Google Fotos/Reise/"
)

// library is an export in two parts: photos with all that lies beside them in
// the other part, contacts, a calendar, notes, and files of Drive.
func library(t testing.TB) (first, second []file) {
	t.Helper()
	card := func(n int) string {
		return fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:P%d\r\nTEL:%d\r\nEND:VCARD\r\n", n, n)
	}
	first = []file{
		{year + "IMG_1.jpg", "one"},
		{year + "IMG_1-bearbeitet.jpg", "one, edited"},
		{year + "IMG_2.HEIC", "two"}, {year + "IMG_2.MP4", "two, moving"},
		{year + "IMG_3.jpg", "three"}, {year + "IMG_3(1).jpg", "another three"},
		{year + "IMG_3.jpg.supplemental-metadata(1).json", takenJSON("IMG_3.jpg", 1560000031, false)},
		{trip + "IMG_1.jpg", "one"},
		{trip + "metadata.json", `{"title": "Reise", "access": "protected"}`},
		{"Takeout/Kontakte/All Contacts/All Contacts.vcf", card(1) + card(2) + card(3)},
		{"Takeout/Kontakte/Freunde/Freunde.vcf", card(2)},
		{"Takeout/Kontakte/All Contacts/P1.jpg", "a face"},
		{"Takeout/Kalender/Privat.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"},
		{"Takeout/Drive/holiday.jpg", "not a photo of Google Photos"}, {"Takeout/Drive/old.vcf", card(9)}, {"Takeout/Drive/a.ics", "x"}, {"Takeout/Drive/b.zip", "PK"},
	}
	second = []file{
		{year + "IMG_1.jpg.supplemental-metadata.json", takenJSON("IMG_1.jpg", 1560000010, false)},
		{year + "IMG_2.HEIC.supplemental-met.json", takenJSON("IMG_2.HEIC", 1560000020, false)},
		{year + "IMG_3.jpg.supplemental-metadata.json", takenJSON("IMG_3.jpg", 1560000030, false)},
		{trip + "IMG_1.jpg.supplemental-metadata.json", takenJSON("IMG_1.jpg", 1560000010, false)},
		{"Takeout/Google Fotos/Papierkorb/IMG_9.jpg", "thrown away"}, {"Takeout/Google Fotos/Papierkorb/IMG_9.jpg.supplemental-metadata.json", takenJSON("IMG_9.jpg", 1, true)},
		{"Takeout/Notizen/Einkauf.json", `{"title": "Einkauf", "listContent": [{"text": "Milch", "isChecked": true}, {"text": "Brot", "isChecked": false}], "labels": [{"name": "Haus"}],
			"attachments": [{"filePath": "17f.jpeg", "mimetype": "image/jpeg"}, {"filePath": "gone.png", "mimetype": "image/png"}], "isTrashed": false, "isArchived": true, "isPinned": false,
			"userEditedTimestampUsec": 1582955199253000, "createdTimestampUsec": 1582955199253000}`},
		{"Takeout/Notizen/Einkauf.html", "<html>Einkauf</html>"}, {"Takeout/Notizen/17f.jpg", "a picture"}, {"Takeout/Notizen/Labels.txt", "Haus"},
		{"Takeout/Notizen/Alt.json", `{"title": "Alt", "textContent": "weg", "isTrashed": true, "userEditedTimestampUsec": "1582955199253000"}`},
	}
	return first, second
}

func TestTakeout(t *testing.T) {
	first, second := library(t)
	for _, tape := range []bool{false, true} {
		s := newStand(t)
		pack, ext := zipOf, ".zip"
		if tape {
			pack, ext = tgzOf, ".tgz"
		}
		name := func(p string) string { return strings.TrimSuffix(p, ".zip") + ext }
		s.write(name(part1), pack(t, first...))
		s.write(name(part2), pack(t, second...))
		x, err := s.open(name(part2))
		must(t, err)
		if x.Kind != Takeout || !x.Unproven() || x.Parts() != 2 {
			t.Errorf("%+v", x.Found)
		}
		for d, want := range map[source.Dataset]int{source.Photos: 5, source.Contacts: 2, source.Calendars: 1, source.Notes: 1, source.Files: 5} {
			if n := x.Count(d); n != want {
				t.Errorf("%d %s, not %d", n, d, want)
			}
		}
		photos, failed, err := list(t, x, source.Photos)
		must(t, err)
		for _, v := range x.volumes {
			if tape && len(v.tape.idle) != 1 {
				t.Errorf("%d passes through %s", len(v.tape.idle), v.part.file)
			}
		}
		if len(failed) != 0 || len(photos) != 15 {
			t.Errorf("failed %v, photos %q", failed, ids(photos))
		}
		for id, want := range map[string]string{
			year + "IMG_1.jpg.supplemental-metadata.json":    year + "IMG_1.jpg.json",
			year + "IMG_2.HEIC.supplemental-met.json":        year + "IMG_2.HEIC.json",
			year + "IMG_3.jpg.supplemental-metadata(1).json": year + "IMG_3(1).jpg.json",
			trip + "metadata.json":                           trip + "metadata.json",
		} {
			if got := photos[id].Path; got != want {
				t.Errorf("%s lies at %s, not %s", id, got, want)
			}
		}
		for id, at := range map[string]int64{"IMG_1.jpg": 10, "IMG_1-bearbeitet.jpg": 10, "IMG_2.HEIC": 20, "IMG_2.MP4": 20, "IMG_3.jpg": 30, "IMG_3(1).jpg": 31} {
			if got := photos[year+id].ModTime; !got.Equal(time.Unix(1560000000+at, 0)) {
				t.Errorf("%s was taken at %v", id, got)
			}
		}
		src := &Source{Ref: source.Ref{Dataset: source.Photos}, Export: x}
		beside, same := src.Beside(), src.Same()
		if !beside["Takeout/Google Fotos/Papierkorb/IMG_9.jpg"] || !beside[trip+"metadata.json"] || beside[year+"IMG_1.jpg"] {
			t.Errorf("beside: %v", beside)
		}
		if same[year+"IMG_1.jpg"] != same[trip+"IMG_1.jpg"] || same[year+"IMG_3.jpg"] == same[year+"IMG_3(1).jpg"] {
			t.Error("what is one photo is not told")
		}

		contacts, _, err := list(t, x, source.Contacts)
		must(t, err)
		equal(t, "contacts", ids(contacts), []string{"Takeout/Kontakte/All Contacts/All Contacts.vcf", "Takeout/Kontakte/Freunde/Freunde.vcf"})
		calendars, _, err := list(t, x, source.Calendars)
		must(t, err)
		equal(t, "calendars", ids(calendars), []string{"Takeout/Kalender/Privat.ics"})
		files, _, err := list(t, x, source.Files)
		must(t, err)
		if len(files) != 5 || files["Takeout/Drive/holiday.jpg"].data == "" {
			t.Errorf("files: %q", ids(files))
		}

		notes, failed, err := list(t, x, source.Notes)
		must(t, err)
		if len(failed) != 1 || failed["Takeout/Notizen/Einkauf.json//gone.png"] != source.NoteFile {
			t.Errorf("failed: %v", failed)
		}
		read := notes["Takeout/Notizen/Einkauf.json//read"]
		for _, want := range []string{"# Einkauf", "- [x] Milch", "- [ ] Brot", "![](<17f.jpg>)", "Labels: Haus", "Archived", "2020-02-29"} {
			if !strings.Contains(read.data, want) {
				t.Errorf("the note lacks %q:\n%s", want, read.data)
			}
		}
		if read.err != nil || read.Path != "Takeout/Notizen/Einkauf.md" || read.Ext != ".md" || notes["Takeout/Notizen/17f.jpg"].data != "a picture" {
			t.Errorf("%+v", read)
		}
		if refs, err := source.NoteReferences([]byte(read.data)); err != nil || len(refs) != 1 || refs[0].Target != "17f.jpg" {
			t.Errorf("%v %v", refs, err)
		}
	}
}

// A part that lacks keeps everything from being listed, by name.
func TestTakeoutLacksAPart(t *testing.T) {
	first, second := library(t)
	s := newStand(t)
	s.write(part1, zipOf(t, first...))
	s.write(strings.Replace(part2, "002", "003", 1), zipOf(t, second...))
	x, err := s.open("")
	must(t, err)
	items, _, err := list(t, x, source.Photos)
	if err == nil || len(items) != 0 || !strings.Contains(err.Error(), "part 2 is missing") {
		t.Errorf("%q: %v", ids(items), err)
	}
	// One that is cut off, too.
	s.write(part2, zipOf(t, second...)[:500])
	if _, err = s.open(""); err == nil || !strings.Contains(err.Error(), part2) {
		t.Errorf("%v", err)
	}
}

// A picture that only looks like a part, as any in a folder of downloads may, does
// not stand in for the one that lacks.
func TestTakeoutWithAPictureThatIsNoPart(t *testing.T) {
	first, second := library(t)
	s := newStand(t)
	s.write(part1, zipOf(t, first...))
	s.write("scan-002.jpg", []byte("a picture of something else"))
	s.write(strings.Replace(part2, "002", "003", 1), zipOf(t, second...))
	for _, only := range []string{"", part1} {
		x, err := s.open(only)
		must(t, err)
		items, _, err := list(t, x, source.Photos)
		if err == nil || len(items) != 0 || !strings.Contains(err.Error(), "part 2") || !strings.Contains(err.Error(), "scan-002.jpg") {
			t.Errorf("%q: %q: %v", only, ids(items), err)
		}
	}
}

// The page that lists the export proves that all is here, or names what is not.
func TestTakeoutWithItsPage(t *testing.T) {
	first, second := library(t)
	photos := map[string][]string{"Photos from 2019": nil, "Reise": {"IMG_1.jpg"}, "Drive": {"holiday.jpg"}}
	for _, f := range first {
		if n, ok := strings.CutPrefix(f.name, year); ok {
			photos["Photos from 2019"] = append(photos["Photos from 2019"], n)
		}
	}
	page := func(failed ...string) file {
		return file{"Takeout/" + manifestName, browserPage(photos, failed...)}
	}
	s := newStand(t)
	s.write(part1, zipOf(t, append(first, page())...))
	alone, err := s.open(part1)
	must(t, err)
	if !alone.Unproven() {
		t.Error("the page of the only part that is here is proof")
	}
	s.write(part2, zipOf(t, second...))
	x, err := s.open(part1)
	must(t, err)
	if !x.Unproven() {
		t.Error("a page that names files of its own part alone is proof")
	}
	photos["Papierkorb"] = []string{"IMG_9.jpg"}
	s.write(part1, zipOf(t, append(first, page())...))
	x, err = s.open(part1)
	must(t, err)
	if _, failed, err := list(t, x, source.Photos); x.Unproven() || len(failed) != 0 || err != nil {
		t.Errorf("all is here: %v %v", failed, err)
	}
	photos["Photos from 2019"] = append(photos["Photos from 2019"], "IMG_4 &amp; 5.jpg")
	s.write(part1, zipOf(t, append(first, page("IMG_7.jpg"))...))
	if x, err = s.open(part1); err != nil {
		t.Fatal(err)
	}
	_, failed, err := list(t, x, source.Photos)
	must(t, err)
	if !x.Unproven() || len(failed) != 2 || failed[manifestName+"//Photos from 2019/IMG_4 & 5.jpg"] != source.NotExported {
		t.Errorf("one lacks, and one could not be exported: %v", failed)
	}
}

// A page that is not understood says nothing.
func TestTakeoutWithAnotherPage(t *testing.T) {
	first, second := library(t)
	s := newStand(t)
	s.write(part1, zipOf(t, append(first, file{"Takeout/" + manifestName, browserPage(map[string][]string{"a": {"b.jpg", "c.jpg", "d.jpg"}, "Reise": {"IMG_1.jpg"}})})...))
	s.write(part2, zipOf(t, second...))
	x, err := s.open(part1)
	must(t, err)
	if _, failed, err := list(t, x, source.Photos); !x.Unproven() || len(failed) != 0 || err != nil {
		t.Errorf("%v %v", failed, err)
	}
}

// A film that fits no part stands beside them, with the number of its own.
func TestTakeoutWithAFilmBeside(t *testing.T) {
	first, second := library(t)
	s := newStand(t)
	s.write(part1, zipOf(t, append(first, file{trip + "IMG_2063.MOV.supplemental-metadata.json", takenJSON("IMG_2063.MOV", 1560000063, false)})...))
	s.write("IMG_2063-002.MOV", []byte("a long film"))
	s.write(strings.Replace(part2, "002", "003", 1), zipOf(t, second...))
	x, err := s.open("")
	must(t, err)
	photos, failed, err := list(t, x, source.Photos)
	must(t, err)
	film := photos["IMG_2063.MOV"]
	if len(failed) != 0 || film.data != "a long film" || film.Path != trip+"IMG_2063.MOV" || x.Count(source.Photos) != 6 {
		t.Errorf("%v, %+v, %d photos", failed, film.Item, x.Count(source.Photos))
	}
	if side := photos[trip+"IMG_2063.MOV.supplemental-metadata.json"]; side.Path != trip+"IMG_2063.MOV.json" {
		t.Errorf("its sidecar lies at %q", side.Path)
	}
}

// Google's export under another name is one all the same.
func TestTakeoutThatWasRenamed(t *testing.T) {
	first, _ := library(t)
	s := newStand(t)
	s.write("google.zip", zipOf(t, first...))
	x, err := s.open("google.zip")
	if must(t, err); x.Kind != Takeout || !x.Unproven() {
		t.Errorf("%+v", x.Found)
	}
}

func FuzzKeep(f *testing.F) {
	f.Add([]byte(`{"title": "a", "textContent": "b", "userEditedTimestampUsec": 1582955199253000, "attachments": [{"filePath": "a.jpg", "mimetype": "image/jpeg"}], "annotations": [{"url": "https://a.b", "title": "c"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		readFacts(raw)
		n, err := ParseKeep(raw)
		if err != nil {
			return
		}
		text := n.Markdown(func(name string) string { return name })
		if _, err := source.NoteReferences(text); err != nil && len(text) < source.MaxNote {
			t.Skip(err)
		}
		if !strings.HasPrefix(string(text), strings.ToValidUTF8(string(text), "")) {
			t.Error("it is no text")
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(browserPage(map[string][]string{"a": {"b.jpg", "c &amp; d.jpg"}}, "e.jpg")))
	f.Fuzz(func(t *testing.T, page []byte) {
		m := readManifest(page)
		if len(m.files)+len(m.failed) > len(page) {
			t.Error("more files than bytes")
		}
	})
}
