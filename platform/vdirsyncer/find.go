package vdirsyncer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/xdg"
)

// maxTitle of a collection, bytes.
const maxTitle = 200

// maxCollections bounds the entries of a folder of collections.
const maxCollections = 100_000

// Finder finds vdirsyncer's collections.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "vdirsyncer" }

// Find lists every collection of every configuration.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		found, err := ofHome(h)
		if err != nil {
			return nil, err
		}
		return found, nil
	})
}

// ofHome finds the collections of one home: its first configuration counts, as
// for vdirsyncer.
func ofHome(h xdg.Home) ([]dataset.Store, error) {
	for _, at := range []string{filepath.Join(h.Home, ".vdirsyncer/config"), filepath.Join(h.Config, "vdirsyncer/config")} {
		raw, err := xdg.ReadFile(at, maxConfig)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var c config
		if err == nil {
			c, err = parse(raw)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", at, err)
		}
		return stores(h, c)
	}
	return nil, nil
}

// stores are the collections of the local storages, each once for every account
// that it is kept in step with.
func stores(h xdg.Home, c config) ([]dataset.Store, error) {
	var all []dataset.Store
	names := make([]string, 0, len(c.storages))
	for name := range c.storages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		st := c.storages[name]
		if (st.typ != "filesystem" && st.typ != "singlefile") || st.path == "" {
			continue
		}
		places, err := st.collections(h, c.wholly(name))
		if err != nil {
			return all, err
		}
		partners := c.partners(name)
		for _, at := range places {
			for i, p := range partners {
				s := dataset.Store{ID: departure.SourceID("vdirsyncer:" + h.App + ":" + name + "/" + at.name), Who: p.who, Dataset: st.holds(p),
					Name: title(at) + " (vdirsyncer)"}
				if i > 0 {
					s.ID += departure.SourceID("@" + p.who.Identity())
				}
				all = append(all, st.open(s, at.path, "vdirsyncer "+name+" "+at.name))
			}
		}
	}
	return all, nil
}

// title is what a person called a collection: the file displayname in it.
// Source: vdirsyncer.pimutils.org, "The Vdir Storage Format".
func title(at place) string {
	if raw, err := xdg.ReadFile(filepath.Join(at.path, "displayname"), maxTitle); err == nil {
		if name := strings.TrimSpace(strings.ToValidUTF8(string(raw), "")); name != "" {
			return name
		}
	}
	return at.name
}

// partner is what the other storage of a pair is.
type partner struct {
	typ string
	who binding.Who
}

// partners are those of a storage; one that is none where it has none.
func (c *config) partners(name string) []partner {
	var ps []partner
	for _, p := range c.pairs {
		var other string
		switch name {
		case p.a:
			other = p.b
		case p.b:
			other = p.a
		default:
			continue
		}
		st := c.storages[other]
		of := partner{typ: st.typ}
		switch st.typ {
		case "carddav", "caldav", "http":
			of.who = dataset.AtServer(st.typ, st.url, st.user)
		case "google_contacts", "google_calendar":
			of.who = binding.Who{Type: "google"}
		}
		if !slices.Contains(ps, of) {
			ps = append(ps, of)
		}
	}
	if len(ps) == 0 {
		ps = []partner{{}}
	}
	return ps
}

// wholly reports whether a storage is one collection, for every pair that has it.
func (c *config) wholly(name string) bool {
	whole := false
	for _, p := range c.pairs {
		if p.a == name || p.b == name {
			whole = p.whole
			if !whole {
				break
			}
		}
	}
	return whole
}

// holds says what a storage's items are.
func (st *storage) holds(p partner) departure.Dataset {
	switch {
	case strings.Contains(p.typ, "carddav"), p.typ == "google_contacts", strings.EqualFold(filepath.Ext(st.path), ".vcf"), strings.EqualFold(st.ext, ".vcf"):
		return departure.Contacts
	}
	return departure.Calendars
}

// place is one collection of a storage.
type place struct{ name, path string }

// collections are the places of a storage that are there.
func (st *storage) collections(h xdg.Home, whole bool) ([]place, error) {
	at := expand(h, st.path)
	if before, after, many := strings.Cut(at, "%s"); many && st.typ == "singlefile" {
		return files(before, after)
	}
	_, err := os.Lstat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case whole || st.typ == "singlefile":
		return []place{{filepath.Base(at), at}}, nil
	}
	entries, err := xdg.ReadDir(at, maxCollections)
	if err != nil {
		return []place{{filepath.Base(at), at}}, nil // opening it says why it cannot be listed
	}
	var places []place
	loose := false
	for _, e := range entries {
		switch info, err := os.Stat(filepath.Join(at, e.Name())); {
		case strings.HasPrefix(e.Name(), "."):
		case err == nil && info.IsDir():
			places = append(places, place{e.Name(), filepath.Join(at, e.Name())})
		default:
			loose = loose || st.matches(e.Name())
		}
	}
	if loose {
		places = append(places, place{filepath.Base(at), at})
	}
	return places, nil
}

// files are the collections of a path with a %s in it.
func files(before, after string) ([]place, error) {
	dir, prefix := filepath.Split(before)
	entries, err := xdg.ListIfThere(dir, maxCollections)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), prefix)
		name, also := strings.CutSuffix(name, after)
		if ok && also && !e.IsDir() {
			places = append(places, place{name, filepath.Join(dir, e.Name())})
		}
	}
	return places, nil
}

// expand is a path as the configuration means it.
func expand(h xdg.Home, at string) string {
	if rest, ok := strings.CutPrefix(at, "~"); ok && (rest == "" || rest[0] == '/') {
		at = h.Home + rest
	}
	if !filepath.IsAbs(at) {
		at = filepath.Join(h.Home, at)
	}
	return filepath.Clean(at)
}

// matches reports whether a file of a collection is an item.
func (st *storage) matches(name string) bool {
	return strings.HasSuffix(name, st.ext) && !strings.HasSuffix(name, st.ignore) && !strings.Contains(name, "/")
}

// open fills how a collection is listed.
func (st *storage) open(s dataset.Store, at, inBag string) dataset.Store {
	if st.typ == "singlefile" {
		return dataset.OfFile(s, at, inBag)
	}
	return dataset.OfFolder(s, at, inBag, func(p string) bool {
		return st.matches(p) && !metadata(p)
	})
}

// metadata are the files of a collection that say what it is.
func metadata(name string) bool { return name == "displayname" || name == "color" }
