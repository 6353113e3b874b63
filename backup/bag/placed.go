package bag

import (
	"bytes"
	"hash/maphash"
	"io"
	"slices"
)

// placed are the paths for which a journal has a new line of the manifest, eight
// bytes each. Whoever removes an old version from the bag frees its name: the
// line that the manifest still has for it must go when the name is used again.
type placed struct {
	seed   maphash.Seed
	sums   []uint64
	sorted bool
}

func newPlaced() *placed { return &placed{seed: maphash.MakeSeed()} }

func (p *placed) add(path string) {
	p.sums, p.sorted = append(p.sums, maphash.String(p.seed, path)), false
}

func (p *placed) sort() {
	if !p.sorted {
		slices.Sort(p.sums)
		p.sorted = true
	}
}

// may reports whether a path may be one of them; false is certain.
func (p *placed) may(path string) bool {
	p.sort()
	_, found := slices.BinarySearch(p.sums, maphash.String(p.seed, path))
	return found
}

// twice reports whether a path may be among them more than once; with nothing
// given, whether any is.
func (p *placed) twice(path ...string) bool {
	p.sort()
	if len(path) == 0 {
		for i := 1; i < len(p.sums); i++ {
			if p.sums[i] == p.sums[i-1] {
				return true
			}
		}
		return false
	}
	sum := maphash.String(p.seed, path[0])
	i, found := slices.BinarySearch(p.sums, sum)
	return found && i+1 < len(p.sums) && p.sums[i+1] == sum
}

// heldBack are lines of the old manifest that may have a new one, by path.
type heldBack map[string][]byte

// pass writes an old line, or holds it back.
func (h heldBack) pass(w io.Writer, p *placed, text []byte) error {
	if path := ManifestPath(text); p.may(path) {
		h[path] = append(h[path], text...)
		return nil
	}
	_, err := w.Write(text)
	return err
}

// rest writes the lines that have no new one after all.
func (h heldBack) rest(w io.Writer) error {
	for _, text := range h {
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// watched passes lines of the manifest on and lets go of the old ones that each
// stands for.
type watched struct {
	to   io.Writer
	held heldBack
	part []byte
}

func (w *watched) Write(text []byte) (int, error) {
	rest := text
	for len(w.held) > 0 {
		line, more, whole := bytes.Cut(rest, []byte("\n"))
		w.part = append(w.part, line...)
		if !whole {
			break
		}
		delete(w.held, ManifestPath(w.part))
		w.part, rest = w.part[:0], more
	}
	return w.to.Write(text)
}
