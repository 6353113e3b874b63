// Package akonadi finds the files and folders of contacts, calendars and notes
// that KDE's Akonadi keeps on this device: the resources of the types vcard,
// vcarddir, contacts, ical, icaldir and akonotes. It fills dataset.Finder.
//
// It imports platform/dataset, platform/kconfig, platform/xdg, and agent/departure
// for the words.
//
// Invariants:
//   - What Akonadi holds of a server lies in its own database, which is a cache
//     and is not read.
//   - A resource whose settings are not understood is an error: nobody knows
//     where it keeps what.
//
// Sources: kdepim-runtime, resources/vcard, vcarddir, contacts, ical, icaldir and
// shared/singlefileresource (the *.kcfg files).
package akonadi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/kconfig"
	"github.com/clearance-project/clearance/platform/xdg"
)

const (
	maxSettings  = 1 << 20
	maxResources = 1000
	maxEntries   = 100_000
)

// resource is a file with a resource's settings.
var resource = regexp.MustCompile(`^akonadi_(vcard|vcarddir|contacts|ical|icaldir|akonotes)_resource_[0-9]+rc$`)

// kinds of resources: what they hold, and the extension of the files in their
// folder; "" is one file.
var kinds = map[string]struct {
	holds departure.Dataset
	ext   string
	deep  bool   // folders in the folder are address books of their own
	usual string // where it is, below the data folder, where no path is set
}{
	"vcard":    {departure.Contacts, "", false, ""},
	"vcarddir": {departure.Contacts, ".vcf", false, ""},
	"contacts": {departure.Contacts, ".vcf", true, "contacts"},
	"ical":     {departure.Calendars, "", false, ""},
	"icaldir":  {departure.Calendars, ".ics", false, ""},
	"akonotes": {departure.Notes, "*", true, "notes"},
}

// Finder finds Akonadi's local resources.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "akonadi" }

// Find lists the place of every resource.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		var stores []dataset.Store
		for _, below := range []string{"", "akonadi"} {
			found, err := ofFolder(h, filepath.Join(h.Config, below))
			stores = append(stores, found...)
			if err != nil {
				return stores, err
			}
		}
		return stores, nil
	})
}

// ofFolder finds the resources whose settings lie in a folder.
func ofFolder(h xdg.Home, at string) ([]dataset.Store, error) {
	names, err := settingsIn(at)
	if err != nil {
		return nil, err
	}
	var stores []dataset.Store
	for _, name := range names {
		raw, err := xdg.ReadFile(filepath.Join(at, name), maxSettings)
		var general map[string]string
		if err == nil {
			general, err = generalOf(raw, h)
		}
		if err != nil {
			return stores, fmt.Errorf("cannot read %s: %w", filepath.Join(at, name), err)
		}
		if s, there := store(h, name, general); there {
			stores = append(stores, s)
		}
	}
	return stores, nil
}

func settingsIn(at string) ([]string, error) {
	entries, err := xdg.ListIfThere(at, maxEntries)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if resource.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) > maxResources {
		return nil, fmt.Errorf("%s has more than can be looked at", at)
	}
	slices.Sort(names)
	return names, nil
}

// store is that of one resource; there is false where there is nothing yet.
func store(h xdg.Home, name string, general map[string]string) (s dataset.Store, there bool) {
	kind := kinds[resource.FindStringSubmatch(name)[1]]
	at := general["Path"]
	if at == "" && kind.usual != "" {
		at = filepath.Join(h.Data, kind.usual)
	}
	if at == "" {
		return s, false
	}
	at = filepath.Clean(at)
	title := general["DisplayName"]
	if title == "" {
		title = filepath.Base(at)
	}
	id := strings.TrimSuffix(name, "rc")
	s = dataset.Store{ID: departure.SourceID("akonadi:" + h.App + ":" + id), Dataset: kind.holds, Name: title + " (Kontact)"}
	if _, err := os.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return s, false
	}
	switch flat := dataset.Flat(kind.ext); {
	case kind.ext == "":
		return dataset.OfFile(s, at, s.Name), true
	case kind.ext == "*":
		return dataset.OfFolder(s, at, s.Name, nil), true
	case kind.deep:
		return dataset.OfFolder(s, at, s.Name, func(p string) bool { return flat(filepath.Base(p)) }), true
	default:
		return dataset.OfFolder(s, at, s.Name, flat), true
	}
}

// generalOf reads the settings of a resource.
func generalOf(raw []byte, h xdg.Home) (map[string]string, error) {
	general, err := kconfig.Group(raw, "General", h.Home)
	if err != nil {
		return nil, err
	}
	if general["Path"], err = path(general["Path"], h); err != nil {
		return nil, fmt.Errorf("the path: %w", err)
	}
	return general, nil
}

// path is a path as a resource has it: also as an address, or below the home.
func path(value string, h xdg.Home) (string, error) {
	if strings.HasPrefix(value, "file:") {
		u, err := url.Parse(value)
		if err != nil {
			return "", err
		}
		value = u.Path
	}
	if value == "" {
		return "", nil
	}
	if rest, ok := strings.CutPrefix(value, "~/"); ok {
		value = filepath.Join(h.Home, rest)
	}
	if !filepath.IsAbs(value) {
		return "", fmt.Errorf("%q is no path on this device", value)
	}
	return value, nil
}
