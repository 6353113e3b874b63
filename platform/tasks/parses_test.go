package tasks

import (
	"bytes"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"encoding/binary"

	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

func encoded(t *testing.T, write func(io.Writer, image.Image) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func isoBox(name string, body ...string) string {
	in := strings.Join(body, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(in)))) + name + in
}

// heic has the boxes of a picture of w by h pixels.
func heic(w, h uint32) string {
	size := string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), w), h))
	return isoBox("ftyp", "heic\x00\x00\x00\x00mif1heic") +
		isoBox("meta", "\x00\x00\x00\x00", isoBox("iprp", isoBox("ipco", isoBox("ispe", size)))) +
		isoBox("mdat", "pixels")
}

// withSize is a PNG that says that it has other dimensions, its sums right.
func withSize(whole string, w, h uint32) string {
	b := []byte(whole)
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return string(b)
}

// TestWhatParses looks into items by their kind, pictures wherever they lie.
func TestWhatParses(t *testing.T) {
	jpg := encoded(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	pic := encoded(t, png.Encode)
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:a\r\nEND:VCARD\r\n"
	memo := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VJOURNAL\r\nUID:1\r\nSUMMARY:a\r\nEND:VJOURNAL\r\nEND:VCALENDAR\r\n"
	event := strings.ReplaceAll(memo, "VJOURNAL", "VEVENT")
	for _, c := range []struct {
		dataset    source.Dataset
		path, data string
		ok         bool
	}{
		{source.Notes, "a.md", "# text\n", true},
		{source.Notes, "a.md", "\xff", false},
		{source.Notes, "a.note", "<note><text>a</text></note>", true},
		{source.Notes, "a.note", "<note><text>a</note>", false},
		{source.Notes, "a.note", "<note>", false},
		{source.Notes, "a.ics", memo, true},
		{source.Notes, "a.ics", "BEGIN:VCALENDAR\r\nnothing", false},
		{source.Notes, "a.png", pic, true}, // an image of a note
		{source.Notes, "a.png", "\x89PNG", false},
		{source.Notes, "a.bin", "\xff", true},

		{source.Contacts, "a.vcf", card, true},
		{source.Contacts, "a.vcf", card + card, true},
		{source.Contacts, "a.vcf", card + "BEGIN:VCARD\r\nnothing\r\n", false},
		{source.Contacts, "a.vcf", "BEGIN:VCARD\r\nnothing\r\n", false},
		{source.Contacts, "a.vcf", "", false},
		{source.Calendars, "a.ics", event, true},
		{source.Calendars, "a.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", true},
		{source.Calendars, "a.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n", false},
		{source.Calendars, "a.ics", "", false},

		{source.Photos, "a.jpg", jpg, true},
		{source.Photos, "a.jpg", jpg + "a film behind it", true},
		{source.Photos, "a.jpg", jpg[:len(jpg)-2], false}, // no end of image
		{source.Photos, "a.jpg", jpg[:len(jpg)/2], false},
		{source.Photos, "a.jpg", "\xff\xd8\xff\xe0 cut", false},
		{source.Photos, "a.jpg", "", false},
		{source.Photos, "a.jpg", strings.Repeat("\x00", 4096), false},
		{source.Photos, "a.jpg", pic, true}, // the bytes tell, not the name
		{source.Photos, "a.jpg", "<html>sign in first</html>", false},
		{source.Photos, "a.png", pic, true},
		{source.Photos, "a.png", pic[:len(pic)-12], false}, // no IEND
		{source.Photos, "a.png", pic[:40] + "\x01" + pic[41:], false},
		{source.Photos, "a.png", withSize(pic, 1<<31-1, 1<<31-1), false},
		{source.Photos, "a.png", withSize(pic, 1<<23, 1<<23), true}, // what it says of itself is never allocated
		{source.Photos, "a.heic", heic(4032, 3024), true},
		{source.Photos, "a.heic", heic(0, 0), false},
		{source.Photos, "a.heic", strings.Replace(heic(4, 3), "ispe", "free", 1), false},
		{source.Photos, "a.heic", heic(4, 3)[:len(heic(4, 3))-3], false},
		{source.Photos, "a.heic", isoBox("ftyp", "heic\x00\x00\x00\x00mif1heic"), false},
		{source.Photos, "a.xmp", "beside a photo", true},

		{source.Files, "a", "\xff", true},
		{source.Files, "a.jpg", jpg, true},
		{source.Files, "a.jpg", jpg[:len(jpg)-2], false},
		{source.Files, "letter", jpg[:len(jpg)-2], false}, // by its bytes
	} {
		e := &ledger.Entry{Key: source.Key{Ref: source.Ref{Dataset: c.dataset, Source: "s"}, ID: filepath.Base(c.path)}, Path: "data/x/" + c.path, Size: int64(len(c.data))}
		if err := check(e, strings.NewReader(c.data)); (err == nil) != c.ok {
			t.Errorf("%s %s %.60q: %v", c.dataset, c.path, c.data, err)
		}
		e.Source = "trash:b"
		if err := check(e, strings.NewReader(c.data)); err != nil {
			t.Errorf("raw bytes of a removed store: %v", err)
		}
	}
}

// endless is content of which nobody may read more than a little.
type endless struct{ t *testing.T }

func (r endless) ReadAt(p []byte, _ int64) (int, error) {
	if len(p) > 1<<20 {
		r.t.Errorf("%d bytes are read at once", len(p))
	}
	return 0, io.ErrUnexpectedEOF
}

func TestWhatIsTooLargeToLookIntoIsNamed(t *testing.T) {
	for d, most := range map[source.Dataset]int64{source.Notes: source.MaxNote, source.Calendars: source.MaxCalendar} {
		e := &ledger.Entry{Key: source.Key{Ref: source.Ref{Dataset: d, Source: "s"}}, Path: "a.ics", Size: most + 1}
		if err := check(e, endless{t}); !errors.Is(err, source.ErrBeyondLimit) {
			t.Errorf("%s: %v", d, err)
		}
	}
}
