package viewer_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/viewer"
)

var june = time.Date(2024, 6, 13, 10, 15, 0, 0, time.UTC)

func previewOf(dir string, data []byte) string {
	h := fmt.Sprintf("%x", sha256.Sum256(data))
	return filepath.Join(dir, "export", "previews", h[:2], h+".jpg")
}

func (c *copied) preview(data []byte) image.Image {
	c.t.Helper()
	f, err := os.Open(previewOf(c.dir, data))
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	m, err := jpeg.Decode(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

func near(a color.Color, r, g, b int) bool {
	ar, ag, ab, _ := a.RGBA()
	off := func(have uint32, want int) bool { d := int(have>>8) - want; return d > 40 || d < -40 }
	return !off(ar, r) && !off(ag, g) && !off(ab, b)
}

// TestUpright: whichever way the camera was held, red is where the file says that
// the upper left is.
func TestUpright(t *testing.T) {
	// Where the upper left quarter of the stored picture lies in the upright one
	// (EXIF 2.32, tag 274), in halves: x, y.
	red := map[uint16][2]int{1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}}
	green := map[uint16][2]int{1: {1, 0}, 2: {0, 0}, 3: {0, 1}, 4: {1, 1}, 5: {0, 1}, 6: {1, 1}, 7: {1, 0}, 8: {0, 0}}
	c := newCopy(t)
	pictures := map[uint16][]byte{}
	for o := range red {
		pictures[o] = withEXIF(jpegOf(t, corners(800, 600)), exifData{orientation: o, taken: june})
		c.put(file{photos, fmt.Sprintf("%d.jpg", o), "", pictures[o], june})
	}
	c.write()
	for o, data := range pictures {
		m := c.preview(data)
		w, h := m.Bounds().Dx(), m.Bounds().Dy()
		if (o >= 5) != (h > w) || min(w, h) != 300 {
			t.Errorf("orientation %d: the preview is %d by %d", o, w, h)
		}
		at := func(q [2]int) color.Color { return m.At(w/4+q[0]*w/2, h/4+q[1]*h/2) }
		if !near(at(red[o]), 220, 0, 0) || !near(at(green[o]), 0, 200, 0) {
			t.Errorf("orientation %d: the picture is not upright: %v %v", o, at(red[o]), at(green[o]))
		}
	}
}

// TestEmbeddedFirst: without time for decoding a large picture, the camera's own
// preview is shown, and a better one takes its place later.
func TestEmbeddedFirst(t *testing.T) {
	c := newCopy(t)
	large := withEXIF(jpegOf(t, corners(1600, 1200)), exifData{orientation: 1, taken: june, preview: jpegOf(t, corners(160, 120))})
	raw := exifData{orientation: 6, taken: june, preview: jpegOf(t, corners(640, 480))}.tiff()
	c.put(file{photos, "large.jpg", "", large, june}, file{photos, "sensor.nef", "", raw, june})
	r := c.write()
	if m := c.preview(large); m.Bounds().Dy() != 300 {
		t.Errorf("the large picture's preview is %v", m.Bounds())
	}
	if m := c.preview(raw); m.Bounds().Dx() != 300 || m.Bounds().Dy() != 400 || !near(m.At(250, 50), 220, 0, 0) {
		t.Errorf("the RAW file's preview is %v", m.Bounds())
	}
	if r.Made != 3 || r.Outcome != viewer.Complete {
		t.Errorf("%+v, want a small, a better and an embedded preview", r)
	}
}

// TestRefused: what cannot or must not be decoded has a tile with its name.
func TestRefused(t *testing.T) {
	c := newCopy(t)
	whole := jpegOf(t, corners(1400, 1000))
	bad := []file{
		{photos, "bomb.png", "", bomb(60000, 60000), june},
		{photos, "wide.png", "", bomb(1<<31-1, 1), june},
		{photos, "cut.jpg", "", whole[:len(whole)/2], june},
		{photos, "IMG_0001.HEIC", "", heic, june},
		{photos, "film.mp4", "", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), june},
		{photos, "empty.jpg", "", nil, june},
		{photos, "loop.jpg", "", withEXIF(whole, exifData{orientation: 9, preview: []byte("\xff\xd8\xff broken")})[:3000], june},
	}
	c.put(bad...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := c.write()
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 200<<20 {
		t.Errorf("%d MB were used", (after.TotalAlloc-before.TotalAlloc)>>20)
	}
	if r.Without != len(bad) || r.Made != 0 || r.Waiting != 0 {
		t.Errorf("%+v, want %d without a preview", r, len(bad))
	}
	page := c.read("export/view/photos-1.html")
	for _, want := range []string{"<b>HEIC</b>", "<b>MP4</b>", "IMG_0001.HEIC", "cut.jpg", "bomb.png"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if strings.Contains(page, "<img") {
		t.Error("there is a picture on the page")
	}
}

// TestAgain: a second time costs nothing, and what someone took away is made anew.
func TestAgain(t *testing.T) {
	c := newCopy(t)
	one, two := withEXIF(jpegOf(t, corners(640, 480)), exifData{taken: june}), pngOf(t, corners(320, 400))
	c.put(file{photos, "one.jpg", "", one, june}, file{photos, "two.png", "", two, june})
	if r := c.write(); r.Made != 2 || r.Written != 1 {
		t.Errorf("the first time: %+v", r)
	}
	if r := c.write(); r.Made != 0 || r.Reused != 2 || r.Written != 0 {
		t.Errorf("the second time: %+v", r)
	}
	if err := os.Remove(previewOf(c.dir, one)); err != nil {
		t.Fatal(err)
	}
	if r := c.write(); r.Made != 1 || r.Reused != 1 {
		t.Errorf("after one was removed: %+v", r)
	}
	// A run that was killed leaves previews that are not listed: one may be torn.
	if err := errors.Join(os.Remove(filepath.Join(c.dir, "export/view/photos.jsonl")), os.WriteFile(previewOf(c.dir, two), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if r := c.write(); r.Made != 2 {
		t.Errorf("after the list was lost: %+v", r)
	}
	c.preview(two)
}

// TestTime: what there is no time for waits, is said to, and is made later.
func TestTime(t *testing.T) {
	c := newCopy(t)
	data := jpegOf(t, corners(640, 480))
	c.put(file{photos, "one.jpg", "", data, june})
	r := c.write(func(o *viewer.Options) { o.Budget = -1 })
	if r.Outcome != viewer.Waiting || r.Waiting != 1 || r.Made != 0 {
		t.Errorf("without time: %+v", r)
	}
	if page := c.read("export/view/photos-1.html"); !strings.Contains(page, "preview follows") || !strings.Contains(page, "June 2024") {
		t.Error("the page does not say that the preview follows, or in which month it is")
	}
	if index := c.read("index.html"); !strings.Contains(index, "1 photo has no sharp preview yet. The photos themselves are whole.") {
		t.Error("index.html does not say that a preview waits")
	}
	if r := c.write(); r.Outcome != viewer.Complete || r.Made != 1 {
		t.Errorf("with time: %+v", r)
	}
	if page := c.read("export/view/photos-1.html"); strings.Contains(page, "preview follows") {
		t.Error("the page still says that the preview follows")
	}
}

// TestCancelled: what was made until then is not made again.
func TestCancelled(t *testing.T) {
	c := newCopy(t)
	var files []file
	for i := range 40 {
		files = append(files, file{photos, fmt.Sprintf("%d.png", i), "", unlike(t, i), june})
	}
	c.put(files...)
	ctx, cancel := context.WithCancel(t.Context())
	made := 0
	o := viewer.Options{Workers: 1, Zone: time.UTC, Progress: func(p viewer.Progress) {
		made = p.Done
		cancel()
	}}
	r, err := viewer.Write(ctx, c.bag, o)
	if !errors.Is(err, context.Canceled) || r.Outcome != viewer.Nothing || made == 0 {
		t.Fatalf("%+v %v after %d", r, err, made)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "index.html")); err == nil {
		t.Error("a run that was cancelled wrote index.html")
	}
	if r := c.write(); r.Reused < made || r.Reused+r.Made != 40 {
		t.Errorf("%+v, want at least the %d of before to be there", r, made)
	}
}

// TestRoom: previews never fill a disk.
func TestRoom(t *testing.T) {
	c := newCopy(t)
	c.put(file{photos, "one.jpg", "", jpegOf(t, corners(640, 480)), june})
	r := c.write(func(o *viewer.Options) {
		o.Free = func(string) (uint64, error) { return 100 << 20, nil }
	})
	if !r.NoRoom || r.Outcome != viewer.Waiting || r.Made != 0 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(c.read("index.html"), "The disk is too full to make them.") {
		t.Error("index.html does not say why previews are missing")
	}
}
