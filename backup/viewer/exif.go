package viewer

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"io"
)

// Limits for the metadata of one picture.
const (
	maxDirectories = 24
	maxFields      = 1000     // of one directory
	maxPreview     = 16 << 20 // bytes of one embedded preview
)

// The tags that are looked at (TIFF 6.0 section 8; EXIF 2.32 section 4.6.4; DNG
// 1.6 and TIFF/EP for SubIFDs).
const (
	tagCompression  = 0x0103
	tagStripOffsets = 0x0111
	tagOrientation  = 0x0112
	tagStripCounts  = 0x0117
	tagSubIFDs      = 0x014a
	tagJPEGOffset   = 0x0201
	tagJPEGLength   = 0x0202
)

// exif is what the metadata of a picture says that the viewer needs.
type exif struct {
	orientation int // 1 to 8; 0: not said
	previews    []span
	r           io.ReaderAt // what the spans are offsets in
}

// span is a part of a file.
type span struct{ off, n int64 }

// readEXIF looks for the metadata of a picture. It says nothing where there is
// none or it is broken: a picture without is a picture all the same.
func readEXIF(kind format, f io.ReaderAt, size int64, head []byte) exif {
	switch kind {
	case formatTIFF:
		return readTIFF(f, size)
	case formatJPEG:
		if off, n, ok := jpegEXIF(head); ok {
			n = min(n, size-off)
			return readTIFF(io.NewSectionReader(f, off, n), n)
		}
	case formatHEIF, formatWebP, formatRAF:
		// Without its boxes taken apart: the mark of EXIF 2.32 section 4.7.2
		// stands before the TIFF structure in all of them.
		if i := bytes.Index(head, []byte("Exif\x00\x00")); i >= 0 {
			off := int64(i) + 6
			return readTIFF(io.NewSectionReader(f, off, size-off), size-off)
		}
	case formatPNG:
		if i := bytes.Index(head, []byte("eXIf")); i >= 0 {
			off := int64(i) + 4
			return readTIFF(io.NewSectionReader(f, off, size-off), size-off)
		}
	}
	return exif{}
}

// jpegEXIF finds the TIFF structure in the first segments of a JPEG file.
func jpegEXIF(head []byte) (off, n int64, ok bool) {
	at := 2
	for at+10 <= len(head) && head[at] == 0xff {
		length := int(binary.BigEndian.Uint16(head[at+2:]))
		if head[at+1] == 0xda || length < 2 {
			break
		}
		if head[at+1] == 0xe1 && length >= 16 && bytes.HasPrefix(head[at+4:], []byte("Exif\x00\x00")) {
			return int64(at + 10), int64(length - 8), true
		}
		at += 2 + length
	}
	return 0, 0, false
}

// readTIFF walks the directories of a TIFF structure.
func readTIFF(r io.ReaderAt, size int64) exif {
	e := exif{r: r}
	var start [8]byte
	if n, _ := r.ReadAt(start[:], 0); n < len(start) { // no header, no metadata
		return e
	}
	t := &tiffWalk{r: r, size: size, order: binary.ByteOrder(binary.LittleEndian), out: &e, seen: map[int64]bool{}}
	if start[0] == 'M' {
		t.order = binary.BigEndian
	}
	t.queue = append(t.queue, int64(t.order.Uint32(start[4:])))
	for len(t.queue) > 0 && len(t.seen) < maxDirectories {
		next := t.queue[0]
		t.queue = t.queue[1:]
		t.directory(next)
	}
	return e
}

type tiffWalk struct {
	r     io.ReaderAt
	size  int64
	order binary.ByteOrder
	out   *exif
	queue []int64
	seen  map[int64]bool
}

func (t *tiffWalk) directory(at int64) {
	if at < 8 || at >= t.size-2 || t.seen[at] {
		return
	}
	t.seen[at] = true
	var count [2]byte
	if n, _ := t.r.ReadAt(count[:], at); n < 2 {
		return
	}
	n := min(int(t.order.Uint16(count[:])), maxFields)
	body := make([]byte, 12*n+4)
	got, _ := t.r.ReadAt(body, at+2) // what is cut off is not looked at
	v := map[uint16]uint32{}
	for i := 0; i+12 <= got && i < 12*n; i += 12 {
		field := body[i : i+12]
		tag := t.order.Uint16(field)
		if tag == tagSubIFDs {
			t.children(field)
		} else if one := t.order.Uint32(field[4:]) == 1; one {
			v[tag] = t.value(field)
		}
	}
	if o := int(v[tagOrientation]); o >= 1 && o <= 8 && t.out.orientation == 0 {
		t.out.orientation = o
	}
	t.preview(int64(v[tagJPEGOffset]), int64(v[tagJPEGLength]))
	if c := v[tagCompression]; c == 6 || c == 7 {
		t.preview(int64(v[tagStripOffsets]), int64(v[tagStripCounts]))
	}
	if got == len(body) {
		t.queue = append(t.queue, int64(t.order.Uint32(body[12*n:])))
	}
}

// value reads a field of one SHORT or LONG.
func (t *tiffWalk) value(field []byte) uint32 {
	if t.order.Uint16(field[2:]) == 3 {
		return uint32(t.order.Uint16(field[8:]))
	}
	return t.order.Uint32(field[8:])
}

func (t *tiffWalk) children(field []byte) {
	count := min(int64(t.order.Uint32(field[4:])), maxDirectories)
	at := int64(t.order.Uint32(field[8:]))
	if count == 1 {
		t.queue = append(t.queue, at)
		return
	}
	list := make([]byte, 4*count)
	n, _ := t.r.ReadAt(list, at) // what is cut off is not looked at
	for i := 0; i+4 <= n; i += 4 {
		t.queue = append(t.queue, int64(t.order.Uint32(list[i:])))
	}
}

func (t *tiffWalk) preview(off, n int64) {
	if off > 0 && n > 64 && n <= maxPreview && off+n <= t.size {
		t.out.previews = append(t.out.previews, span{off, n})
	}
}

// bestPreview chooses among embedded previews the smallest that is large enough
// for a tile, else the largest.
func (e *exif) bestPreview() (span, image.Config, bool) {
	var best span
	var of image.Config
	for _, s := range e.previews {
		c, err := jpeg.DecodeConfig(io.NewSectionReader(e.r, s.off, s.n))
		if err != nil || !affordable(formatJPEG, c, true) {
			continue // a lossless or broken one is no preview
		}
		have, had := min(c.Width, c.Height), min(of.Width, of.Height)
		if had == 0 || (have >= tileShort && (have < had || had < tileShort)) || (have < tileShort && have > had) {
			best, of = s, c
		}
	}
	return best, of, of.Width > 0
}
