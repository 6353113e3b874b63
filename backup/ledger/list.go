package ledger

import (
	"iter"

	"github.com/clearance-project/clearance/backup/source"
)

// All yields every entry, in the order in which they were first listed. The
// ledger may be written meanwhile: entries that are new may be left out. An
// error ends it.
func (l *Ledger) All() iter.Seq2[Entry, error] {
	return l.entries(func(uint32) bool { return true })
}

func (l *Ledger) entries(want func(n uint32) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var last source.Ref
		for at, err := range l.live(want) {
			var e Entry
			if err == nil {
				e, err = l.read(&at.row, at.in, &last)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// liveRow is a row and where its records are read.
type liveRow struct {
	row row
	in  windows
}

// live yields the rows that are wanted and not forgotten, each as it is when its
// turn comes. An error ends it.
func (l *Ledger) live(want func(n uint32) bool) iter.Seq2[liveRow, error] {
	return func(yield func(liveRow, error) bool) {
		l.mu.Lock()
		err := l.flush()
		rows, at := l.table.rows, liveRow{in: newWindows(l.file)}
		l.mu.Unlock()
		if err != nil {
			yield(at, err)
			return
		}
		for n := range rows {
			if !want(n) {
				continue
			}
			var live bool
			if at.row, live, err = l.rowNow(n); err == nil && !live {
				continue
			}
			if !yield(at, err) || err != nil {
				return
			}
		}
	}
}

// rowNow gives a row whose records can be read.
func (l *Ledger) rowNow(n uint32) (r row, live bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return r, false, l.broken
	}
	r = *l.table.row(n)
	if !r.live() {
		return r, false, nil
	}
	if max(r.off(), r.ver()) >= l.size {
		err = l.flush()
	}
	return r, true, err
}
