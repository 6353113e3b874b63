package content

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// colour is linear enough for mixing: 0 to 255 a channel.
type colour [3]float64

func (a colour) mix(b colour, t float64) colour {
	t = min(1, max(0, t))
	return colour{a[0] + (b[0]-a[0])*t, a[1] + (b[1]-a[1])*t, a[2] + (b[2]-a[2])*t}
}

func (a colour) dim(f float64) colour { return colour{a[0] * f, a[1] * f, a[2] * f} }

// canvas gives the colour of a point; x and y are 0 to 1, y down.
type canvas func(x, y float64) colour

// picture draws one of several kinds of scene.
func picture(r *rand.Rand, i, width, height int) image.Image {
	scenes := []func(*rand.Rand) canvas{mountains, sea, city, meadow, sweets}
	return draw(r, scenes[i%len(scenes)](r), width, height, 9)
}

// draw paints a scene with a camera's grain. The scene is sampled at half the
// resolution, as it is soft anyway; the grain is not.
func draw(r *rand.Rand, at canvas, width, height int, grain float64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	above, below := samples(at, 0, width, height), samples(at, 1, width, height)
	noise := r.Uint64() | 1
	for y := range height {
		if y > 0 && y%2 == 0 {
			above, below = below, samples(at, y/2+1, width, height)
		}
		row := m.Pix[y*m.Stride:][:4*width]
		for x := range width {
			c, d := above[x/2], below[(x+1)/2]
			if y%2 == 0 {
				d = above[(x+1)/2]
			}
			noise ^= noise << 13
			noise ^= noise >> 7
			noise ^= noise << 17
			g := (float64(noise&0xffff)/0x8000 - 1) * grain
			for k := range 3 {
				row[4*x+k] = uint8(min(255, max(0, (c[k]+d[k])/2+g)))
			}
			row[4*x+3] = 255
		}
	}
	return m
}

// samples gives one row of a scene at half the resolution.
func samples(at canvas, row, width, height int) []colour {
	out := make([]colour, width/2+1)
	for i := range out {
		out[i] = at(min(2*float64(i)/float64(width), 0.9999), min(2*float64(row)/float64(height), 0.9999))
	}
	return out
}

func encode(m image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(fmt.Sprintf("cannot encode a picture in memory: %v", err)) // sizes and writer are ours
	}
	return b.Bytes()
}

var skies = [][2]colour{
	{{92, 148, 220}, {214, 232, 246}}, {{40, 44, 96}, {246, 150, 98}}, {{120, 130, 150}, {206, 208, 206}},
	{{250, 176, 120}, {252, 226, 180}}, {{24, 30, 70}, {88, 60, 120}},
}

// ridge is a line of hills: the sum of waves that grow shorter, by column.
type ridge struct {
	base, high float64
	waves      [6][3]float64 // length, height, shift
}

func newRidge(r *rand.Rand, base, high float64) ridge {
	out := ridge{base: base, high: high}
	for i := range out.waves {
		f := math.Pow(2, float64(i))
		out.waves[i] = [3]float64{f * (2 + 4*r.Float64()), 1 / f, 7 * r.Float64()}
	}
	return out
}

func (h *ridge) at(x float64) float64 {
	sum := 0.0
	for _, w := range h.waves {
		sum += w[1] * math.Sin(w[0]*x+w[2])
	}
	return h.base - h.high*(0.5+sum/4)
}

// columns remembers what depends on x alone: it is asked for once a pixel.
func columns(f func(x float64) float64) func(x float64) float64 {
	const n = 4096
	var table [n + 1]float64
	for i := range table {
		table[i] = f(float64(i) / n)
	}
	return func(x float64) float64 { return table[int(x*n)] }
}

// sky with a sun or moon.
func sky(r *rand.Rand) canvas {
	pair := pick(r, skies)
	sx, sy, size := r.Float64(), 0.1+0.3*r.Float64(), 0.02+0.03*r.Float64()
	glow := colour{255, 244, 214}
	return func(x, y float64) colour {
		c := pair[0].mix(pair[1], y*1.6)
		d := math.Hypot((x-sx)*1.33, y-sy)
		if d < size {
			return glow
		}
		return c.mix(glow, 0.5*math.Exp(-(d-size)*9))
	}
}

func mountains(r *rand.Rand) canvas {
	above := sky(r)
	near, far := colour{30 + 40*r.Float64(), 50 + 40*r.Float64(), 40}, colour{150, 170, 200}
	const layers = 5
	var lines [layers]func(float64) float64
	for i := range lines {
		h := newRidge(r, 0.5+0.12*float64(i), 0.22-0.02*float64(i))
		lines[i] = columns(h.at)
	}
	return func(x, y float64) colour {
		c := above(x, y)
		for i, line := range lines {
			if top := line(x); y > top {
				c = far.mix(near, float64(i)/(layers-1)).dim(1 - 0.5*(y-top))
			}
		}
		return c
	}
}

func sea(r *rand.Rand) canvas {
	above := sky(r)
	horizon, tilt := 0.42+0.15*r.Float64(), 5*r.Float64()
	deep := colour{10, 60 + 40*r.Float64(), 90 + 60*r.Float64()}
	shore := newRidge(r, 0.98, 0.14)
	beach, sand := columns(shore.at), colour{222, 200, 160}
	return func(x, y float64) colour {
		if y < horizon {
			return above(x, y)
		}
		if edge := beach(x); y > edge {
			return sand.dim(0.9 + 0.1*math.Sin(260*y+40*x))
		}
		near := (y - horizon) / (1 - horizon)
		wave := math.Sin(60/(near+0.08)+18*x+tilt) * math.Sin(23*x+40*near)
		return deep.mix(above(x, horizon-0.4*near), 0.35+0.25*wave)
	}
}

