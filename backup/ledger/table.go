package ledger

import "encoding/binary"

// row is what is kept in memory of an item.
type row struct {
	key     keySum
	rev     uint64
	off     int64 // of its record; -1: forgotten
	ver     int64 // of the later record that verified it; 0: none, or in the record itself
	content uint32
	flags   uint32
}

const (
	rowUnsettled = 1 << iota
	rowVerified
)

func (r *row) state(rev string) State {
	switch {
	case r.off < 0:
		return Absent
	case r.rev != revSum(rev):
		return Changed
	case r.flags&rowUnsettled != 0:
		return Unsettled
	}
	return Held
}

const (
	pageRows = 1 << 13
	noRow    = ^uint32(0)
)

// table finds rows by key and by content. Rows never move and hold no pointers.
type table struct {
	pages     [][]row
	rows      uint32
	live      int      // rows that are not forgotten
	byKey     []uint32 // open addressing; row number + 1, 0 is free
	byContent []uint32
	filed     int // entries of byContent in use
}

func (t *table) row(i uint32) *row { return &t.pages[i/pageRows][i%pageRows] }

func (t *table) find(k *keySum) uint32 {
	if len(t.byKey) == 0 {
		return noRow
	}
	mask := uint32(len(t.byKey) - 1)
	for i := binary.LittleEndian.Uint32(k[:]) & mask; ; i = (i + 1) & mask {
		n := t.byKey[i]
		if n == 0 {
			return noRow
		}
		if t.row(n-1).key == *k {
			return n - 1
		}
	}
}

// add makes a row for a key that has none.
func (t *table) add(k *keySum) uint32 {
	if int(t.rows)*10 >= len(t.byKey)*7 {
		t.grow()
	}
	if t.rows%pageRows == 0 {
		t.pages = append(t.pages, make([]row, pageRows))
	}
	n := t.rows
	t.rows++
	t.row(n).key, t.row(n).off = *k, -1
	t.insert(t.byKey, binary.LittleEndian.Uint32(k[:]), n)
	return n
}

func (t *table) insert(index []uint32, hash, n uint32) {
	mask := uint32(len(index) - 1)
	i := hash & mask
	for index[i] != 0 {
		i = (i + 1) & mask
	}
	index[i] = n + 1
}

func (t *table) grow() {
	size := max(1<<10, 2*len(t.byKey))
	t.byKey = make([]uint32, size)
	for n := range t.rows {
		t.insert(t.byKey, binary.LittleEndian.Uint32(t.row(n).key[:]), n)
	}
	t.refile()
}

// content gives a live row whose content sum is c, or noRow. Rows with one sum
// share one index entry: a second one is found only when the first is gone,
// which costs a copy stored twice and nothing else.
func (t *table) content(c uint32) uint32 {
	if len(t.byContent) == 0 {
		return noRow
	}
	mask := uint32(len(t.byContent) - 1)
	for i := c & mask; ; i = (i + 1) & mask {
		n := t.byContent[i]
		if n == 0 {
			return noRow
		}
		if r := t.row(n - 1); r.content == c && r.off >= 0 {
			return n - 1
		}
	}
}

// setContent files row n, which is live, under its content. An index entry that
// no longer fits its row does no harm: content looks at the row.
func (t *table) setContent(n, c uint32) {
	t.row(n).content = c
	if t.content(c) != noRow {
		return
	}
	if t.filed*10 >= len(t.byContent)*7 {
		t.refile()
	}
	if t.content(c) == noRow {
		t.insert(t.byContent, c, n)
		t.filed++
	}
}

func (t *table) refile() {
	t.byContent, t.filed = make([]uint32, len(t.byKey)), 0
	for n := range t.rows {
		if r := t.row(n); r.off >= 0 && t.content(r.content) == noRow {
			t.insert(t.byContent, r.content, n)
			t.filed++
		}
	}
}
