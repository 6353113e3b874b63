package content

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// shot is what a camera notes about a photo.
type shot struct {
	taken         time.Time
	make, model   string
	width, height int
	iso           uint16
	exposure      uint32 // 1/exposure seconds
	located       bool
	lat, lon      float64 // degrees
}

// The types of EXIF 2.32, table 3 (CIPA DC-008).
const (
	typeByte     = 1
	typeASCII    = 2
	typeShort    = 3
	typeLong     = 4
	typeRational = 5
	typeBinary   = 7
)

var le = binary.LittleEndian

// field is an entry of an image file directory.
type field struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

func ascii(tag uint16, s string) field {
	return field{tag, typeASCII, uint32(len(s) + 1), append([]byte(s), 0)}
}

func short(tag, v uint16) field { return field{tag, typeShort, 1, le.AppendUint16(nil, v)} }

func long(tag uint16, v uint32) field { return field{tag, typeLong, 1, le.AppendUint32(nil, v)} }

func rationals(tag uint16, pairs ...uint32) field {
	var b []byte
	for _, v := range pairs {
		b = le.AppendUint32(b, v)
	}
	return field{tag, typeRational, uint32(len(pairs) / 2), b}
}

// directory writes fields, which are in order of their tags, as they stand at an
// offset in the TIFF structure.
func directory(at uint32, fields []field) []byte {
	data := at + 2 + 12*uint32(len(fields)) + 4
	var tail []byte
	b := le.AppendUint16(nil, uint16(len(fields)))
	for _, f := range fields {
		b = le.AppendUint16(le.AppendUint16(b, f.tag), f.kind)
		b = le.AppendUint32(b, f.count)
		if len(f.data) <= 4 {
			b = append(b, append(bytes.Clone(f.data), make([]byte, 4-len(f.data))...)...)
			continue
		}
		b = le.AppendUint32(b, data+uint32(len(tail)))
		tail = append(tail, f.data...)
		if len(tail)%2 == 1 {
			tail = append(tail, 0)
		}
	}
	return append(le.AppendUint32(b, 0), tail...)
}

// segment is the APP1 segment of a JPEG with the EXIF data of the shot.
func (s *shot) segment() []byte {
	stamp := s.taken.Format("2006:01:02 15:04:05")
	main := []field{
		ascii(0x010f, s.make), ascii(0x0110, s.model), short(0x0112, 1),
		rationals(0x011a, 72, 1), rationals(0x011b, 72, 1), short(0x0128, 2),
		ascii(0x0132, stamp), short(0x0213, 1), long(0x8769, 0),
	}
	if s.located {
		main = append(main, long(0x8825, 0))
	}
	const start = 8
	exifAt := start + uint32(len(directory(start, main)))
	exif := directory(exifAt, []field{
		rationals(0x829a, 1, s.exposure), rationals(0x829d, 18, 10), short(0x8827, s.iso),
		{0x9000, typeBinary, 4, []byte("0232")}, ascii(0x9003, stamp), ascii(0x9004, stamp),
		ascii(0x9010, s.taken.Format("-07:00")), ascii(0x9011, s.taken.Format("-07:00")),
		rationals(0x920a, 54, 10), short(0xa001, 1), long(0xa002, uint32(s.width)), long(0xa003, uint32(s.height)),
	})
	gpsAt := exifAt + uint32(len(exif))
	for i := range main {
		switch main[i].tag {
		case 0x8769:
			main[i] = long(0x8769, exifAt)
		case 0x8825:
			main[i] = long(0x8825, gpsAt)
		}
	}
	tiff := append([]byte("II*\x00"), start, 0, 0, 0)
	tiff = append(append(tiff, directory(start, main)...), exif...)
	if s.located {
		tiff = append(tiff, directory(gpsAt, s.place())...)
	}
	body := append([]byte("Exif\x00\x00"), tiff...)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2)), body...)
}

func (s *shot) place() []field {
	north, east := "N", "E"
	if s.lat < 0 {
		north = "S"
	}
	if s.lon < 0 {
		east = "W"
	}
	return []field{
		{0x0000, typeByte, 4, []byte{2, 3, 0, 0}},
		ascii(0x0001, north), rationals(0x0002, degrees(s.lat)...),
		ascii(0x0003, east), rationals(0x0004, degrees(s.lon)...),
	}
}

// degrees gives degrees, minutes and seconds as EXIF wants them.
func degrees(v float64) []uint32 {
	hundredths := uint32(math.Round(math.Abs(v) * 3600 * 100))
	return []uint32{hundredths / 360000, 1, hundredths / 6000 % 60, 1, hundredths % 6000, 100}
}

// withEXIF puts the segment where cameras put it: right behind the start.
func withEXIF(jpeg []byte, s *shot) []byte {
	return bytes.Join([][]byte{jpeg[:2], s.segment(), jpeg[2:]}, nil)
}
