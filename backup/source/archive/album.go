package archive

import (
	"path"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// album is the photos of a Takeout, folder by folder.
type album struct {
	order   []string
	folders map[string]*folder
	strays  []item // files taken for parts, of which no sidecar speaks
}

type folder struct{ pictures, sidecars, rest []item }

func (a *album) put(it item) {
	dir := path.Dir(it.path)
	f := a.folders[dir]
	if f == nil {
		f = &folder{}
		a.folders[dir] = f
		a.order = append(a.order, dir)
	}
	switch {
	case source.IsMedia(it.path):
		f.pictures = append(f.pictures, it)
	case strings.EqualFold(path.Ext(it.path), ".json"):
		f.sidecars = append(f.sidecars, it)
	default:
		f.rest = append(f.rest, it)
	}
}

// pair puts each sidecar beside its photo, and the time when it was taken on it.
// A file that is a part of the export itself joins the folder that lacks it.
func (a *album) pair() []item {
	a.home()
	var all []item
	for _, dir := range a.order {
		f := a.folders[dir]
		f.join()
		all = append(append(append(all, f.pictures...), f.sidecars...), f.rest...)
	}
	return all
}

// home finds for each file that stands for itself the one folder with a sidecar
// of its name and no such picture.
func (a *album) home() {
	top := a.folders["."]
	if top == nil {
		return
	}
	top.pictures = slices.DeleteFunc(top.pictures, func(it item) bool {
		if it.v.loose == "" {
			return false
		}
		var at []string
		for _, dir := range a.order {
			if f := a.folders[dir]; f != top && f.wants(it.path) {
				at = append(at, dir)
			}
		}
		switch len(at) {
		case 0:
			a.strays = append(a.strays, it)
			return false
		case 1:
			it.path = at[0] + "/" + it.path
			in := a.folders[at[0]]
			in.pictures = append(in.pictures, it)
			return true
		}
		return false
	})
}

func (f *folder) wants(name string) bool {
	for _, p := range f.pictures {
		if path.Base(p.path) == name {
			return false
		}
	}
	return slices.ContainsFunc(f.sidecars, func(s item) bool {
		if t := s.v.facts[s.i].title; t != "" {
			return t == name
		}
		stem := strings.TrimSuffix(path.Base(s.path), path.Ext(s.path))
		before, _ := beforeSupplemental(stem)
		return before == name
	})
}

func (f *folder) join() {
	names := func(items []item, cut string) []string {
		var ns []string
		for _, it := range items {
			b := path.Base(it.path)
			if cut != "" && len(b) > len(cut) {
				b = b[:len(b)-len(cut)]
			}
			ns = append(ns, b)
		}
		return ns
	}
	of := pair(names(f.pictures, ""), names(f.sidecars, ".json"), func(i int) string {
		s := &f.sidecars[i]
		return s.v.facts[s.i].title
	})
	for i, j := range of {
		s := &f.sidecars[i]
		s.beside = true
		if j < 0 {
			continue
		}
		p := &f.pictures[j]
		known := s.v.facts[s.i]
		s.path = p.path + ".json"
		p.taken, p.beside = known.taken, known.trashed
	}
	for i := range f.rest {
		f.rest[i].beside = true
	}
	f.bin()
}

// bin leaves out of the count what belongs to a photo in the bin: an edit, the
// film of a live photo.
func (f *folder) bin() {
	var paths []string
	for _, p := range f.pictures {
		paths = append(paths, p.path)
	}
	shots, _ := source.Group(paths)
	for _, s := range shots {
		main := &f.pictures[s.Main]
		for _, c := range s.With {
			with := &f.pictures[c.Index]
			with.beside = with.beside || main.beside
			if with.taken == 0 {
				with.taken = main.taken
			}
		}
	}
}
