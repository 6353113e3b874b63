package source

import (
	"bufio"
	"errors"
	"io"
)

// jpeg walks the segments of a JPEG (ITU T.81 annex B) up to its end of image.
func (f *mediaFile) jpeg(m *Media) error {
	j := jpegWalk{in: bufio.NewReaderSize(io.NewSectionReader(f.r, 2, max(0, f.size-2)), 64<<10)}
	err := j.walk(m)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated("%s", j.where())
	}
	return err
}

type jpegWalk struct {
	in     *bufio.Reader
	scans  int // begun
	framed bool
}

func (j *jpegWalk) where() string {
	if j.scans == 0 {
		return "it ends before the picture begins"
	}
	return "it ends within the picture: the lower part is missing"
}

// walk reads markers until the end of image.
func (j *jpegWalk) walk(m *Media) error {
	for {
		marker, err := j.marker()
		if err != nil {
			return err
		}
		switch {
		case marker == 0xd9: // EOI
			if j.scans == 0 || !j.framed {
				return damaged("there is no picture in it")
			}
			return nil
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd7: // TEM, RSTn
		case isStartOfFrame(marker):
			err = j.frame(m)
		case marker == 0xda: // SOS
			if !j.framed {
				return damaged("the picture begins before its size")
			}
			j.scans++
			err = j.skip()
		case marker == 0xd8:
			return damaged("a second picture begins within the first")
		default:
			err = j.skip()
		}
		if err != nil {
			return err
		}
	}
}

// marker finds the next marker. After a scan began it passes over its data, in
// which 0xff is followed by 0 or a restart marker.
func (j *jpegWalk) marker() (byte, error) {
	for {
		c, err := j.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != 0xff {
			if j.scans == 0 {
				return 0, damaged("byte %#02x where a segment should begin", c)
			}
			if err := j.toMarker(); err != nil {
				return 0, err
			}
		}
		for c = 0xff; c == 0xff; {
			if c, err = j.in.ReadByte(); err != nil {
				return 0, err
			}
		}
		if c != 0 {
			return c, nil
		}
		if j.scans == 0 {
			return 0, damaged("data before the picture begins")
		}
	}
}

// toMarker passes over scan data and the 0xff after it.
func (j *jpegWalk) toMarker() error {
	for {
		_, err := j.in.ReadSlice(0xff)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (j *jpegWalk) length() (int, error) {
	var b [2]byte
	if _, err := io.ReadFull(j.in, b[:]); err != nil {
		return 0, err
	}
	n := int(b[0])<<8 | int(b[1])
	if n < 2 {
		return 0, damaged("a segment of %d bytes", n)
	}
	return n - 2, nil
}

func (j *jpegWalk) skip() error {
	n, err := j.length()
	if err != nil {
		return err
	}
	_, err = j.in.Discard(n)
	return err
}

func isStartOfFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// frame reads the size of the picture.
func (j *jpegWalk) frame(m *Media) error {
	n, err := j.length()
	if err != nil {
		return err
	}
	if n < 6 {
		return damaged("a frame header of %d bytes", n)
	}
	var b [6]byte
	if _, err := io.ReadFull(j.in, b[:]); err != nil {
		return err
	}
	if _, err := j.in.Discard(n - len(b)); err != nil {
		return err
	}
	height, width := int(b[1])<<8|int(b[2]), int(b[3])<<8|int(b[4])
	if height == 0 || width == 0 {
		return damaged("a picture of %d by %d", width, height)
	}
	if j.framed && (m.Width != width || m.Height != height) {
		return damaged("two sizes")
	}
	j.framed, m.Width, m.Height = true, width, height
	return nil
}
