package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

var (
	// ErrTruncated: the file begins well and ends too early.
	ErrTruncated = errors.New("the file is cut off")
	// ErrNotImage: the name promises a picture or a film, the bytes are none.
	ErrNotImage = errors.New("not a picture or film")
	// ErrDamaged: the structure of the file is broken.
	ErrDamaged = errors.New("the file is damaged")
	// ErrUnknownFormat: neither name nor bytes tell a format that is known here.
	// Nothing is said against the file.
	ErrUnknownFormat = errors.New("a format that cannot be checked")
)

// MediaKind is the format that the bytes have, whatever the name says.
type MediaKind string

// The formats that are checked. RAW formats of cameras built on TIFF count as
// TIFF.
const (
	JPEG MediaKind = "jpeg"
	PNG  MediaKind = "png"
	GIF  MediaKind = "gif"
	WebP MediaKind = "webp"
	HEIF MediaKind = "heif" // HEIC, HEIF and AVIF
	TIFF MediaKind = "tiff"
	Film MediaKind = "film" // MP4, MOV, 3GP
)

// Media is what the header of a picture or film says.
type Media struct {
	Kind   MediaKind
	Width  int // pixels as stored, before any rotation; 0 for films and some RAW files
	Height int
}

// MediaError says what is wrong with a picture or film. It wraps one of the
// errors above, or the reader's.
type MediaError struct {
	Name   string
	Kind   MediaKind // "" where it is not known
	Reason string    // may be ""
	Err    error
}

func (e *MediaError) Error() string {
	s := fmt.Sprintf("cannot trust %q: %v", e.Name, e.Err)
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	return s
}

// Unwrap gives the kind of error.
func (e *MediaError) Unwrap() error { return e.Err }

// CheckMedia is [InspectMedia] for those who want to know only whether a file is
// whole.
func CheckMedia(name string, r io.ReaderAt, size int64) error {
	_, err := InspectMedia(name, r, size)
	return err
}

// InspectMedia decodes the header of a picture or film and walks its structure
// to the end, without decoding pixels. The name serves for messages and, by its
// extension, to tell a broken picture from a file that is none. size is the
// file's, in bytes. Errors are [*MediaError].
//
// What follows the end of a picture is allowed: phones put films and depth maps
// there.
func InspectMedia(name string, r io.ReaderAt, size int64) (Media, error) {
	f := mediaFile{r: r, size: size}
	kind, err := f.kind()
	m := Media{Kind: kind}
	if err == nil {
		switch kind {
		case JPEG:
			err = f.jpeg(&m)
		case PNG:
			err = f.png(&m)
		case GIF:
			err = f.gif(&m)
		case WebP:
			err = f.webp(&m)
		case HEIF:
			err = f.heif(&m)
		case TIFF:
			err = f.tiff(&m)
		case Film:
			err = f.film()
		default:
			err = f.stranger(name)
		}
	}
	if err == nil && (m.Width < 0 || m.Height < 0 || m.Width == 0 != (m.Height == 0)) {
		err = damaged("no size")
	}
	if err == nil {
		_, err = f.at(size-1, 1) // it may have shrunk since size was taken
	}
	if err == nil {
		return m, nil
	}
	e := &MediaError{Name: name, Kind: kind, Err: err}
	var because *reason
	if errors.As(err, &because) {
		e.Reason, e.Err = because.text, because.kind
	}
	return m, e
}

// reason is an error of one of the kinds above with its words.
type reason struct {
	kind error
	text string
}

func (r *reason) Error() string { return r.text }

func damaged(format string, args ...any) error {
	return &reason{ErrDamaged, fmt.Sprintf(format, args...)}
}

func truncated(format string, args ...any) error {
	return &reason{ErrTruncated, fmt.Sprintf(format, args...)}
}

// mediaFile reads a file of a known size at any place.
type mediaFile struct {
	r    io.ReaderAt
	size int64
}

// at gives n bytes at an offset, or that the file is cut off.
func (f *mediaFile) at(off int64, n int) ([]byte, error) {
	if off < 0 || off > f.size || int64(n) > f.size-off {
		return nil, truncated("it ends at byte %d", f.size)
	}
	b := make([]byte, n)
	got, err := f.r.ReadAt(b, off)
	if got == n {
		return b, nil
	}
	if errors.Is(err, io.EOF) {
		return nil, truncated("it ends at byte %d", off+int64(got))
	}
	return nil, fmt.Errorf("cannot read it: %w", err)
}

// kind tells the format by the first bytes; "" where they tell none.
func (f *mediaFile) kind() (MediaKind, error) {
	b, err := f.at(0, int(min(f.size, 16)))
	if err != nil {
		return "", err
	}
	has := func(off int, s string) bool {
		return len(b) >= off+len(s) && string(b[off:off+len(s)]) == s
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return JPEG, nil
	case has(0, "\x89PNG\r\n\x1a\n"):
		return PNG, nil
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return GIF, nil
	case has(0, "RIFF") && has(8, "WEBP"):
		return WebP, nil
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "IIU\x00"), has(0, "IIRO"), has(0, "IIRS"), has(0, "MMOR"):
		return TIFF, nil
	case has(4, "ftyp"):
		return f.brand()
	case has(4, "moov"), has(4, "mdat"), has(4, "wide"), has(4, "pnot"):
		return Film, nil // QuickTime before ftyp
	}
	return "", nil
}

var (
	pictureNames = words(".jpg .jpeg .jpe .png .gif .webp .heic .heif .avif .tif .tiff .dng .nef .arw .pef .orf .rw2")
	filmNames    = words(".mp4 .m4v .mov .qt .3gp .3g2")
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// stranger judges bytes that are of no format known here.
func (f *mediaFile) stranger(name string) error {
	ext := strings.ToLower(path.Ext(name))
	promised := pictureNames[ext] || filmNames[ext]
	if f.size == 0 && promised {
		return truncated("it is empty")
	}
	if !promised {
		return ErrUnknownFormat
	}
	b, err := f.at(0, int(min(f.size, 16)))
	if err != nil {
		return err
	}
	if f.size < 16 {
		return truncated("only %d bytes", f.size)
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return &reason{ErrNotImage, "it begins with zeros, as files do that were never filled"}
	}
	return ErrNotImage
}
