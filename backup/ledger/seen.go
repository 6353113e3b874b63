package ledger

import (
	"iter"

	"github.com/clearance-project/clearance/backup/source"
)

// Seen marks which of the items held a listing has shown. One bit an item. It
// is used by one goroutine.
type Seen struct {
	l    *Ledger
	bits []uint64
}

// NewSeen begins with nothing marked.
func (l *Ledger) NewSeen() *Seen { return &Seen{l: l} }

// State is [Ledger.State], and marks the item.
func (s *Seen) State(k *source.Key, rev string) State {
	s.l.mu.RLock()
	defer s.l.mu.RUnlock()
	sum := s.l.sumOf(k)
	n := s.l.table.find(&sum)
	if n == noRow {
		return Absent
	}
	for int(n/64) >= len(s.bits) {
		s.bits = append(s.bits, make([]uint64, 1024)...)
	}
	s.bits[n/64] |= 1 << (n % 64)
	return s.l.table.row(n).state(rev)
}

func (s *Seen) marked(n uint32) bool {
	return int(n/64) < len(s.bits) && s.bits[n/64]&(1<<(n%64)) != 0
}

// Unseen yields the items held that the listing did not show. An error ends it.
func (s *Seen) Unseen() iter.Seq2[Entry, error] {
	return s.l.entries(func(n uint32) bool { return !s.marked(n) })
}
