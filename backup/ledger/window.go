package ledger

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	wideSize = 128 << 10
	spotSize = 2 << 10
)

// span is a part of the file that was read.
type span struct {
	buf []byte
	off int64
}

func (s *span) slice(off int64, n int) []byte {
	if i := off - s.off; i >= 0 && i+int64(n) <= int64(len(s.buf)) {
		return s.buf[i : i+int64(n)]
	}
	return nil
}

// follows reports whether reading on at off is reading on in order.
func (s *span) follows(off int64) bool {
	return off >= s.off && off <= s.off+int64(len(s.buf))+spotSize
}

// window reads records: those that lie one after the other with few calls, one
// that lies elsewhere alone.
type window struct {
	f    io.ReaderAt
	wide span
	spot span
	once bool // every record lies elsewhere
}

func newWindow(f io.ReaderAt) *window { return &window{f: f} }

// at gives n bytes at off, lent until the next call.
func (w *window) at(off int64, n int) ([]byte, error) {
	if b := w.wide.slice(off, n); b != nil {
		return b, nil
	}
	if b := w.spot.slice(off, n); b != nil {
		return b, nil
	}
	s, size := &w.wide, wideSize
	if w.once || !w.wide.follows(off) && !w.spot.follows(off) {
		s, size = &w.spot, spotSize
	}
	if size = max(size, n); cap(s.buf) < size {
		s.buf = make([]byte, size)
	}
	s.buf, s.off = s.buf[:cap(s.buf)], off
	m, err := w.f.ReadAt(s.buf, off)
	s.buf = s.buf[:m]
	if m >= n {
		return s.buf[:n], nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

// body reads the record at off, lent until the next call.
func (w *window) body(off int64) ([]byte, error) {
	head, err := w.at(off, headSize)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head)
	if n == 0 || n > maxBody {
		return nil, errTorn
	}
	rec, err := w.at(off, headSize+int(n))
	if err != nil {
		return nil, err
	}
	body, _, _, err := unframe(rec)
	return body, err
}

// windows are for items and for their verifications: each kind lies in an order
// of its own.
type windows struct{ items, verified *window }

func newWindows(f io.ReaderAt) windows {
	return windows{newWindow(f), newWindow(f)}
}

// newSpots is for reading a single item.
func newSpots(f io.ReaderAt) windows {
	return windows{&window{f: f, once: true}, &window{f: f, once: true}}
}

func item(in *window, r *row) (itemBody, error) {
	body, err := in.body(r.off())
	if err != nil {
		return itemBody{}, fmt.Errorf("cannot read the list of copies: %w", err)
	}
	it, ok := parseItem(body)
	if !ok {
		return it, fmt.Errorf("cannot read the list of copies: %w", errTorn)
	}
	return it, nil
}

// read gives the entry of a row from its records. last is the source of the one
// read before, for its texts to be shared; it may be nil.
func (l *Ledger) read(r *row, in windows, last *source.Ref) (Entry, error) {
	body, err := in.items.body(r.off())
	if err != nil {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", err)
	}
	e, ok := parseEntry(body, last)
	if sum := l.sumOf(&e.Key); !ok || !r.is(&sum) {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", errTorn)
	}
	e.at = r.off()
	switch {
	case r.flags()&rowVerified == 0:
		e.VerifiedAt, e.Stat = time.Time{}, disk.Stat{}
	case r.ver() != 0:
		if body, err = in.verified.body(r.ver()); err != nil {
			return Entry{}, fmt.Errorf("cannot read the list of copies: %w", err)
		}
		sum, at, stat, ok := parseVerified(body)
		if !ok || !r.is(&sum) {
			return Entry{}, fmt.Errorf("cannot read the list of copies: %w", errTorn)
		}
		e.VerifiedAt, e.Stat = at, stat
	}
	return e, nil
}
