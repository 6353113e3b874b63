package viewer

import (
	"io"
	"path"
	"regexp"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// datedName is how phones and messengers name what they take: IMG_20240613_101500,
// PXL_20240613_…, IMG-20240613-WA0001, 2024-06-13 10.15.00.
var datedName = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)-?([01]\d)-?([0-3]\d)(?:[-_ ]([0-2]\d)[.\-:]?([0-5]\d)[.\-:]?([0-5]\d))?(?:[^0-9]|$)`)

// taken is when a photo was taken, on the clock of where it was: as the picture
// says, else its name; nil if neither does.
func taken(p *picture, at string) *time.Time {
	t, err := source.TakenAt(io.NewSectionReader(p.r, 0, p.size), p.format.media())
	if err == nil {
		return wall(t.Time)
	}
	return namedDate(path.Base(at))
}

func namedDate(name string) *time.Time {
	m := datedName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	if m[4] == "" {
		m[4], m[5], m[6] = "12", "00", "00"
	}
	t, err := time.Parse("20060102150405", m[1]+m[2]+m[3]+m[4]+m[5]+m[6])
	if err != nil {
		return nil
	}
	return &t
}

// wall is the time that a clock there showed, as if it were UTC.
func wall(t time.Time) *time.Time {
	w := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	if w.Year() < 1800 || w.Year() > 9999 {
		return nil
	}
	return &w
}
