package ledger

import "encoding/binary"

// contents finds a row by what the item holds. It is made when it is first
// asked: a run that copies nothing does without. An entry is 32 bits of the
// content's sum over a row number + 1. It may be out of date: whoever asks reads
// the record. Contents that share their 32 bits share one entry, which costs a
// copy stored twice and nothing else.
type contents struct {
	slots []uint64
	used  int
}

func contentSum(sha []byte) uint32 { return binary.LittleEndian.Uint32(sha) }

// find gives the slot of a sum, or the free one where it would be.
func (c *contents) find(sum uint32) int {
	i := place(uint64(sum)*0x9e3779b97f4a7c15, len(c.slots))
	for c.slots[i] != 0 && uint32(c.slots[i]>>32) != sum {
		if i++; i == len(c.slots) {
			i = 0
		}
	}
	return i
}

// row gives the row filed under a sum, or noRow.
func (c *contents) row(sum uint32) uint32 {
	if len(c.slots) == 0 {
		return noRow
	}
	return uint32(c.slots[c.find(sum)]) - 1
}

// file files row n under a sum, in place of an earlier one.
func (c *contents) file(sum, n uint32) {
	if c.used*5 >= len(c.slots)*4 {
		c.grow()
	}
	i := c.find(sum)
	if c.slots[i] == 0 {
		c.used++
	}
	c.slots[i] = uint64(sum)<<32 | uint64(n+1)
}

func (c *contents) grow() {
	old := c.slots
	c.slots = claim[uint64](max(1<<10, len(old)/2*3))
	for _, s := range old {
		if s != 0 {
			c.slots[c.find(uint32(s>>32))] = s
		}
	}
	release(old)
}

func (c *contents) free() {
	release(c.slots)
	*c = contents{}
}
