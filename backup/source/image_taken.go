package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// ErrNoDate: the picture does not say when it was taken.
var ErrNoDate = errors.New("no date in the picture")

// limits for metadata, which is read in memory
const (
	maxTags    = 2000
	maxTagSize = 1024 // bytes; dates are 20
)

// Taken is when a picture was taken, as its EXIF data has it.
type Taken struct {
	Time time.Time
	// Zoned says whether the picture names its offset from UTC. Without it the
	// time is the camera's wall clock, put into UTC.
	Zoned bool
}

// TakenAt reads when a picture was taken. The error is [ErrNoDate], or says why
// the metadata cannot be read; either way the picture may be whole.
func TakenAt(r io.ReadSeeker, kind MediaKind) (Taken, error) {
	format, ok := map[MediaKind]imagemeta.ImageFormat{
		JPEG: imagemeta.JPEG, PNG: imagemeta.PNG, WebP: imagemeta.WebP, HEIF: imagemeta.HEIF, TIFF: imagemeta.TIFF,
	}[kind]
	if !ok {
		return Taken{}, ErrNoDate
	}
	said, err := exifStrings(r, format)
	if err != nil {
		return Taken{}, fmt.Errorf("cannot read when the picture was taken: %w", err)
	}
	for _, names := range [][2]string{
		{"DateTimeOriginal", "OffsetTimeOriginal"},
		{"DateTimeDigitized", "OffsetTimeDigitized"}, {"CreateDate", "OffsetTimeDigitized"},
		{"DateTime", "OffsetTime"}, {"ModifyDate", "OffsetTime"},
	} {
		if t, ok := exifTime(said[names[0]], said[names[1]]); ok {
			return t, nil
		}
	}
	return Taken{}, ErrNoDate
}

// TakenIn is [TakenAt] for a picture of which only the bytes are known; size is
// how many there are.
func TakenIn(r io.ReaderAt, size int64) (Taken, error) {
	kind, err := (&mediaFile{r: r, size: size}).kind()
	if err != nil {
		return Taken{}, fmt.Errorf("cannot read when the picture was taken: %w", err)
	}
	return TakenAt(io.NewSectionReader(r, 0, size), kind)
}

func exifStrings(r io.ReadSeeker, format imagemeta.ImageFormat) (said map[string]string, err error) {
	said = map[string]string{}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	_, err = imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: imagemeta.EXIF,
		LimitNumTags: maxTags, LimitTagSize: maxTagSize,
		ShouldHandleTag: func(t imagemeta.TagInfo) bool {
			return strings.Contains(t.Tag, "Date") || strings.HasPrefix(t.Tag, "OffsetTime")
		},
		HandleTag: func(t imagemeta.TagInfo) error {
			if s, ok := t.Value.(string); ok && said[t.Tag] == "" {
				said[t.Tag] = s
			}
			return nil
		},
	})
	if err != nil && len(said) > 0 {
		err = nil // what was read before the trouble is still true
	}
	return said, err
}

// exifTime reads "2006:01:02 15:04:05" and "+02:00" (EXIF 2.32 section 4.6.5).
func exifTime(date, offset string) (Taken, bool) {
	date, offset = strings.Trim(date, " \x00"), strings.Trim(offset, " \x00")
	if t, err := time.Parse("2006:01:02 15:04:05-07:00", date+offset); err == nil && offset != "" {
		return Taken{t, true}, t.Year() > 1800
	}
	t, err := time.Parse("2006:01:02 15:04:05", date)
	return Taken{t, false}, err == nil && t.Year() > 1800
}
