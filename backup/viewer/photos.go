package viewer

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// pagePhotos is how many photos a page has at most.
const pagePhotos = 1000

// photo is a photo or film as a person counts them.
type photo struct {
	ID      string
	Name    string
	Path    string // in the bag
	Preview string // beneath export/, or ""
	Opens   bool   // a browser may be given the file
	Label   string // on a tile without a preview, and beside what a browser does not show
	With    string // what belongs to it: "MOV", "DNG + XMP"
	At      time.Time
	When    string
	Waits   bool // its preview is made another time
}

// month is a heading and the photos beneath it.
type month struct {
	ID     string
	Title  string
	Photos []photo
	Count  int // of the whole month, where it goes on on the next page
	Page   int
	Part   int // 1, or more where the month goes on from the page before
}

// photos are the photos of the copy, the newest first. Several files of one
// content are shown once, and what belongs together is one photo.
func (w *writer) photos() []photo {
	items := w.held.items[source.Photos]
	paths := make([]string, len(items))
	for i := range items {
		paths[i] = items[i].path
	}
	shots, rest := source.Group(paths)
	for _, i := range rest {
		if k := w.known.get(items[i].sum); k.Format != formatNone {
			shots = append(shots, source.Shot{Main: i}) // a picture by its bytes
		} else {
			w.strangers++
		}
	}
	seen := map[[32]byte]bool{}
	list := make([]photo, 0, len(shots))
	for _, s := range shots {
		it := &items[s.Main]
		if seen[it.sum] {
			continue
		}
		seen[it.sum] = true
		list = append(list, w.photo(it, s, items))
	}
	slices.SortStableFunc(list, func(a, b photo) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Path, b.Path))
	})
	for i := range list {
		list[i].ID = fmt.Sprintf("p%d", i+1)
	}
	return list
}

func (w *writer) photo(it *item, s source.Shot, items []item) photo {
	k := w.known.get(it.sum)
	p := photo{Name: it.shown(), Path: it.path, Opens: opens(it.path, k.Format), Label: label(it.path)}
	switch k.Preview {
	case gradeFull, gradeSmall:
		p.Preview = previewPath(it.sum)
	case gradeNone:
		p.Waits = true
	}
	if k.Taken != nil {
		p.At = *k.Taken
	} else if t := wall(it.mod.In(w.o.Zone)); t != nil && it.mod.Unix() > 0 {
		p.At = *t
	}
	if !p.At.IsZero() {
		p.When = p.At.Format(dayForm + ", " + timeForm)
	}
	var with []string
	for _, c := range s.With {
		with = appendNew(with, label(items[c.Index].path))
	}
	p.With = strings.Join(with, " + ")
	return p
}

// months puts photos under headings, and headings on pages: whole months as far
// as they fit.
func months(list []photo) []month {
	var all []month
	for start := 0; start < len(list); {
		key := monthOf(list[start].At)
		end := start
		for end < len(list) && monthOf(list[end].At) == key {
			end++
		}
		all = append(all, month{ID: "m" + key, Title: monthTitle(list[start].At), Photos: list[start:end], Count: end - start})
		start = end
	}
	var out []month
	page, room := 1, pagePhotos
	for _, m := range all {
		if len(m.Photos) > room && room < pagePhotos {
			page, room = page+1, pagePhotos
		}
		for part := 1; len(m.Photos) > 0; part++ {
			n := min(len(m.Photos), room)
			piece := month{ID: m.ID, Title: m.Title, Photos: m.Photos[:n], Count: m.Count, Page: page, Part: part}
			if part > 1 {
				piece.ID += fmt.Sprintf("-%d", part)
				piece.Title += ", continued"
			}
			out = append(out, piece)
			m.Photos = m.Photos[n:]
			if room -= n; room == 0 {
				page, room = page+1, pagePhotos
			}
		}
	}
	return out
}

func monthOf(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format("2006-01")
}

func monthTitle(t time.Time) string {
	if t.IsZero() {
		return "Without a date"
	}
	return t.Format("January 2006")
}

// cover is the photo that stands for a month: the first with a preview.
func (m *month) cover() photo {
	for _, p := range m.Photos {
		if p.Preview != "" {
			return p
		}
	}
	return m.Photos[0]
}

// folder is where a person finds a file of the copy.
func folder(p string) string { return path.Dir(p) }
