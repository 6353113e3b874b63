package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"slices"
)

// window reads records that lie one after the other with few calls.
type window struct {
	f   io.ReaderAt
	buf []byte
	off int64 // of buf
}

func newWindow(f io.ReaderAt) *window { return &window{f: f, buf: make([]byte, 0, 128<<10)} }

func (w *window) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > cap(w.buf) {
		return w.f.ReadAt(p, off)
	}
	if off < w.off || off+int64(len(p)) > w.off+int64(len(w.buf)) {
		n, err := w.f.ReadAt(w.buf[:cap(w.buf)], off)
		w.buf, w.off = w.buf[:n], off
		if n < len(p) {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return copy(p, w.buf), err
		}
	}
	return copy(p, w.buf[off-w.off:]), nil
}

// record reads the body at off.
func record(f io.ReaderAt, off int64) ([]byte, error) {
	var head [headSize]byte
	if _, err := f.ReadAt(head[:], off); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > maxBody {
		return nil, errTorn
	}
	rec := make([]byte, headSize+int(n))
	if _, err := f.ReadAt(rec, off); err != nil {
		return nil, err
	}
	body, _, _, err := unframe(rec)
	return body, err
}

// read gives the entry of a row from its records.
func (l *Ledger) read(r row, items, verified io.ReaderAt) (Entry, error) {
	body, err := record(items, r.off)
	if err != nil {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", err)
	}
	e, ok := parseEntry(body)
	if !ok || sumOf(&e.Key) != r.key {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", errTorn)
	}
	if r.ver == 0 {
		return e, nil
	}
	if body, err = record(verified, r.ver); err != nil {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", err)
	}
	sum, at, stat, ok := parseVerified(body)
	if !ok || sum != r.key {
		return Entry{}, fmt.Errorf("cannot read the list of copies: %w", errTorn)
	}
	e.VerifiedAt, e.Stat = at, stat
	return e, nil
}

// All yields every entry, in the order in which they were first listed. The
// ledger may be written meanwhile: entries that are new may be left out. An
// error ends it.
func (l *Ledger) All() iter.Seq2[Entry, error] {
	return l.entries(func(uint32) bool { return true })
}

func (l *Ledger) entries(want func(n uint32) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l.mu.Lock()
		err := l.flush()
		rows, f := l.table.rows, l.file
		l.mu.Unlock()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		items, verified := newWindow(f), newWindow(f)
		for n := range rows {
			if !want(n) {
				continue
			}
			l.mu.Lock()
			r := *l.table.row(n)
			if err = l.broken; err == nil && max(r.off, r.ver) >= l.size {
				err = l.flush()
			}
			l.mu.Unlock()
			if err == nil && r.off < 0 {
				continue
			}
			var e Entry
			if err == nil {
				e, err = l.read(r, items, verified)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Digest is the hex sha256 over what is held: key, revision, size, content and
// place of every item, whatever their order.
func (l *Ledger) Digest() (string, error) {
	l.mu.RLock()
	known, at := l.digest, l.changes
	fresh := known != "" && l.digestAt == at
	l.mu.RUnlock()
	if fresh {
		return known, nil
	}
	sums := make([][16]byte, 0, l.Len())
	var b []byte
	for e, err := range l.All() {
		if err != nil {
			return "", err
		}
		b = putKey(b[:0], &e.Key)
		b = putText(b, e.Rev)
		b = putText(b, e.Path)
		b = binary.AppendVarint(b, e.Size)
		b = append(b, e.SHA256[:]...)
		s := sha256.Sum256(b)
		sums = append(sums, [16]byte(s[:16]))
	}
	slices.SortFunc(sums, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range sums {
		h.Write(sums[i][:])
	}
	digest := hex.EncodeToString(h.Sum(nil))
	l.mu.Lock()
	if l.changes == at {
		l.digest, l.digestAt = digest, at
	}
	l.mu.Unlock()
	return digest, nil
}
