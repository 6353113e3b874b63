package ledger

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// row is what is kept in memory of an item:
//
//	0–11  the first bytes of its key's sum
//	12–17 its revision's sum (46 bits), verified, unsettled
//	18–22 where its record is; all ones: it was forgotten
//	23–27 where the later record is that verified it; 0: none
type row [28]byte

const (
	rowUnsettled = 1 << iota
	rowVerified
	rowFlags = rowUnsettled | rowVerified
)

// maxFile is how long the file may be, bytes: offsets have 40 bits.
const maxFile = 1<<40 - 2

const gone = 1<<40 - 1

func get40(b []byte) int64 {
	return int64(binary.LittleEndian.Uint32(b)) | int64(b[4])<<32
}

func put40(b []byte, v int64) {
	binary.LittleEndian.PutUint32(b, uint32(v))
	b[4] = byte(v >> 32)
}

func (r *row) is(k *keySum) bool { return [12]byte(r[:12]) == [12]byte(k[:12]) }

func (r *row) rev() uint64 {
	return uint64(binary.LittleEndian.Uint32(r[12:])) | uint64(binary.LittleEndian.Uint16(r[16:]))<<32
}

func (r *row) setRev(v uint64) {
	binary.LittleEndian.PutUint32(r[12:], uint32(v))
	binary.LittleEndian.PutUint16(r[16:], uint16(v>>32))
}

func (r *row) flags() uint64 { return r.rev() & rowFlags }

func (r *row) setFlags(f uint64) { r.setRev(r.rev()&^rowFlags | f) }

func (r *row) off() int64     { return get40(r[18:]) }
func (r *row) setOff(v int64) { put40(r[18:], v) }
func (r *row) ver() int64     { return get40(r[23:]) }
func (r *row) setVer(v int64) { put40(r[23:], v) }
func (r *row) live() bool     { return r.off() != gone }

// revSeed is new in every process: no server can look for two revisions that
// have one sum.
var revSeed = maphash.MakeSeed()

const revMask = (1<<48 - 1) &^ rowFlags

func revSum(rev []byte) uint64     { return maphash.Bytes(revSeed, rev) & revMask }
func revSumText(rev string) uint64 { return maphash.String(revSeed, rev) & revMask }

func (r *row) state(rev string) State {
	switch {
	case !r.live():
		return Absent
	case r.rev()&revMask != revSumText(rev):
		return Changed
	case r.flags()&rowUnsettled != 0:
		return Unsettled
	}
	return Held
}

const (
	pageRows = 1 << 13
	noRow    = ^uint32(0)
)

// table finds rows by key. Rows never move.
type table struct {
	pages [][]row
	rows  uint32
	live  int      // rows that are not forgotten
	index []uint32 // open addressing; row number + 1, 0 is free
}

func (t *table) row(i uint32) *row { return &t.pages[i/pageRows][i%pageRows] }

// place is where the search for a hash begins in n slots.
func place(hash uint64, n int) int {
	hi, _ := bits.Mul64(hash, uint64(n))
	return int(hi)
}

func keyHash(k []byte) uint64 { return binary.LittleEndian.Uint64(k) }

func (t *table) find(k *keySum) uint32 {
	size := len(t.index)
	if size == 0 {
		return noRow
	}
	for i := place(keyHash(k[:]), size); ; i++ {
		if i == size {
			i = 0
		}
		n := t.index[i]
		if n == 0 {
			return noRow
		}
		if t.row(n - 1).is(k) {
			return n - 1
		}
	}
}

// findLive is find for items that are not forgotten.
func (t *table) findLive(k *keySum) uint32 {
	n := t.find(k)
	if n != noRow && !t.row(n).live() {
		return noRow
	}
	return n
}

// add makes a row, forgotten as yet, for a key that has none.
func (t *table) add(k *keySum) uint32 {
	if int(t.rows)*5 >= len(t.index)*3 {
		t.grow()
	}
	if t.rows%pageRows == 0 {
		t.pages = append(t.pages, claim[row](pageRows))
	}
	n := t.rows
	t.rows++
	r := t.row(n)
	copy(r[:12], k[:12])
	r.setOff(gone)
	t.insert(n)
	return n
}

func (t *table) insert(n uint32) {
	i := place(keyHash(t.row(n)[:]), len(t.index))
	for t.index[i] != 0 {
		if i++; i == len(t.index) {
			i = 0
		}
	}
	t.index[i] = n + 1
}

func (t *table) grow() {
	old := t.index
	t.index = claim[uint32](max(1<<10, len(old)/2*3))
	release(old)
	for n := range t.rows {
		t.insert(n)
	}
}

// free gives the memory back. The table is empty afterwards.
func (t *table) free() {
	for _, p := range t.pages {
		release(p)
	}
	release(t.index)
	*t = table{}
}
