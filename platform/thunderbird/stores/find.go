package stores

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/mozilla"
	"github.com/clearance-project/clearance/platform/thunderbird"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Finder finds the address books and calendars.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "thunderbird" }

// Find lists every address book, and every calendar with something that is only
// here.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	profiles, err := mozilla.Thunderbird.Profiles(f.dirs)
	if err != nil {
		return nil, err
	}
	var stores []dataset.Store
	for _, found := range profiles {
		p := profile{id: found.App + ":" + filepath.Base(found.Path), path: found.Path}
		if p.settings, err = found.Prefs(); err != nil {
			return stores, err
		}
		books, err := p.books()
		if err != nil {
			return stores, err
		}
		stores = append(append(stores, books...), p.calendars()...)
	}
	return stores, ctx.Err()
}

// profile is one of Thunderbird's profiles.
type profile struct {
	id, path string
	settings map[string]string
}

// maxEntries of a profile's folder, which has some hundred.
const maxEntries = 100_000

// fileOfBook are the names of the files of address books.
var fileOfBook = regexp.MustCompile(`^(abook|history)(-[0-9]+)?\.(sqlite|mab)$`)

// Types of address books. Source: nsIAbManager.idl.
const (
	typeLDAP    = "0"
	typeCardDAV = "102"
)

// books are the address books of a profile: those that are listed in its
// settings, and those whose files are there.
func (p *profile) books() ([]dataset.Store, error) {
	prefix := make(map[string]string) // file → where its settings are
	for name, file := range p.settings {
		if server, ok := strings.CutSuffix(name, ".filename"); ok && strings.HasPrefix(name, "ldap_2.servers.") && filepath.IsLocal(file) && !strings.Contains(file, "/") {
			prefix[file] = server + "."
		}
	}
	entries, err := xdg.ListIfThere(p.path, maxEntries)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, e := range entries {
		if _, listed := prefix[e.Name()]; listed || fileOfBook.MatchString(e.Name()) {
			names[e.Name()] = true
		}
	}
	var stores []dataset.Store
	for _, file := range sorted(names) {
		stem := strings.TrimSuffix(file, filepath.Ext(file))
		if strings.HasSuffix(file, ".mab") && names[stem+".sqlite"] {
			continue // what it held is in the other
		}
		stores = append(stores, p.book(file, prefix[file]))
	}
	return stores, nil
}

func (p *profile) book(file, prefix string) dataset.Store {
	at := filepath.Join(p.path, file)
	s := dataset.Store{ID: departure.SourceID("thunderbird:" + p.id + "/" + file), Dataset: departure.Contacts, Watched: []string{at}, Folder: p.path}
	title := map[string]string{"abook.sqlite": "Personal Address Book", "history.sqlite": "Collected Addresses"}[file]
	if name := p.settings[prefix+"description"]; prefix != "" && name != "" && !strings.HasPrefix(name, "chrome://") {
		title = name
	}
	if title == "" {
		title = file
	}
	s.Name = title + " (Thunderbird)"
	if prefix != "" {
		switch p.settings[prefix+"dirType"] {
		case typeCardDAV:
			s.Who, s.Goes = thunderbird.DAVWho("carddav", p.settings[prefix+"carddav.url"], p.settings[prefix+"carddav.username"]), true
		case typeLDAP:
			s.Who, s.Goes = dataset.AtServer("ldap", p.settings[prefix+"uri"], p.settings[prefix+"auth.dn"]), true
		}
	}
	if strings.HasSuffix(file, ".mab") {
		return dataset.Unreadable(s, errors.New("an old version of Thunderbird made it: start a newer one once, which brings it over"))
	}
	b := book{at: at, photos: filepath.Join(p.path, "Photos"), folder: s.Name}
	s.List = b.list
	return s
}

// calendars are those whose data is on this device alone.
func (p *profile) calendars() []dataset.Store {
	const prefix, suffix = "calendar.registry.", ".type"
	ids := make(map[string]bool)
	for name := range p.settings {
		if id, ok := strings.CutSuffix(name, suffix); ok && strings.HasPrefix(id, prefix) {
			ids[strings.TrimPrefix(id, prefix)] = true
		}
	}
	local, cache := filepath.Join(p.path, "calendar-data/local.sqlite"), filepath.Join(p.path, "calendar-data/cache.sqlite")
	var stores []dataset.Store
	for _, id := range sorted(ids) {
		get := func(setting string) string { return p.settings[prefix+id+"."+setting] }
		s := dataset.Store{ID: departure.SourceID("thunderbird:" + p.id + "/calendar/" + id), Dataset: departure.Calendars, Name: get("name") + " (Thunderbird)"}
		c := calendar{id: id, folder: s.Name}
		switch get("type") {
		case "storage":
			c.at = local
		case "caldav":
			s.Who, s.Goes = thunderbird.DAVWho("caldav", get("uri"), get("username")), true
			s.Name = "unsent changes to " + s.Name
			c.at, c.unsent = cache, true
		default:
			continue // a file or a server that Thunderbird only shows
		}
		if _, err := os.Lstat(c.at); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s.Folder, s.Watched, s.List = filepath.Dir(c.at), []string{c.at}, c.list
		stores = append(stores, s)
	}
	if len(ids) == 0 {
		stores = append(stores, p.unlisted(local)...)
	}
	return stores
}

// unlisted is the calendar data of a profile whose settings name no calendar:
// whose it is nobody says.
func (p *profile) unlisted(local string) []dataset.Store {
	if _, err := os.Lstat(local); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s := dataset.Store{ID: departure.SourceID("thunderbird:" + p.id + "/calendar/"), Dataset: departure.Calendars, Name: "calendars (Thunderbird)",
		Who: binding.Who{}, Folder: filepath.Dir(local), Watched: []string{local}}
	c := calendar{at: local, folder: s.Name}
	s.List = c.list
	return []dataset.Store{s}
}

func sorted(set map[string]bool) []string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
