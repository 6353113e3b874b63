package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"
)

func picture(width, height int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White, color.RGBA{200, 10, 10, 255}})
	for i := range m.Pix {
		m.Pix[i] = uint8(i * 7 % 3)
	}
	return m
}

func encode(t testing.TB, write func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, picture(60, 40)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func isoBox(name string, body ...[]byte) []byte {
	b := bytes.Join(body, nil)
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(b))), name...), b...)
}

func ispe(width, height uint32) []byte {
	return isoBox("ispe", make([]byte, 4), binary.BigEndian.AppendUint32(nil, width), binary.BigEndian.AppendUint32(nil, height))
}

func riff(chunks ...[]byte) []byte {
	b := bytes.Join(chunks, nil)
	return append(append([]byte("RIFF"), append(binary.LittleEndian.AppendUint32(nil, uint32(4+len(b))), "WEBP"...)...), b...)
}

func chunk(name string, body []byte) []byte {
	b := append([]byte(name), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	return append(append(b, body...), make([]byte, len(body)%2)...)
}

// tiffFile is a little-endian TIFF with one strip.
func tiffFile(width, height uint32, data []byte) []byte {
	b := append([]byte("II*\x00"), 8, 0, 0, 0)
	tags := [][2]uint32{{256, width}, {257, height}, {273, 8 + 2 + 4*12 + 4}, {279, uint32(len(data))}}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		b = binary.LittleEndian.AppendUint16(b, uint16(t[0]))
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, t[1])
	}
	return append(append(b, 0, 0, 0, 0), data...)
}

// whole gives one sound file of each format.
func whole(t testing.TB) map[string][]byte {
	t.Helper()
	vp8 := append([]byte{0, 0, 0, 0x9d, 0x01, 0x2a, 60, 0, 40, 0}, make([]byte, 50)...)
	vp8l := append([]byte{0x2f}, binary.LittleEndian.AppendUint32(nil, 59|39<<14)...)
	vp8x := []byte{0, 0, 0, 0, 59, 0, 0, 39, 0, 0}
	ftyp := func(brands string) []byte {
		return isoBox("ftyp", []byte(brands[:4]), make([]byte, 4), []byte(brands[4:]))
	}
	properties := isoBox("ipco", isoBox("hvcC", make([]byte, 20)), ispe(16, 16), ispe(60, 40), ispe(8, 8))
	return map[string][]byte{
		"a.jpg":      encode(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }),
		"a.png":      encode(t, png.Encode),
		"a.gif":      encode(t, func(w io.Writer, m image.Image) error { return gif.Encode(w, m, nil) }),
		"lossy.webp": riff(chunk("VP8 ", vp8)), "lossless.webp": riff(chunk("VP8L", append(vp8l, make([]byte, 30)...))),
		"extended.webp": riff(chunk("VP8X", vp8x), chunk("ICCP", make([]byte, 7)), chunk("VP8 ", vp8)),
		"a.heic":        bytes.Join([][]byte{ftyp("heicmif1heic"), isoBox("meta", make([]byte, 4), isoBox("hdlr", make([]byte, 24)), isoBox("iprp", properties)), isoBox("mdat", make([]byte, 300))}, nil),
		"a.avif":        bytes.Join([][]byte{ftyp("avifavifmif1"), isoBox("meta", make([]byte, 4), isoBox("iprp", properties)), isoBox("mdat", make([]byte, 300))}, nil),
		"a.dng":         tiffFile(60, 40, make([]byte, 400)),
		"a.mp4":         bytes.Join([][]byte{ftyp("isomisommp42"), isoBox("mdat", make([]byte, 500)), isoBox("moov", make([]byte, 100))}, nil),
		"old.mov":       bytes.Join([][]byte{isoBox("wide"), isoBox("mdat", make([]byte, 500)), isoBox("moov", make([]byte, 100))}, nil),
	}
}

func check(name string, b []byte) (Media, error) {
	return InspectMedia(name, bytes.NewReader(b), int64(len(b)))
}

func TestInspectMediaWhole(t *testing.T) {
	for name, b := range whole(t) {
		m, err := check(name, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		film := m.Kind == Film
		if !film && (m.Width != 60 || m.Height != 40) || film && m.Width != 0 {
			t.Errorf("%s: %+v", name, m)
		}
		if m2, err := check("no-name", b); err != nil || m2 != m {
			t.Errorf("%s under another name: %+v %v", name, m2, err)
		}
	}
}

// Wherever a file is cut, it is told; the bytes of a JPEG after its end are not
// the picture's.
func TestInspectMediaCutOff(t *testing.T) {
	for name, b := range whole(t) {
		for n := range len(b) {
			_, err := check(name, b[:n])
			if err == nil {
				t.Errorf("%s: %d of %d bytes pass", name, n, len(b))
				break
			}
			var typed *MediaError
			if !errors.As(err, &typed) || typed.Name != name {
				t.Errorf("%s: error %T", name, err)
			}
			// Films and HEIC cut between two boxes lack a part; that is told as cut off too.
			if !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut at %d of %d: %v", name, n, len(b), err)
				break
			}
		}
		if _, err := check(name, append(bytes.Clone(b), "trailing film"...)); err != nil && (name == "a.jpg" || name == "a.png" || name == "a.gif" || strings.HasSuffix(name, ".webp")) {
			t.Errorf("%s with a trailer: %v", name, err)
		}
	}
}

