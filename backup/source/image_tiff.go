package source

import "encoding/binary"

// tiff checks the header and the first directory (TIFF 6.0 section 2), on which
// most cameras' RAW formats are built, and that strips and tiles named there lie
// within the file.
func (f *mediaFile) tiff(m *Media) error {
	head, err := f.at(0, 8)
	if err != nil {
		return err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'M' {
		order = binary.BigEndian
	}
	dir := int64(order.Uint32(head[4:]))
	count, err := f.at(dir, 2)
	if err != nil {
		return err
	}
	n := int(order.Uint16(count))
	if n == 0 {
		return damaged("an empty directory")
	}
	entries, err := f.at(dir+2, 12*n)
	if err != nil {
		return err
	}
	t := tiffDirectory{f: f, order: order}
	for i := range n {
		if err := t.entry(entries[12*i:][:12]); err != nil {
			return err
		}
	}
	if err := t.strips(); err != nil {
		return err
	}
	if t.width == 0 && t.height == 0 {
		return nil
	}
	return setSize(m, t.width, t.height)
}

type tiffDirectory struct {
	f             *mediaFile
	order         binary.ByteOrder
	width, height uint64
	offsets       []uint32
	counts        []uint32
}

// maxStrips whose places are checked; the rest is taken as it is.
const maxStrips = 1 << 16

func (t *tiffDirectory) entry(e []byte) error {
	tag := t.order.Uint16(e)
	switch tag {
	case 256, 257, 273, 279, 324, 325:
	default:
		return nil
	}
	values, err := t.values(e)
	if err != nil || len(values) == 0 {
		return err
	}
	switch tag {
	case 256:
		t.width = uint64(values[0])
	case 257:
		t.height = uint64(values[0])
	case 273, 324:
		t.offsets = values
	case 279, 325:
		t.counts = values
	}
	return nil
}

// values reads SHORT and LONG values.
func (t *tiffDirectory) values(e []byte) ([]uint32, error) {
	var width int
	n := min(t.order.Uint32(e[4:]), maxStrips)
	switch t.order.Uint16(e[2:]) {
	case 3:
		width = 2
	case 4:
		width = 4
	default:
		return nil, nil
	}
	b := e[8:12]
	if size := int(n) * width; size > 4 {
		var err error
		if b, err = t.f.at(int64(t.order.Uint32(b)), size); err != nil {
			return nil, err
		}
	}
	out := make([]uint32, n)
	for i := range out {
		if width == 2 {
			out[i] = uint32(t.order.Uint16(b[2*i:]))
		} else {
			out[i] = t.order.Uint32(b[4*i:])
		}
	}
	return out, nil
}

func (t *tiffDirectory) strips() error {
	for i := range min(len(t.offsets), len(t.counts)) {
		if end := int64(t.offsets[i]) + int64(t.counts[i]); end > t.f.size {
			return truncated("%d of at least %d bytes", t.f.size, end)
		}
	}
	return nil
}
