package archive

import (
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

const detailsHead = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n"

func TestICloud(t *testing.T) {
	const p1, p2 = "iCloud Photos Part 1 of 2", "iCloud Photos Part 2 of 2"
	s := newStand(t)
	s.write(p1+".zip", zipOf(t,
		file{p1 + "/Photos/IMG_1.HEIC", "one"}, file{p1 + "/Photos/IMG_1.MOV", "one, moving"},
		file{p1 + "/Photos/Photo Details.csv", detailsHead +
			"IMG_1.HEIC,AfQj57,no,no,no,\"Saturday June 4,2022 12:11 PM GMT\",10,\"Saturday June 4,2022 12:11 PM GMT\"\n" +
			"IMG_7.JPG,AfQj58,no,no,no,\"Saturday June 4,2022 12:11 PM GMT\",10,\n" + "IMG_8.JPG,AfQj59,no,no,yes,,10,\n"},
		file{p1 + "/Albums/Family.csv", "Images\nIMG_1.HEIC\n"}, file{p1 + "/iCloud Shared Albums.zip", "PK"}))
	s.write(p2+".zip", zipOf(t,
		file{"Photos/IMG_1.MOV", "another film of that name"}, file{"Photos/IMG_2.JPG", "two"}, file{p1 + "/Photos/IMG_1.HEIC", "one"}, file{"Recently Deleted/IMG_9.JPG", "thrown away"},
		file{"Photos/Photo Details-1.csv", detailsHead + "IMG_1.MOV,x,no,no,no,\"Monday January 15,2024 9:30 AM GMT\",5,\n"}))
	s.write("iCloud Contacts.zip", zipOf(t, file{"iCloud Contacts/Ada.vcf", "BEGIN:VCARD\nEND:VCARD\n"}))
	s.write("iCloud Calendars and Reminders.zip", zipOf(t, file{"iCloud Calendars/Home.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n"}))
	s.write("iCloud Notes.zip", zipOf(t, file{"iCloud Notes/Shopping/Shopping.txt", "milk"}, file{"iCloud Notes/Shopping/list.pdf", "%PDF"}))
	x, err := s.open("")
	must(t, err)
	if x.Kind != ICloud || x.Unproven() {
		t.Errorf("%+v", x.Found)
	}
	for d, want := range map[source.Dataset]int{source.Photos: 4, source.Contacts: 1, source.Calendars: 1, source.Notes: 1} {
		if n := x.Count(d); n != want {
			t.Errorf("%d %s, not %d", n, d, want)
		}
	}
	photos, failed, err := list(t, x, source.Photos)
	must(t, err)
	if len(failed) != 2 || failed["Photo Details.csv//IMG_7.JPG"] != source.NotExported || failed[p1+".zip/"+p1+"/iCloud Shared Albums.zip//"] != source.Nested {
		t.Errorf("failed: %v", failed)
	}
	if g := photos[p1+".zip/"+p1+"/Photos/IMG_1.HEIC"]; g.Path != p1+"/Photos/IMG_1.HEIC" || !g.ModTime.Equal(time.Date(2022, 6, 4, 12, 11, 0, 0, time.UTC)) {
		t.Errorf("%+v", g.Item)
	}
	if g := photos[p2+".zip/Photos/IMG_1.MOV"]; g.data != "another film of that name" || g.Path != p2+"/Photos/IMG_1.MOV" || g.ModTime.Year() != 2024 {
		t.Errorf("%+v", g.Item)
	}
	notes, _, err := list(t, x, source.Notes)
	must(t, err)
	if len(notes) != 2 {
		t.Errorf("notes: %q", ids(notes))
	}
	// One part alone is not the library.
	lone := newStand(t)
	lone.write(p1+".zip", zipOf(t, file{p1 + "/Photos/IMG_1.HEIC", "one"}))
	if x, err = lone.open(p1 + ".zip"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := list(t, x, source.Photos); err == nil || !strings.Contains(err.Error(), "part 2 of 2 is missing") {
		t.Errorf("%v", err)
	}
}

func FuzzDetails(f *testing.F) {
	f.Add([]byte(detailsHead + "IMG_1.HEIC,AfQj57,no,no,no,\"Saturday June 4,2022 12:11 PM GMT\",10,\n"))
	f.Add([]byte("imgName\n\"a"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, err := ParseDetails(raw)
		if err == nil && len(lines) > len(raw) {
			t.Error("more lines than bytes")
		}
		for _, l := range lines {
			if l.Name == "" {
				t.Error("a photo without a name")
			}
		}
	})
}
