// Package akonadi finds the files and folders of contacts, calendars and notes
// that KDE's Akonadi keeps on this device: the resources of the types vcard,
// vcarddir, contacts, ical, icaldir and akonotes. It fills dataset.Finder.
//
// It imports platform/dataset, platform/xdg, and agent/departure for the words.
//
// Invariants:
//   - What Akonadi holds of a server lies in its own database, which is a cache
//     and is not read.
//   - A resource whose settings are not understood is an error: nobody knows
//     where it keeps what.
//
// Sources: kdepim-runtime, resources/vcard, vcarddir, contacts, ical, icaldir and
// shared/singlefileresource (the *.kcfg files); KConfig, kconfigini.cpp.
package akonadi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/dataset"
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
			general, err = group(raw, "General", h)
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
	entries, err := xdg.ReadDir(at, maxEntries)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
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

// group reads one group of a KConfig file.
func group(raw []byte, name string, h xdg.Home) (map[string]string, error) {
	values := make(map[string]string)
	in := false
	number := 0
	for line := range bytes.Lines(raw) {
		number++
		text := strings.TrimSpace(string(line))
		switch {
		case text == "" || text[0] == '#':
			continue
		case text[0] == '[':
			in = text == "["+name+"]"
			continue
		case !in:
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("line %d is no setting", number)
		}
		key, flags, _ := strings.Cut(strings.TrimSpace(key), "[$")
		value, err := unescape(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if strings.Contains(flags, "e") {
			value = strings.NewReplacer("$HOME", h.Home, "${HOME}", h.Home).Replace(value)
		}
		if key == "Path" {
			if value, err = path(value, h); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
		values[key] = value
	}
	return values, nil
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

// unescape undoes KConfig's backslashes.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", errors.New("it ends in a backslash")
		}
		switch s[i] {
		case 's':
			b.WriteByte(' ')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '\\', ',', ';':
			b.WriteByte(s[i])
		case 'x':
			if i+2 >= len(s) {
				return "", errors.New("an escape is cut off")
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("the escape %q is not understood", s[i-1:i+3])
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", fmt.Errorf("the escape \\%c is not understood", s[i])
		}
	}
	return b.String(), nil
}
