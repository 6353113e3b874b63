package source

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// maxPixels is the largest width or height that is believed.
const maxPixels = 1 << 24

func setSize(m *Media, width, height uint64) error {
	if width == 0 || height == 0 || width > maxPixels || height > maxPixels {
		return damaged("a picture of %d by %d", width, height)
	}
	m.Width, m.Height = int(width), int(height)
	return nil
}

// png walks the chunks (RFC 2083) to IEND and checks their sums.
func (f *mediaFile) png(m *Media) error {
	data := false
	for off, first := int64(8), true; ; first = false {
		head, err := f.at(off, 8)
		if err != nil {
			return err
		}
		n, name := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		sum, err := f.at(off+8+n, 4)
		if err != nil {
			return err
		}
		if first {
			if name != "IHDR" || n != 13 {
				return damaged("it does not begin with its size")
			}
			b, err := f.at(off+8, 8)
			if err != nil {
				return err
			}
			if err := setSize(m, uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))); err != nil {
				return err
			}
		}
		crc := crc32.NewIEEE()
		if _, err := io.Copy(crc, io.NewSectionReader(f.r, off+4, n+4)); err != nil {
			return err
		}
		if crc.Sum32() != binary.BigEndian.Uint32(sum) {
			return damaged("part %.4q does not match its sum", name)
		}
		data = data || name == "IDAT"
		if name == "IEND" {
			if !data {
				return damaged("there is no picture in it")
			}
			return nil
		}
		off += 12 + n
	}
}

// gif walks the blocks (GIF89a specification) to the trailer.
func (f *mediaFile) gif(m *Media) error {
	head, err := f.at(0, 13)
	if err != nil {
		return err
	}
	if err := setSize(m, uint64(binary.LittleEndian.Uint16(head[6:])), uint64(binary.LittleEndian.Uint16(head[8:]))); err != nil {
		return err
	}
	in := &byteWalk{f: f, off: 13 + colourTable(head[10])}
	pictures := 0
	for {
		switch c := in.next(); {
		case in.err != nil:
			return in.err
		case c == 0x3b:
			if pictures == 0 {
				return damaged("there is no picture in it")
			}
			return nil
		case c == 0x21: // extension: label, sub-blocks
			in.off++
		case c == 0x2c: // image: place, size, flags; table; code size; sub-blocks
			pictures++
			in.off += 8
			in.off += colourTable(in.next()) + 1
		default:
			return damaged("byte %#02x where a block should begin", c)
		}
		for n := in.next(); n != 0 && in.err == nil; n = in.next() {
			in.off += int64(n)
		}
	}
}

func colourTable(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// byteWalk reads single bytes at places that move forward.
type byteWalk struct {
	f    *mediaFile
	off  int64
	buf  []byte
	from int64
	err  error
}

func (w *byteWalk) next() byte {
	if w.err != nil {
		return 0
	}
	if i := w.off - w.from; i < 0 || i >= int64(len(w.buf)) {
		n := min(4096, w.f.size-w.off)
		if n <= 0 {
			w.err = truncated("it ends at byte %d", w.f.size)
			return 0
		}
		if w.buf, w.err = w.f.at(w.off, int(n)); w.err != nil {
			return 0
		}
		w.from = w.off
	}
	c := w.buf[w.off-w.from]
	w.off++
	return c
}

// webp walks the chunks of the RIFF container (RFC 9649).
func (f *mediaFile) webp(m *Media) error {
	head, err := f.at(0, 12)
	if err != nil {
		return err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > f.size {
		return truncated("%d of %d bytes", f.size, end)
	}
	picture := false
	for off := int64(12); off+8 <= end; {
		head, err := f.at(off, 8)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if off+8+n > end {
			return damaged("part %.4q is larger than the file says it is", head[:4])
		}
		name := string(head[:4])
		if err := f.webpSize(m, name, off+8, n); err != nil {
			return err
		}
		picture = picture || name == "VP8 " || name == "VP8L" || name == "ANMF"
		off += 8 + n + n&1
	}
	if !picture || m.Width == 0 {
		return damaged("there is no picture in it")
	}
	return nil
}

// webpSize reads the size from the first chunk that has it.
func (f *mediaFile) webpSize(m *Media, name string, off, n int64) error {
	if m.Width != 0 || name != "VP8X" && name != "VP8 " && name != "VP8L" {
		return nil
	}
	if n < 10 {
		return damaged("part %.4q of %d bytes", name, n)
	}
	b, err := f.at(off, 10)
	if err != nil {
		return err
	}
	switch name {
	case "VP8X":
		return setSize(m, uint64(b[4])|uint64(b[5])<<8|uint64(b[6])<<16+1, uint64(b[7])|uint64(b[8])<<8|uint64(b[9])<<16+1)
	case "VP8 ":
		if b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
			return damaged("the picture has no start code")
		}
		return setSize(m, uint64(binary.LittleEndian.Uint16(b[6:])&0x3fff), uint64(binary.LittleEndian.Uint16(b[8:])&0x3fff))
	}
	if b[0] != 0x2f {
		return damaged("the picture has no signature")
	}
	bits := uint64(binary.LittleEndian.Uint32(b[1:]))
	return setSize(m, bits&0x3fff+1, bits>>14&0x3fff+1)
}
