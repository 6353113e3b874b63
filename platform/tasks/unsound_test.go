package tasks

import (
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestPictureThatIsDamagedAtItsSource is in the copy as it was, and told of
// until there is a whole one; touching it changes nothing.
func TestPictureThatIsDamagedAtItsSource(t *testing.T) {
	d := newDesk(t)
	whole := encoded(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) })
	at := d.folder("pictures", map[string]string{"whole.jpg": whole, "cut.jpg": whole[:len(whole)-2]})
	d.declared(map[departure.Dataset]string{departure.Photos: at})
	settle := func(when string, unsound int64) departure.Look {
		t.Helper()
		eventually(t, when+": in the copy", func() bool {
			d.backup()
			return listing(t, d.look(), departure.Photos, false).Covered == 2
		})
		d.verify()
		l := d.look()
		if k := listing(t, l, departure.Photos, false); k.Unsound != unsound || k.Covered != 2 || k.Failed != 0 || (k.Unsounds != "") != (unsound > 0) {
			t.Errorf("%s: %+v", when, k)
		}
		return l
	}
	l := settle("cut off", 1)
	c := l.Copy
	if c.Items != 2 || c.Unread != 0 || c.OldestRead.IsZero() || c.LatestRead.Before(c.OldestRead) || c.LatestRead.After(d.now()) {
		t.Errorf("read back: %+v", c)
	}
	if r := c.ReadBack; r.Items != 2 || r.Bytes != c.Bytes || r.Direct+r.Dropped != 2 || r.Disk == "" || r.BagID == "" || r.Began.After(r.Ended) || r.Wrong != 0 {
		t.Errorf("the reading: %+v", r)
	}
	before := listing(t, l, departure.Photos, false).Unsounds

	name := filepath.Join(at, "cut.jpg")
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(name, old, old))
	l = settle("touched", 1)
	if listing(t, l, departure.Photos, false).Unsounds == before {
		t.Error("what was accepted of one state of the file counts for another")
	}
	must(t, os.WriteFile(name, []byte(whole), 0o600))
	must(t, os.Chtimes(name, old.Add(time.Minute), old.Add(time.Minute)))
	settle("whole", 0)
}