func TestInspectMediaBroken(t *testing.T) {
	files := whole(t)
	change := func(name string, at int, to ...byte) []byte {
		b := bytes.Clone(files[name])
		copy(b[at:], to)
		return b
	}
	html := []byte("<html><body>Please sign in</body></html>")
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"login-page.jpg", html, ErrNotImage},
		{"zeros.JPG", make([]byte, 4096), ErrNotImage},
		{"empty.png", nil, ErrTruncated},
		{"page.html", html, ErrUnknownFormat},
		{"no-extension", nil, ErrUnknownFormat},
		{"sum.png", change("a.png", 42, 7), ErrDamaged},
		{"zero-width.gif", change("a.gif", 6, 0, 0), ErrDamaged},
		{"blocks.gif", change("a.gif", len(files["a.gif"])-1, 0x77), ErrDamaged},
		{"second-start.jpg", append([]byte{0xff, 0xd8}, files["a.jpg"]...), ErrDamaged},
		{"only-markers.jpg", []byte{0xff, 0xd8, 0xff, 0xd9}, ErrDamaged},
		{"short-segment.jpg", []byte{0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0}, ErrDamaged},
		{"box-of-2.heic", append(bytes.Clone(files["a.heic"]), 0, 0, 0, 2, 'f', 'r', 'e', 'e', 0, 0), ErrDamaged},
		{"no-properties.heic", bytes.Join([][]byte{files["a.heic"][:24], isoBox("meta", make([]byte, 4)), isoBox("mdat")}, nil), ErrDamaged},
		{"no-picture.webp", riff(chunk("EXIF", make([]byte, 8))), ErrDamaged},
		{"strip-outside.tif", change("a.dng", 8+2+3*12+8, 0, 0, 1), ErrTruncated},
		{"huge.mp4", append(files["a.mp4"][:24:24], 0, 0, 0, 1, 'm', 'd', 'a', 't', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), ErrDamaged},
	}
	for _, tt := range tests {
		if err := CheckMedia(tt.name, bytes.NewReader(tt.b), int64(len(tt.b))); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A file may shrink after it was listed.
func TestInspectMediaShorterThanSaid(t *testing.T) {
	for name, b := range whole(t) {
		if _, err := InspectMedia(name, bytes.NewReader(b[:len(b)/2]), int64(len(b))); !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type brokenDisk struct{ err error }

func (d brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, d.err }

func TestInspectMediaReadError(t *testing.T) {
	bad := errors.New("input/output error")
	_, err := InspectMedia("a.jpg", brokenDisk{bad}, 1000)
	if !errors.Is(err, bad) || errors.Is(err, ErrTruncated) {
		t.Errorf("%v", err)
	}
}

// exifJPEG puts an EXIF segment with two dates and an offset into a JPEG.
func exifJPEG(t testing.TB, date, offset string) []byte {
	t.Helper()
	le := binary.LittleEndian
	entry := func(b []byte, tag, kind uint16, count, value uint32) []byte {
		b = le.AppendUint16(le.AppendUint16(b, tag), kind)
		return le.AppendUint32(le.AppendUint32(b, count), value)
	}
	tiff := append([]byte("II*\x00"), 8, 0, 0, 0)
	tiff = le.AppendUint16(tiff, 1)
	tiff = entry(tiff, 0x8769, 4, 1, 26) // IFD0 → EXIF directory
	tiff = append(tiff, 0, 0, 0, 0)
	tiff = le.AppendUint16(tiff, 2)
	data := uint32(26 + 2 + 24 + 4)
	tiff = entry(tiff, 0x9003, 2, 20, data)
	tiff = entry(tiff, 0x9011, 2, 7, data+20)
	tiff = append(tiff, 0, 0, 0, 0)
	tiff = append(tiff, (date + "\x00")[:20]...)
	tiff = append(tiff, (offset + strings.Repeat("\x00", 8))[:8]...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	plain := whole(t)["a.jpg"]
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return append(append(out, body...), plain[2:]...)
}

func TestTakenAt(t *testing.T) {
	b := exifJPEG(t, "2019:07:20 20:17:40", "+02:00")
	if _, err := check("a.jpg", b); err != nil {
		t.Fatal(err)
	}
	got, err := TakenAt(bytes.NewReader(b), JPEG)
	if want := time.Date(2019, 7, 20, 18, 17, 40, 0, time.UTC); err != nil || !got.Zoned || !got.Time.Equal(want) {
		t.Errorf("%+v %v", got, err)
	}
	got, err = TakenAt(bytes.NewReader(exifJPEG(t, "2019:07:20 20:17:40", "")), JPEG)
	if want := time.Date(2019, 7, 20, 20, 17, 40, 0, time.UTC); err != nil || got.Zoned || !got.Time.Equal(want) {
		t.Errorf("%+v %v", got, err)
	}
	for _, date := range []string{"0000:00:00 00:00:00", "    :  :     :  :  ", "2019-07-20 20:17:40"} {
		if got, err := TakenAt(bytes.NewReader(exifJPEG(t, date, "")), JPEG); !errors.Is(err, ErrNoDate) {
			t.Errorf("%q: %+v %v", date, got, err)
		}
	}
	for name, b := range whole(t) {
		m, err := check(name, b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := TakenAt(bytes.NewReader(b), m.Kind); err == nil {
			t.Errorf("%s has no date and got %+v", name, got)
		}
	}
}

func FuzzMedia(f *testing.F) {
	for _, b := range whole(f) {
		f.Add(b)
	}
	f.Add(exifJPEG(f, "2019:07:20 20:17:40", "+02:00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := check("a.jpg", b)
		if err == nil && (m.Kind == "" || m.Kind != Film && m.Kind != TIFF && m.Width <= 0) {
			t.Errorf("passes as %+v", m)
		}
		if taken, err := TakenAt(bytes.NewReader(b), m.Kind); err == nil && taken.Time.IsZero() {
			t.Error("a date that is none")
		}
	})
}