func city(r *rand.Rand) canvas {
	above := sky(r)
	const houses = 26
	var tops, shade [houses]float64
	var lit [houses]uint64
	for i := range houses {
		tops[i], shade[i], lit[i] = 0.3+0.45*r.Float64(), 20+50*r.Float64(), r.Uint64()
	}
	window := colour{250, 214, 130}
	return func(x, y float64) colour {
		house := int(x * houses)
		if y < tops[house] {
			return above(x, y)
		}
		if y > 0.93 {
			return colour{44, 44, 48}
		}
		fx, fy := math.Mod(x*houses*5, 1), math.Mod((y-tops[house])*40, 1)
		cell := uint(math.Mod(x*houses, 1)*5) + 5*uint((y-tops[house])*40)
		if fx > 0.3 && fx < 0.8 && fy > 0.3 && fy < 0.85 && lit[house]>>(cell%64)&1 == 1 {
			return window
		}
		return colour{shade[house], shade[house] * 1.05, shade[house] * 1.2}.dim(1 - 0.3*y)
	}
}

// spot is a round thing in a picture.
type spot struct {
	x, y, size float64
	paint      colour
}

func spots(r *rand.Rand, n int, top, small, large float64, paints []colour) []spot {
	out := make([]spot, n)
	for i := range out {
		y := top + (1-top)*float64(i)/float64(n)
		out[i] = spot{r.Float64(), y, small + (large-small)*(y-top)/(1-top)*(0.6+0.4*r.Float64()), pick(r, paints)}
	}
	return out
}

var bright = []colour{{222, 60, 70}, {246, 190, 40}, {240, 240, 236}, {160, 90, 200}, {236, 130, 170}, {60, 150, 200}}

func meadow(r *rand.Rand) canvas {
	above := sky(r)
	hill := newRidge(r, 0.5, 0.12)
	top, grass := columns(hill.at), colour{70 + 40*r.Float64(), 130, 50}
	flowers := spots(r, 60, 0.55, 0.006, 0.035, bright)
	return func(x, y float64) colour {
		if y < top(x) {
			return above(x, y)
		}
		for i := len(flowers) - 1; i >= 0; i-- {
			f := &flowers[i]
			dx, dy := (x-f.x)*1.33, y-f.y
			if dx > f.size || -dx > f.size || dy > f.size || -dy > f.size {
				continue
			}
			if d := math.Hypot(dx, dy) / f.size; d < 0.35 {
				return colour{240, 200, 60}
			} else if d < 0.75+0.25*math.Cos(6*math.Atan2(dy, dx)) {
				return f.paint.dim(1 - 0.3*d)
			}
		}
		return grass.dim(0.7 + 0.3*y + 0.14*math.Sin(700*x+90*math.Sin(31*y)))
	}
}

func sweets(r *rand.Rand) canvas {
	table := colour{150 + 60*r.Float64(), 110 + 40*r.Float64(), 80}
	things := spots(r, 40, 0, 0.03, 0.13, bright)
	return func(x, y float64) colour {
		for i := len(things) - 1; i >= 0; i-- {
			s := &things[i]
			dx, dy := (x-s.x)*1.33, y-s.y
			if dx > s.size || -dx > s.size || dy > s.size || -dy > s.size {
				continue
			}
			if d := math.Hypot(dx, dy) / s.size; d < 1 {
				shine := math.Exp(-math.Pow(math.Hypot(dx/s.size+0.35, dy/s.size+0.35)*3, 2))
				return s.paint.dim(math.Sqrt(1-0.8*d*d)).mix(colour{255, 255, 255}, shine)
			}
		}
		return table.dim(0.85 + 0.15*math.Sin(24*y+3*math.Sin(9*x+4*y)))
	}
}

// portrait is a face for a contact: a head and shoulders on a plain wall.
func portrait(r *rand.Rand) canvas {
	wall, shirt := pick(r, bright).mix(colour{230, 230, 230}, 0.6), pick(r, bright).dim(0.8)
	skin := colour{240, 205, 175}.mix(colour{90, 58, 42}, r.Float64())
	hair := pick(r, []colour{{30, 24, 20}, {92, 58, 30}, {196, 158, 88}, {170, 170, 172}})
	return func(x, y float64) colour {
		dx, dy := x-0.5, y-0.42
		switch {
		case math.Abs(math.Abs(dx)-0.075) < 0.018 && math.Abs(dy+0.02) < 0.014:
			return colour{30, 30, 36}
		case math.Abs(dy-0.11-0.9*-dx*dx) < 0.012 && math.Abs(dx) < 0.08:
			return colour{150, 50, 60}
		case math.Hypot(dx/0.19, dy/0.25) < 1 && dy > -0.13+dx*dx:
			return skin.dim(1 - 0.5*dx)
		case math.Hypot(dx/0.215, (dy+0.03)/0.27) < 1:
			return hair.dim(1 - 0.3*math.Sin(90*dx))
		case math.Hypot(dx/0.4, (y-1.02)/0.36) < 1:
			return shirt.dim(1 - 0.4*math.Abs(dx))
		case math.Abs(dx) < 0.08 && y > 0.6:
			return skin.dim(0.8)
		}
		return wall.dim(1 - 0.25*math.Hypot(dx, dy))
	}
}
