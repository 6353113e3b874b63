package archive

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// product is one folder of a Takeout: what one service of Google's exported.
// Their names are in the person's language, so that each is known by what it
// holds.
type product struct {
	sidecars, notes, pictures int
	cards, cardsInPlace       int // "Contacts/All Contacts/All Contacts.vcf"
	calendars, rest           int
	named                     bool
}

// photosNames are names of the folder of Google Photos that were seen (immich-go,
// issues 357, 380; GooglePhotosTakeoutHelper_Neo, issues 100, 106). They serve an
// export in which no photo has a sidecar.
var photosNames = []string{"google photos", "google fotos", "google foto", "google foto_s", "googlefotos", "google fotók", "google 相簿"}

// of says which dataset the files of a product are.
func (p *product) of() source.Dataset {
	switch {
	case p.notes > 0 && p.notes >= p.sidecars:
		return source.Notes
	case p.sidecars > 0, p.named && p.pictures > 0:
		return source.Photos
	case p.cardsInPlace > 0:
		return source.Contacts
	case p.calendars > 0 && p.rest == 0:
		return source.Calendars
	}
	return source.Files
}

// productOf is the folder beneath "Takeout" in which a file lies, "" for none.
func productOf(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

func (x *Export) sortTakeout() {
	products := map[string]*product{}
	var all, unsafe []item
	x.each(func(it item) {
		if it.entry().reason == source.UnsafeName {
			unsafe = append(unsafe, it)
			return
		}
		all = append(all, it)
		if it.v.loose != "" {
			return
		}
		name := productOf(it.path)
		p := products[name]
		if p == nil {
			p = &product{}
			for _, n := range photosNames {
				p.named = p.named || strings.EqualFold(n, name)
			}
			products[name] = p
		}
		p.see(&it)
	})
	photos := &album{folders: map[string]*folder{}}
	keep := map[string][]item{}
	for _, it := range all {
		name := productOf(it.path)
		ext := strings.ToLower(path.Ext(it.path))
		switch d := x.datasetOf(&it, products[name]); {
		case d == source.Photos:
			photos.put(it)
		case d == source.Notes:
			keep[path.Dir(it.path)] = append(keep[path.Dir(it.path)], it)
		case d == source.Contacts && ext == ".vcf", d == source.Calendars && ext == ".ics":
			x.put(d, it)
		default:
			x.put(source.Files, it)
		}
	}
	x.items[source.Photos] = photos.pair()
	for _, it := range photos.strays {
		x.Missing = append(x.Missing, fmt.Sprintf("part %d (%s is none: no other part speaks of it)", it.v.number, it.v.part.file))
	}
	for _, dir := range slices.Sorted(maps.Keys(keep)) {
		x.keep(keep[dir])
	}
	for _, it := range unsafe {
		x.put(x.guess(it.path), it)
	}
	x.compare()
}

func (x *Export) datasetOf(it *item, p *product) source.Dataset {
	switch {
	case it.v.loose != "":
		return source.Photos
	case p == nil || productOf(it.path) == "":
		return source.Files
	}
	return p.of()
}

func (p *product) see(it *item) {
	dir, base := path.Split(it.path)
	ext := strings.ToLower(path.Ext(base))
	f, known := it.v.facts[it.i]
	switch {
	case known && f.of == photo:
		p.sidecars++
	case known && f.of == note:
		p.notes++
	case ext == ".vcf":
		p.cards++
		if strings.TrimSuffix(base, path.Ext(base)) == path.Base(dir) {
			p.cardsInPlace++
		}
	case ext == ".ics":
		p.calendars++
	case source.IsMedia(base):
		p.pictures++
		p.rest++
	default:
		p.rest++
	}
}

// errNotHere: the page that lists the export has a file that no part has.
var errNotHere = errors.New("it is in Google's list of the export, and in none of the parts that are here")

// errNotExported: Google says so itself.
var errNotExported = errors.New("by Google's list of the export, it could not be put in")

// compare holds the parts against the page that lists the export. If every file
// is here, so is the last part. Exports were seen with one page in a part of its
// own, and with a page in each part, of which nobody says whether it lists the
// others: it proves something only if it names what lies in every part that is
// here. A page of which less than half is here is not understood.
func (x *Export) compare() {
	for _, v := range x.volumes {
		b := v.browser
		here := x.shelfOf(nil)
		var lacking []listed
		for _, f := range b.files {
			if f.name != manifestName && !here.has(f) {
				lacking = append(lacking, f)
			}
		}
		if len(b.files) == 0 || 2*len(lacking) > len(b.files) {
			continue
		}
		x.proven = x.proven || len(lacking) == 0 && x.lists(v)
		x.lacking(lacking, errNotHere)
		for _, f := range b.failed {
			if !here.has(f) {
				x.lacking([]listed{f}, errNotExported)
			}
		}
	}
}

// shelfOf is the files of one part, or of all.
func (x *Export) shelfOf(one *volume) shelf {
	s := shelf{}
	for _, v := range x.volumes {
		if one == nil || one == v {
			for i := range v.entries {
				s.put(v.entries[i].name)
			}
		}
	}
	for _, it := range x.items[source.Photos] { // where a file belongs that is a part itself was found out
		if it.v.loose != "" && it.i >= 0 && (one == nil || one == it.v) {
			s.put(it.path)
		}
	}
	return s
}

// lists reports whether the page in a part names a file of every other part, and
// there are others.
func (x *Export) lists(v *volume) bool {
	own, others := x.shelfOf(v), 0
	for _, o := range x.volumes {
		if o == v || len(o.entries) == 0 {
			continue
		}
		others++
		there := x.shelfOf(o)
		if !slices.ContainsFunc(v.browser.files, func(f listed) bool { return there.has(f) && !own.has(f) }) {
			return false
		}
	}
	return others > 0
}

// lacking names files that the page has and no part, each once.
func (x *Export) lacking(files []listed, why error) {
	for _, f := range files {
		name := path.Join(f.folder, f.name)
		id := manifestName + "//" + name
		d := x.guess(f.name)
		if !x.named[id] {
			x.named[id] = true
			x.put(d, item{v: x.volumes[0], i: -1, id: id, path: name, beside: true, reason: source.NotExported, why: why})
		}
	}
}
