package viewer_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"
	"time"
)

// corners is a picture whose upper left quarter is red, the upper right green,
// the lower left blue and the lower right white.
func corners(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{{220, 0, 0, 255}, {0, 200, 0, 255}}, {{0, 0, 220, 255}, {255, 255, 255, 255}}}[2*y/h][2*x/w]
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exifData is what a camera notes in a picture.
type exifData struct {
	orientation uint16
	taken       time.Time
	preview     []byte
}

// tiff is the metadata as a TIFF structure (EXIF 2.32 section 4.5).
func (e exifData) tiff() []byte {
	le := binary.LittleEndian
	entry := func(b []byte, tag, kind uint16, n, v uint32) []byte {
		return le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, tag), kind), n), v)
	}
	const dir0 = 8
	const dates = dir0 + 2 + 2*12 + 4 // the EXIF directory
	const text = dates + 2 + 12 + 4
	const dir1 = text + 20
	const data = dir1 + 2 + 2*12 + 4
	b := append([]byte("II*\x00"), dir0, 0, 0, 0)
	b = le.AppendUint16(b, 2)
	b = entry(b, 0x0112, 3, 1, uint32(e.orientation))
	b = entry(b, 0x8769, 4, 1, dates)
	b = le.AppendUint32(b, dir1)
	b = le.AppendUint16(b, 1)
	b = entry(b, 0x9003, 2, 20, text)
	b = le.AppendUint32(b, 0)
	b = append(b, e.taken.Format("2006:01:02 15:04:05")+"\x00"...)
	b = le.AppendUint16(b, 2)
	b = entry(b, 0x0201, 4, 1, data)
	b = entry(b, 0x0202, 4, 1, uint32(len(e.preview)))
	b = le.AppendUint32(b, 0)
	return append(b, e.preview...)
}

// withEXIF puts metadata into a JPEG file, where cameras put it.
func withEXIF(data []byte, e exifData) []byte {
	body := append([]byte("Exif\x00\x00"), e.tiff()...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{data[:2], head, body, data[2:]}, nil)
}

// bomb is a PNG file of a few bytes that declares w by h pixels.
func bomb(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		body := append([]byte(kind), data...)
		b = binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
	}
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(size, 8, 6, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return b
}

// heic is the beginning of a HEIC file.
var heic = []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x08mdat")

// unlike is a small picture like no other of its kind.
func unlike(t testing.TB, i int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for at := 0; at < len(m.Pix); at += 4 {
		copy(m.Pix[at:], []byte{byte(i * 7), byte(i >> 3), byte(at), 255})
	}
	m.SetRGBA(0, 0, color.RGBA{byte(i), byte(i >> 8), byte(i >> 16), 255})
	return pngOf(t, m)
}
