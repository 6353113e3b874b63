package bag

import "hash/maphash"

// nameSet holds the names of one folder by their folded form, in eight bytes
// each: 44 bits of a sum of the folded name, 20 of the name itself. A name that is
// not there is taken for one that is with a chance of one to sixteen million in a
// folder of a million files. It then gets the name of another version, which does
// no harm; a name that is there is never taken for free.
type nameSet struct {
	slots []uint64 // open addressing; 0 is free, 1 was removed
	used  int      // slots that are not 0
	live  int
}

const (
	exactBits = 20
	exactMask = 1<<exactBits - 1
	removed   = 1
)

var nameSeed = maphash.MakeSeed()

func newNameSet(size int) *nameSet {
	n := 8
	for n < 2*size {
		n *= 2
	}
	return &nameSet{slots: make([]uint64, n)}
}

func slotOf(name string) uint64 {
	s := maphash.String(nameSeed, fold(name))&^exactMask | maphash.String(nameSeed, name)&exactMask
	if s <= removed {
		s = 1 << exactBits
	}
	return s
}

func (s *nameSet) len() int { return s.live }

// find gives the place of a name like this, or -1.
func (s *nameSet) find(slot uint64) int {
	mask := uint64(len(s.slots) - 1)
	for i := slot >> exactBits & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] != removed && s.slots[i]>>exactBits == slot>>exactBits {
			return int(i)
		}
	}
	return -1
}

// has reports whether a name like this is taken, and whether it is this one.
func (s *nameSet) has(name string) (taken, exactly bool) {
	slot := slotOf(name)
	i := s.find(slot)
	return i >= 0, i >= 0 && s.slots[i] == slot
}

// put takes a name, in place of one like it, and reports whether there was none.
func (s *nameSet) put(name string) bool {
	slot := slotOf(name)
	if i := s.find(slot); i >= 0 {
		s.slots[i] = slot
		return false
	}
	if 4*(s.used+1) > 3*len(s.slots) {
		s.grow()
	}
	s.insert(slot)
	return true
}

func (s *nameSet) insert(slot uint64) {
	mask := uint64(len(s.slots) - 1)
	i := slot >> exactBits & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = slot
	s.used++
	s.live++
}

func (s *nameSet) grow() {
	old := s.slots
	*s = *newNameSet(2 * s.live)
	for _, slot := range old {
		if slot > removed {
			s.insert(slot)
		}
	}
}

// remove frees a name, and reports whether one like it was taken.
func (s *nameSet) remove(name string) bool {
	i := s.find(slotOf(name))
	if i < 0 {
		return false
	}
	s.slots[i] = removed
	s.live--
	return true
}
