package archive

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// counter is the number that Google puts behind a name which another file of the
// folder has: "IMG_1(1).jpg", whose sidecar is "IMG_1.jpg(1).json" or
// "IMG_1.jpg.supplemental-metadata(1).json".
var counter = regexp.MustCompile(`\(\d{1,4}\)$`)

// supplemental is what stands between the name of a photo and ".json" since the
// end of 2024, as far as the name has room.
const supplemental = ".supplemental-metadata"

// cutAt is how long the name of a sidecar is at least, without counter and
// ".json", where some of the photo's own name was cut off: Google cuts at 46,
// counted in UTF-16, and older exports somewhat earlier.
const cutAt = 40

// pair finds for each sidecar of a folder, named without ".json", the picture or
// film that it is about; -1 where there is none. No two get the same. title is
// what a sidecar says its photo is called, "" where it does not.
func pair(pictures, sidecars []string, title func(int) string) []int {
	p := pairing{exact: make(map[string]int, len(pictures)), stems: make(map[string]int), taken: make([]bool, len(pictures))}
	for i, name := range pictures {
		p.add(name, i)
		if stem, ext := split(name); ext != "" {
			if n := counter.FindString(stem); n != "" { // "IMG_1(1).jpg" is called "IMG_1.jpg(1)" there
				p.add(strings.TrimSuffix(stem, n)+ext+n, i)
			}
			if _, twin := p.stems[stem]; twin {
				i = -1
			}
			p.stems[stem] = i
		}
	}
	slices.SortFunc(p.sorted, func(a, b named) int { return strings.Compare(a.name, b.name) })
	of := make([]int, len(sidecars))
	for i := range of {
		of[i] = -1
	}
	for _, find := range []func(name, title string) int{p.whole, p.titled, p.cut, p.bare} {
		for i, s := range sidecars {
			if of[i] >= 0 {
				continue
			}
			if j := find(s, title(i)); j >= 0 && !p.taken[j] {
				of[i], p.taken[j] = j, true
			}
		}
	}
	return of
}

type named struct {
	name string
	i    int
}

type pairing struct {
	exact  map[string]int
	stems  map[string]int
	sorted []named
	taken  []bool
}

func (p *pairing) add(name string, i int) {
	if _, twin := p.exact[name]; !twin {
		p.exact[name] = i
		p.sorted = append(p.sorted, named{name, i})
	}
}

func split(name string) (stem, ext string) {
	ext = path.Ext(name)
	return strings.TrimSuffix(name, ext), ext
}

func (p *pairing) get(name string) int {
	if i, ok := p.exact[name]; ok {
		return i
	}
	return -1
}

// whole: the sidecar has the whole name of the photo, and what follows it whole
// or cut.
func (p *pairing) whole(name, _ string) int {
	if i := p.get(name); i >= 0 {
		return i
	}
	n := counter.FindString(name)
	base := strings.TrimSuffix(name, n)
	if before, ok := beforeSupplemental(base); ok {
		return p.get(before + n)
	}
	return -1
}

// beforeSupplemental takes off ".supplemental-metadata", or what is left of it.
func beforeSupplemental(name string) (string, bool) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || !strings.HasPrefix(supplemental, name[i:]) {
		return name, false
	}
	return name[:i], true
}

// titled: the sidecar names the photo in its text.
func (p *pairing) titled(name, title string) int {
	if title == "" {
		return -1
	}
	return p.get(title + counter.FindString(name))
}

// cut: the sidecar's name ends within that of one photo, and of one alone.
func (p *pairing) cut(name, _ string) int {
	n := counter.FindString(name)
	base := strings.TrimSuffix(name, n)
	if before, ok := beforeSupplemental(base); ok {
		base = before
	}
	if utf16Len(base) < cutAt && utf16Len(name) < cutAt {
		return -1
	}
	found := -1
	i, _ := slices.BinarySearchFunc(p.sorted, base, func(a named, b string) int { return strings.Compare(a.name, b) })
	for ; i < len(p.sorted) && strings.HasPrefix(p.sorted[i].name, base); i++ {
		if j := p.sorted[i]; counter.FindString(j.name) == n && !p.taken[j.i] {
			if found >= 0 && found != j.i {
				return -1
			}
			found = j.i
		}
	}
	return found
}

// bare: the sidecar leaves out the photo's extension (immich-go, issue 674).
func (p *pairing) bare(name, _ string) int {
	n := counter.FindString(name)
	base, ok := beforeSupplemental(strings.TrimSuffix(name, n))
	if !ok {
		return -1
	}
	if i, there := p.stems[base+n]; there {
		return i
	}
	return -1
}

func utf16Len(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
