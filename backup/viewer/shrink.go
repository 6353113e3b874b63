package viewer

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// The size of a preview, pixels: a tile is a square of about 160 CSS pixels, cut
// from the middle; twice that for screens with twice the density. A panorama
// keeps what a square shows and a little more.
const (
	tileShort = 300 // the shorter side, at most
	tileLong  = 600 // the longer side, at most
	faceSize  = 128 // a contact's picture, square
)

// tile makes the preview of a picture as a JPEG file, upright. It needs no more
// than a moment: the picture is in memory.
func tile(m image.Image, orientation int) ([]byte, error) {
	b := m.Bounds()
	short, long := min(b.Dx(), b.Dy()), max(b.Dx(), b.Dy())
	if long > short*tileLong/tileShort { // only the middle of a panorama
		keep := short * tileLong / tileShort
		if b.Dx() == long {
			b.Min.X += (long - keep) / 2
			b.Max.X = b.Min.X + keep
		} else {
			b.Min.Y += (long - keep) / 2
			b.Max.Y = b.Min.Y + keep
		}
	}
	w, h := b.Dx(), b.Dy()
	if short > tileShort {
		w, h = max(1, w*tileShort/short), max(1, h*tileShort/short)
	}
	return encode(upright(scaled(m, b, w, h), orientation))
}

// face makes a contact's picture: the middle square.
func face(m image.Image, orientation int) ([]byte, error) {
	b := m.Bounds()
	side := min(b.Dx(), b.Dy())
	b.Min.X += (b.Dx() - side) / 2
	b.Min.Y += (b.Dy() - side) / 2
	b.Max = b.Min.Add(image.Pt(side, side))
	size := min(side, faceSize)
	return encode(upright(scaled(m, b, size, size), orientation))
}

func encode(m image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 80})
	return out.Bytes(), err
}

// scaled draws part of m onto white.
func scaled(m image.Image, part image.Rectangle, w, h int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	if y, ok := m.(*image.YCbCr); ok {
		if n := min(part.Dx()/w, part.Dy()/h); n > 1 {
			small := boxed(y.SubImage(part).(*image.YCbCr), n)
			m, part = small, small.Bounds()
		}
	}
	draw.BiLinear.Scale(out, out.Bounds(), m, part, draw.Over, nil)
	return out
}

// boxed averages squares of n pixels, plane by plane: a picture of 12 megapixels
// takes a tenth of the time that scaling it in one go does, and looks the same.
func boxed(m *image.YCbCr, n int) *image.YCbCr {
	b := m.Bounds()
	w, h := b.Dx()/n, b.Dy()/n
	out := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio444)
	average(out.Y, m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, w, h, n, n)
	sx, sy := subsampling(m.SubsampleRatio)
	if n%sx == 0 && n%sy == 0 {
		at := m.COffset(b.Min.X, b.Min.Y)
		average(out.Cb, m.Cb[at:], m.CStride, w, h, n/sx, n/sy)
		average(out.Cr, m.Cr[at:], m.CStride, w, h, n/sx, n/sy)
		return out
	}
	for y := range h {
		for x := range w { // the colour of the middle of each square
			at := m.COffset(b.Min.X+x*n+n/2, b.Min.Y+y*n+n/2)
			out.Cb[y*out.CStride+x], out.Cr[y*out.CStride+x] = m.Cb[at], m.Cr[at]
		}
	}
	return out
}

func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// average fills a plane of w by h with the means of rectangles of nx by ny.
func average(dst, src []byte, stride, w, h, nx, ny int) {
	sums := make([]uint32, w)
	div := uint32(nx * ny)
	for y := range h {
		clear(sums)
		for j := range ny {
			row := src[(y*ny+j)*stride:]
			at := 0
			for x := range sums {
				var s uint32
				for _, v := range row[at : at+nx] {
					s += uint32(v)
				}
				sums[x] += s
				at += nx
			}
		}
		for x, s := range sums {
			dst[y*w+x] = byte((s + div/2) / div)
		}
	}
}

// upright turns a picture as its orientation says (EXIF 2.32, tag 274).
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[ty*out.Stride+4*tx:][:4], m.Pix[y*m.Stride+4*x:][:4])
		}
	}
	return out
}
