package viewer

import (
	"bytes"
	"image"
	"path"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// format is what the first bytes of a file say it is.
type format string

const (
	formatJPEG format = "jpeg"
	formatPNG  format = "png"
	formatGIF  format = "gif"
	formatWebP format = "webp"
	formatBMP  format = "bmp"
	formatTIFF format = "tiff" // and the RAW formats built on it
	formatHEIF format = "heif" // HEIC and AVIF
	formatRAF  format = "raf"  // Fujifilm's RAW
	formatFilm format = "film"
	formatNone format = ""
)

func sniff(head []byte) format {
	has := func(off int, s string) bool {
		return len(head) >= off+len(s) && string(head[off:off+len(s)]) == s
	}
	switch {
	case has(0, "\xff\xd8\xff"):
		return formatJPEG
	case has(0, "\x89PNG\r\n\x1a\n"):
		return formatPNG
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return formatGIF
	case has(0, "RIFF") && has(8, "WEBP"):
		return formatWebP
	case has(0, "BM") && has(6, "\x00\x00\x00\x00"):
		return formatBMP
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "IIRO"), has(0, "IIU\x00"):
		return formatTIFF
	case has(0, "FUJIFILMCCD-RAW"):
		return formatRAF
	case has(4, "ftyp"):
		for _, brand := range []string{"heic", "heix", "heim", "hevc", "mif1", "msf1", "avif", "avis"} {
			if has(8, brand) {
				return formatHEIF
			}
		}
		return formatFilm
	case has(0, "\x1aE\xdf\xa3"), has(0, "RIFF") && has(8, "AVI "):
		return formatFilm
	}
	return formatNone
}

// media is the word of package source for a format that can tell its date.
func (f format) media() source.MediaKind {
	switch f {
	case formatJPEG:
		return source.JPEG
	case formatPNG:
		return source.PNG
	case formatWebP:
		return source.WebP
	case formatHEIF:
		return source.HEIF
	case formatTIFF:
		return source.TIFF
	}
	return ""
}

// browsers are the extensions by which every browser takes a file from disk for
// a picture and for nothing else, whatever its bytes are. Only these are linked:
// a name that could be taken for a page would let its content run.
var browsers = map[string]format{
	".jpg": formatJPEG, ".jpeg": formatJPEG, ".png": formatPNG, ".gif": formatGIF, ".webp": formatWebP, ".avif": formatHEIF,
}

// opens reports whether a browser may be given the file at p, whose bytes are f.
func opens(p string, f format) bool {
	want, ok := browsers[strings.ToLower(path.Ext(p))]
	return ok && want == f
}

// label is what stands on a tile without a picture.
func label(p string) string {
	ext := strings.ToUpper(strings.TrimPrefix(path.Ext(p), "."))
	if ext == "" || len(ext) > 5 || strings.ContainsFunc(ext, func(r rune) bool { return r > 'z' || r < '0' }) {
		return "FILE"
	}
	return ext
}

// Limits for what is decoded.
const (
	maxPixels  = 100 << 20 // of a picture
	maxDecoded = 400 << 20 // bytes that one picture may take while it is decoded, and all together
)

// cost is how many bytes decoding takes at most: what the decoders of Go hold
// for a pixel. A progressive JPEG is kept as 32-bit coefficients, a PNG or TIFF
// may have 16 bits a channel.
func cost(f format, c image.Config, progressive bool) int64 {
	each := int64(8)
	switch {
	case f == formatJPEG && progressive:
		each = 16
	case f == formatJPEG, f == formatBMP, f == formatWebP:
		each = 4
	case f == formatGIF:
		each = 2
	}
	return int64(c.Width) * int64(c.Height) * each
}

// affordable refuses a picture by what its header declares, before anything of it
// is decoded.
func affordable(f format, c image.Config, progressive bool) bool {
	return c.Width > 0 && c.Height > 0 && c.Width <= 1<<16 && c.Height <= 1<<16 &&
		int64(c.Width)*int64(c.Height) <= maxPixels && cost(f, c, progressive) <= maxDecoded
}

// progressive reports whether a JPEG's frame, if it begins in head, is sent in
// several scans (SOF2; ITU-T T.81 table B.1). One that begins later counts as such.
func progressive(head []byte) bool {
	at := 2
	for at+4 <= len(head) && head[at] == 0xff {
		switch m := head[at+1]; {
		case m == 0xc0, m == 0xc1:
			return false
		case m == 0xc2:
			return true
		}
		at += 2 + int(head[at+2])<<8 + int(head[at+3])
	}
	return !bytes.Contains(head, []byte{0xff, 0xc0, 0x00, 0x11, 0x08})
}
