package archive

import (
	"errors"
	"path"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// appleFile is what one zip of Apple's, or one series of them, holds.
type appleFile struct{ details, pictures, cards, calendars, texts, rest int }

// of says which dataset it is: photos have a list of them, or a folder "Photos";
// notes are texts, each in a folder that is called like it.
func (a *appleFile) of() source.Dataset {
	switch {
	case a.details > 0:
		return source.Photos
	case a.cards > 0 && a.rest+a.texts+a.calendars == 0:
		return source.Contacts
	case a.calendars > 0 && a.rest+a.texts+a.cards == 0:
		return source.Calendars
	case a.texts > 0:
		return source.Notes
	}
	return source.Files
}

// see counts an entry. A note is "…/Shopping/Shopping.txt", as the tools that
// convert "iCloud Notes.zip" find them.
func (a *appleFile) see(name string) {
	dir, base := path.Split(name)
	ext := strings.ToLower(path.Ext(base))
	parent := path.Base(dir)
	switch {
	case isDetails(strings.ToLower(base)), source.IsMedia(base) && (parent == "Photos" || parent == "Recently Deleted"):
		a.details++
	case ext == ".vcf":
		a.cards++
	case ext == ".ics":
		a.calendars++
	case ext == ".txt" && strings.TrimSuffix(base, path.Ext(base)) == parent:
		a.texts++
	case source.IsMedia(base):
		a.pictures++
	default:
		a.rest++
	}
}

func (x *Export) sortICloud() {
	files := map[string]*appleFile{}
	x.each(func(it item) {
		a := files[it.v.series]
		if a == nil {
			a = &appleFile{}
			files[it.v.series] = a
		}
		a.see(it.path)
	})
	details := x.details()
	var unsafe []item
	x.each(func(it item) {
		if it.entry().reason == source.UnsafeName {
			unsafe = append(unsafe, it)
			return
		}
		ext := strings.ToLower(path.Ext(it.path))
		parent := path.Base(path.Dir(it.path))
		if top := strings.TrimSuffix(it.v.part.file, path.Ext(it.v.part.file)); !strings.HasPrefix(it.path, top+"/") {
			it.path = top + "/" + it.path
		}
		d := files[it.v.series].of()
		switch d {
		case source.Photos:
			it.beside = !source.IsMedia(it.path) || parent == "Recently Deleted"
			if t := details.of(&it); t != nil && !t.Taken.IsZero() {
				it.taken = t.Taken.Unix()
			}
			x.within(d, it)
		case source.Notes:
			it.beside = ext != ".txt"
			x.within(d, it)
		case source.Contacts, source.Calendars:
			if ext != ".vcf" && ext != ".ics" {
				d = source.Files
			}
		}
		x.put(d, it)
	})
	for _, it := range unsafe {
		x.put(x.guess(it.path), it)
	}
	details.lacking(x)
}

// appleDetails are the lists of photos, by the folder of each list and the name.
type appleDetails struct {
	lines   map[*volume]map[string]*Detail // by folder and name
	names   map[string]bool                // of every picture that is here, in small letters
	listed  []Detail
	broken  []item
	example *volume
}

// details reads the lists of all parts. A name may stand for two photos in two
// parts: a photo is looked for in the list of its own folder.
func (x *Export) details() *appleDetails {
	d := &appleDetails{lines: map[*volume]map[string]*Detail{}, names: map[string]bool{}}
	for _, v := range x.volumes {
		for i := range v.entries {
			name := v.entries[i].name
			if source.IsMedia(name) {
				d.names[strings.ToLower(path.Base(name))] = true
			}
			raw, ok := v.kept[int32(i)]
			if !ok || !isDetails(strings.ToLower(path.Base(name))) {
				continue
			}
			lines, err := ParseDetails(raw)
			if err != nil {
				d.broken = append(d.broken, item{v: v, i: -1, id: v.file.Name() + "/" + name + "//list", path: name, beside: true, reason: source.Unreadable, why: err})
				continue
			}
			d.example = v
			if d.lines[v] == nil {
				d.lines[v] = map[string]*Detail{}
			}
			for j := range lines {
				d.lines[v][path.Join(path.Dir(name), lines[j].Name)] = &lines[j]
			}
			d.listed = append(d.listed, lines...)
		}
	}
	return d
}

func (d *appleDetails) of(it *item) *Detail { return d.lines[it.v][it.entry().name] }

// errNotInParts: Apple lists a photo that no part holds.
var errNotInParts = errors.New("it is in Apple's list of the photos, and in none of the parts that are here")

// lacking names the photos that a list has and no part holds.
func (d *appleDetails) lacking(x *Export) {
	for _, it := range d.broken {
		x.put(source.Photos, it)
	}
	named := map[string]bool{}
	for _, l := range d.listed {
		name := strings.ToLower(l.Name)
		if l.Deleted || d.names[name] || named[name] {
			continue
		}
		named[name] = true
		x.put(source.Photos, item{v: d.example, i: -1, id: "Photo Details.csv//" + l.Name, path: l.Name, beside: true, reason: source.NotExported, why: errNotInParts})
	}
}
