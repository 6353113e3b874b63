package restore

import (
	"context"
	"io"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// photoSpan is when a photo was taken, as it says itself; else nothing is known.
// Its bytes are not proven yet.
func (s *Selection) photoSpan(it *Item) span {
	f, err := it.from.Open(it.Path)
	if err != nil {
		return span{}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size != it.Size {
		return span{}
	}
	taken, err := source.TakenIn(f, st.Size)
	switch {
	case err != nil:
		return span{}
	case taken.Zoned:
		return at(taken.Time)
	}
	// The camera's clock, read where whoever asks means their days.
	return span{from: wallIn(taken.Time, s.Until), to: wallIn(taken.Time, s.Since)}
}

// wallIn is what a clock showed, in the zone of a day.
func wallIn(t, day time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), day.Location())
}

// taken reports whether a photo is of the time that is asked for. Where it says
// itself that it is not and its file is, its bytes must be right for that to
// count: damage leaves nothing out unsaid.
func (s *Selection) taken(ctx context.Context, it *Item) (meant, known bool) {
	file := timeOf(it, nil)
	said := s.photoSpan(it)
	switch {
	case !said.known():
		return file.known() && s.within(file), file.known()
	case s.within(said):
		return true, true
	case !file.known() || !s.within(file):
		return false, true
	}
	return it.CopyTo(ctx, io.Discard) != nil, true
}
