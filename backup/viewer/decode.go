package viewer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

var (
	errNoDecoder = errors.New("no decoder for this format")
	errTooLarge  = errors.New("too large to make a preview of")
)

// maxPicture is the largest file that is decoded, bytes.
const maxPicture = 256 << 20

// headSize is how much of a file is read to learn what it is: the EXIF block of a
// JPEG is at most 64 KiB and stands near the start.
const headSize = 192 << 10

// picture is a file that may be a picture, its first bytes read.
type picture struct {
	r      io.ReaderAt
	size   int64 // bytes
	head   []byte
	format format
	exif   exif
	config image.Config // zero where it is not known
	many   bool         // scans: progressive
}

// readPicture learns what the header of a file says. The error is the reader's.
func readPicture(r io.ReaderAt, size int64) (*picture, error) {
	p := &picture{r: r, size: size, head: make([]byte, min(size, headSize))}
	n, err := r.ReadAt(p.head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	p.head = p.head[:n]
	p.format = sniff(p.head)
	p.exif = readEXIF(p.format, r, size, p.head)
	if d, ok := decoders[p.format]; ok {
		// A header that cannot be read leaves the size unknown: nothing is decoded.
		_ = guarded(func() (err error) {
			p.config, err = d.config(io.NewSectionReader(r, 0, size))
			return err
		})
	}
	p.many = p.format == formatJPEG && progressive(p.head)
	return p, nil
}

type decoder struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var decoders = map[format]decoder{
	formatJPEG: {jpeg.DecodeConfig, jpeg.Decode},
	formatPNG:  {png.DecodeConfig, png.Decode},
	formatGIF:  {gif.DecodeConfig, gif.Decode},
	formatWebP: {webp.DecodeConfig, webp.Decode},
	formatBMP:  {bmp.DecodeConfig, bmp.Decode},
	formatTIFF: {tiff.DecodeConfig, tiff.Decode},
}

// guarded turns a panic of a decoder into an error: one picture never ends the
// program.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder gave up: %v", p)
		}
	}()
	return f()
}

// decodes reports whether the whole picture can be decoded, and may be.
func (p *picture) decodes() bool {
	_, ok := decoders[p.format]
	return ok && p.size <= maxPicture && affordable(p.format, p.config, p.many)
}

// decode decodes the whole picture. It ends soon after ctx does.
func (p *picture) decode(ctx context.Context) (m image.Image, err error) {
	d, ok := decoders[p.format]
	if !ok {
		return nil, errNoDecoder
	}
	if !p.decodes() {
		return nil, errTooLarge
	}
	r := bufio.NewReaderSize(&patient{ctx, io.NewSectionReader(p.r, 0, p.size)}, 64<<10)
	err = guarded(func() (err error) {
		m, err = d.decode(r)
		return err
	})
	if err == nil && (m.Bounds().Dx() != p.config.Width || m.Bounds().Dy() != p.config.Height) {
		err = errors.New("it is not of the size that it declares")
	}
	return m, err
}

// embedded decodes the preview that the camera put into the file.
func (p *picture) embedded() (m image.Image, err error) {
	s, _, ok := p.exif.bestPreview()
	if !ok {
		return nil, errNoDecoder
	}
	data := make([]byte, s.n)
	if _, err := p.exif.r.ReadAt(data, s.off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	err = guarded(func() (err error) {
		m, err = jpeg.Decode(bytes.NewReader(data))
		return err
	})
	if err != nil {
		return nil, err
	}
	return unboxed(m, p.config), nil
}

// unboxed cuts off the black bars with which cameras fill a preview of another
// shape than the picture's.
func unboxed(m image.Image, of image.Config) image.Image {
	b := m.Bounds()
	sub, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok || of.Width == 0 || of.Height == 0 {
		return m
	}
	wide, high := b.Dy()*of.Width/of.Height, b.Dx()*of.Height/of.Width
	switch {
	case wide < b.Dx()-b.Dx()/50 && wide > 0:
		x := b.Min.X + (b.Dx()-wide)/2
		return sub.SubImage(image.Rect(x, b.Min.Y, x+wide, b.Max.Y))
	case high < b.Dy()-b.Dy()/50 && high > 0:
		y := b.Min.Y + (b.Dy()-high)/2
		return sub.SubImage(image.Rect(b.Min.X, y, b.Max.X, y+high))
	}
	return m
}

// patient gives up reading when its context ends, and with it the decoder.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
