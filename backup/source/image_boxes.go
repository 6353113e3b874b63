package source

import (
	"encoding/binary"
	"strings"
)

const (
	maxBoxes    = 100000  // of one file
	maxMetaSize = 4 << 20 // bytes of the properties that are searched for a size
)

// box is a part of an ISO base media file (ISO/IEC 14496-12).
type box struct {
	name       string
	start, end int64 // of what is in it
}

// boxes gives the boxes between two offsets.
func (f *mediaFile) boxes(start, end int64) ([]box, error) {
	var out []box
	for off := start; off < end; {
		if len(out) == maxBoxes {
			return nil, damaged("more than %d parts", maxBoxes)
		}
		if end-off < 8 {
			if end == f.size {
				return out, nil // some writers leave a few bytes
			}
			return nil, damaged("a part of %d bytes", end-off)
		}
		head, err := f.at(off, int(min(16, end-off)))
		if err != nil {
			return nil, err
		}
		size, body := int64(binary.BigEndian.Uint32(head)), off+8
		switch {
		case size == 0: // to the end
			size = end - off
		case size == 1 && len(head) == 16:
			large := binary.BigEndian.Uint64(head[8:])
			if large > 1<<62 {
				return nil, damaged("a part of %d bytes", large)
			}
			size, body = int64(large), off+16
		}
		if size < body-off {
			return nil, damaged("a part of %d bytes", size)
		}
		if size > end-off {
			if end == f.size {
				return nil, truncated("part %.4q is %d bytes, %d are there", head[4:8], size, end-off)
			}
			return nil, damaged("part %.4q is larger than what it is in", head[4:8])
		}
		out = append(out, box{string(head[4:8]), body, off + size})
		off += size
	}
	return out, nil
}

func find(boxes []box, name string) (box, bool) {
	for _, b := range boxes {
		if b.name == name {
			return b, true
		}
	}
	return box{}, false
}

// brand tells pictures from films by the brands of ftyp.
func (f *mediaFile) brand() (MediaKind, error) {
	head, err := f.at(0, 8)
	if err != nil {
		return "", err
	}
	size := int64(binary.BigEndian.Uint32(head))
	if size < 16 || size > 4096 {
		return "", damaged("the file type is %d bytes", size)
	}
	b, err := f.at(8, int(size-8))
	if err != nil {
		return "", err
	}
	// The major brand decides. mif1 is structural: AVIF carries it as well.
	switch string(b[:4]) {
	case "heic", "heix", "heim", "heis", "mif1", "msf1", "avif", "avis", "hevc", "hevx", "MiHB":
		return HEIF, nil
	case "crx ":
		return "", nil // Canon's RAW: no format known here
	}
	for rest := b[8:]; len(rest) >= 4; rest = rest[4:] {
		if brand := string(rest[:4]); brand == "mif1" || brand == "heic" || brand == "avif" {
			return HEIF, nil
		}
	}
	return Film, nil
}

// heif checks the boxes of a HEIC or AVIF picture and finds its size: the
// largest ispe (ISO/IEC 23008-12 section 6.5.3), for tiles and thumbnails have
// their own.
func (f *mediaFile) heif(m *Media) error {
	top, err := f.boxes(0, f.size)
	if err != nil {
		return err
	}
	meta, found := find(top, "meta")
	if !found {
		return truncated("what describes the picture is missing")
	}
	if _, data := find(top, "mdat"); !data {
		in, err := f.boxes(meta.start+4, meta.end)
		if err != nil {
			return err
		}
		if _, inline := find(in, "idat"); !inline {
			return truncated("the picture itself is missing")
		}
	}
	bounds := meta
	for _, step := range []struct {
		name string
		skip int64 // version and flags
	}{{"iprp", 4}, {"ipco", 0}} {
		in, err := f.boxes(bounds.start+step.skip, bounds.end)
		if err != nil {
			return err
		}
		if bounds, found = find(in, step.name); !found {
			return damaged("the picture's properties are missing")
		}
	}
	return f.largest(m, bounds)
}

func (f *mediaFile) largest(m *Media, ipco box) error {
	if ipco.end-ipco.start > maxMetaSize {
		return damaged("properties of %d bytes", ipco.end-ipco.start)
	}
	in, err := f.boxes(ipco.start, ipco.end)
	if err != nil {
		return err
	}
	var width, height uint64
	for _, p := range in {
		if p.name != "ispe" {
			continue
		}
		if p.end-p.start < 12 {
			return damaged("a size of %d bytes", p.end-p.start)
		}
		b, err := f.at(p.start+4, 8)
		if err != nil {
			return err
		}
		w, h := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
		if w*h > width*height && w <= maxPixels && h <= maxPixels {
			width, height = w, h
		}
	}
	return setSize(m, width, height)
}

// film checks that the parts of an MP4 or MOV file are all there: phones write
// moov last, so a film that was cut off lacks it.
func (f *mediaFile) film() error {
	top, err := f.boxes(0, f.size)
	if err != nil {
		return err
	}
	var names []string
	for _, b := range top {
		names = append(names, b.name)
	}
	has := " " + strings.Join(names, " ") + " "
	if !strings.Contains(has, " moov ") {
		return truncated("what describes the film is missing")
	}
	if !strings.Contains(has, " mdat ") {
		return truncated("the film itself is missing")
	}
	return nil
}
