package restore_test

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/restore"
)

// shot is a JPEG that says when it was taken: an EXIF segment with
// DateTimeOriginal and OffsetTimeOriginal (EXIF 2.32, 4.6.5), and no pixels.
func shot(date, offset string) string {
	le := binary.LittleEndian
	entry := func(b []byte, tag, kind uint16, count, value uint32) []byte {
		b = le.AppendUint16(le.AppendUint16(b, tag), kind)
		return le.AppendUint32(le.AppendUint32(b, count), value)
	}
	tiff := append([]byte("II*\x00"), 8, 0, 0, 0)
	tiff = entry(le.AppendUint16(tiff, 1), 0x8769, 4, 1, 26)
	tiff = append(tiff, 0, 0, 0, 0)
	const data = 26 + 2 + 24 + 4
	tiff = entry(le.AppendUint16(tiff, 2), 0x9003, 2, 20, data)
	tiff = entry(tiff, 0x9011, 2, 7, data+20)
	tiff = append(tiff, 0, 0, 0, 0)
	tiff = append(tiff, (date + "\x00")[:20]...)
	tiff = append(tiff, (offset + strings.Repeat("\x00", 8))[:8]...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return string(append(append(out, body...), 0xff, 0xd9))
}

// TestPhotosGoByWhenTheyWereTaken: what a photo says itself counts before the
// date of its file, which is often that of a download.
func TestPhotosGoByWhenTheyWereTaken(t *testing.T) {
	here := time.FixedZone("here", 2*3600)
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, here) }
	w := newCopy(t,
		thing{ref: photos, id: "old.jpg", text: shot("2019:07:20 20:17:40", "+02:00"), at: noon},
		thing{ref: photos, id: "new.jpg", text: shot("2024:02:01 10:00:00", ""), at: noon.AddDate(-10, 0, 0)},
		thing{ref: photos, id: "eve.jpg", text: shot("2023:12:31 23:30:00", ""), at: noon},
		thing{ref: photos, id: "silent.jpg", text: "no picture", at: noon},
		thing{ref: files, id: "shot.jpg", text: shot("2019:07:20 20:17:41", "+02:00"), at: noon},
	)
	for name, c := range map[string]struct {
		sel  restore.Selection
		want string
	}{
		"since the new year":     {restore.Selection{Since: day(2024, 1, 1)}, "new.jpg shot.jpg silent.jpg"},
		"since its eve":          {restore.Selection{Since: day(2023, 12, 31)}, "eve.jpg new.jpg shot.jpg silent.jpg"},
		"until the new year":     {restore.Selection{Until: day(2024, 1, 1)}, "eve.jpg old.jpg"},
		"until half past its 23": {restore.Selection{Until: time.Date(2023, 12, 31, 23, 30, 0, 0, here)}, "old.jpg"},
		"a day of 2019":          {restore.Selection{Since: day(2019, 7, 20), Until: day(2019, 7, 21)}, "old.jpg"},
		"the day before":         {restore.Selection{Since: day(2019, 7, 19), Until: day(2019, 7, 20)}, ""},
	} {
		r := w.restore(w.folder(), c.sel, restore.Options{DryRun: true})
		got := map[string]bool{}
		for _, p := range r.Placed {
			got[p.ID] = true
		}
		var names []string
		for _, id := range []string{"eve.jpg", "new.jpg", "old.jpg", "shot.jpg", "silent.jpg"} {
			if got[id] {
				names = append(names, id)
			}
		}
		if strings.Join(names, " ") != c.want || r.Outcome != restore.Complete {
			t.Errorf("%s: %v, want %s", name, names, c.want)
		}
	}
	// Damage does not leave a photo out: it fails by its name.
	at := w.bag() + "/data/photos/server/eve.jpg"
	must(t, os.Chmod(at, 0o600), os.WriteFile(at, []byte(shot("2001:12:31 23:30:00", "")), 0o600))
	r := w.restore(w.folder(), restore.Selection{Since: day(2023, 12, 31)}, restore.Options{DryRun: true})
	if r.Outcome != restore.Partial || len(r.Failures) != 1 || r.Failures[0].ID != "eve.jpg" {
		t.Errorf("%+v", r)
	}
}
