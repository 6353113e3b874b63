package content

import (
	"fmt"
	"math/rand/v2"
	"time"
)

var cameras = [][2]string{
	{"Google", "Pixel 7a"}, {"Xiaomi", "Redmi Note 12 Pro"}, {"FUJIFILM", "X-T30"}, {"Fairphone", "FP4"}, {"Purism", "Librem 5"},
}

// places where holidays were spent: latitude, longitude, hours from UTC.
var places = []struct {
	lat, lon float64
	offset   int
}{
	{52.5163, 13.3777, 2}, {43.7696, 11.2558, 2}, {35.0116, 135.7681, 9}, {-33.8568, 151.2153, 10},
	{64.1466, -21.9426, 0}, {-22.9519, -43.2105, -3}, {40.7829, -73.9654, -4},
}

// photos are taken over three years, several on a day out.
func photos(seed int64, n int) []File {
	type plan struct {
		shot shot
		name string
	}
	r := stream(seed, "photos", 0)
	plans := make([]plan, n)
	seen := map[string]bool{}
	day := time.Date(2022, 3, 5, 0, 0, 0, 0, time.UTC)
	place, camera, left := places[0], cameras[0], 0
	for i := range plans {
		if left--; left < 0 {
			left = 1 + r.IntN(5)
			day = day.AddDate(0, 0, 1+r.IntN(1+1200*4/(n+4)))
			place, camera = pick(r, places), pick(r, cameras)
		}
		s := newShot(r, day, place.offset)
		s.make, s.model = camera[0], camera[1]
		s.located = r.IntN(3) > 0
		s.lat, s.lon = place.lat+(r.Float64()-0.5)/20, place.lon+(r.Float64()-0.5)/20
		for seen[s.taken.Format("20060102_150405")] {
			s.taken = s.taken.Add(time.Second)
		}
		seen[s.taken.Format("20060102_150405")] = true
		plans[i] = plan{s, s.taken.Format("Photos/2006/01/IMG_20060102_150405.jpg")}
	}
	return each(n, func(i int) File {
		p := &plans[i]
		r := stream(seed, "picture", i)
		image := picture(r, i, p.shot.width, p.shot.height)
		return File{Path: p.name, Data: withEXIF(encode(image, 84), &p.shot), ModTime: p.shot.taken.UTC()}
	})
}

func newShot(r *rand.Rand, day time.Time, offset int) shot {
	zone := time.FixedZone(fmt.Sprintf("%+03d", offset), offset*3600)
	s := shot{
		taken:    time.Date(day.Year(), day.Month(), day.Day(), 8+r.IntN(12), r.IntN(60), r.IntN(60), 0, zone),
		iso:      pick(r, []uint16{50, 64, 100, 200, 400}),
		exposure: pick(r, []uint32{30, 60, 125, 250, 500, 1000}),
		width:    1280, height: 960,
	}
	if r.IntN(4) == 0 {
		s.width, s.height = s.height, s.width
	}
	return s
}
