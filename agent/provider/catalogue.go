package provider

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

//go:embed catalogue/*.json
var embedded embed.FS

const (
	MaxFile  = 256 << 10 // bytes of one profile
	MaxFiles = 200       // profiles of one folder
)

// OverrideFolder is where whoever runs a device adds to the catalogue: one file
// a provider. It counts only where nobody but root can write to it.
const OverrideFolder = "/etc/clearance/providers.d"

// Catalogue is a loaded set of profiles. It never changes after Load.
type Catalogue struct {
	byID     map[string]Profile
	ids      []string
	broken   map[string]string // by provider, "" for the folder: why an override cannot be used
	replaced map[string]bool
}

// Load reads the embedded profiles and lays those of override over them: a file
// there replaces the built-in profile of the same id or adds one. Override may
// be nil, and is the root of the folder with the *.json files; other names are
// left alone. Whether that folder may be believed (root-owned, not writable by
// others) is for the caller to decide before. The error names the file and the
// field.
func Load(override fs.FS) (*Catalogue, error) {
	byID, err := builtin()
	if err != nil {
		return nil, err
	}
	if override != nil {
		if err := readAll(override, byID); err != nil {
			return nil, fmt.Errorf("cannot read the catalogue folder: %v", err)
		}
	}
	if err := checkTogether(byID); err != nil {
		return nil, fmt.Errorf("cannot use the catalogue: %v", err)
	}
	c := &Catalogue{}
	c.set(byID)
	return c, nil
}

func builtin() (map[string]Profile, error) {
	dir, err := fs.Sub(embedded, "catalogue")
	if err != nil {
		return nil, fmt.Errorf("cannot read the built-in catalogue: %v", err)
	}
	byID := map[string]Profile{}
	if err := readAll(dir, byID); err != nil {
		return nil, fmt.Errorf("cannot read the built-in catalogue: %v", err)
	}
	return byID, nil
}

func (c *Catalogue) set(byID map[string]Profile) { c.byID, c.ids = byID, sorted(byID) }

func sorted(byID map[string]Profile) []string { return slices.Sorted(maps.Keys(byID)) }

// Lookup returns the profile with this id, and an unknown one where the
// catalogue has none.
func (c *Catalogue) Lookup(id string) Profile {
	if p, ok := c.byID[id]; ok {
		return p
	}
	return Unknown(id, id)
}

// ForGOA returns the profile for a GNOME Online Accounts provider type
// ("owncloud"). It is false for a type that belongs to no company whose account
// could be left, such as imap_smtp.
func (c *Catalogue) ForGOA(providerType string) (Profile, bool) {
	return c.first(func(p Profile) bool { return slices.Contains(p.GOATypes, providerType) })
}

// ForHost returns the profile whose servers include host (a name without port),
// as a hint: a self-hosted service has a host of its own.
func (c *Catalogue) ForHost(host string) (Profile, bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return c.first(func(p Profile) bool {
		return slices.ContainsFunc(p.Hosts, func(h string) bool {
			return host == h || strings.HasSuffix(host, "."+h)
		})
	})
}

// ForDomain returns the profile whose identities end in @domain, as a hint.
func (c *Catalogue) ForDomain(domain string) (Profile, bool) {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	return c.first(func(p Profile) bool { return slices.Contains(p.Domains, domain) })
}

// List returns every profile, by id.
func (c *Catalogue) List() []Profile {
	out := make([]Profile, 0, len(c.ids))
	for _, id := range c.ids {
		out = append(out, c.byID[id])
	}
	return out
}

func (c *Catalogue) first(match func(Profile) bool) (Profile, bool) {
	for _, id := range c.ids {
		if p := c.byID[id]; match(p) {
			return p, true
		}
	}
	return Profile{}, false
}

// readAll adds the profiles at the root of dir to byID.
func readAll(dir fs.FS, byID map[string]Profile) error {
	names, err := fs.Glob(dir, "*.json")
	if err != nil {
		return err
	}
	if len(names) > MaxFiles {
		return fmt.Errorf("%d files, more than %d", len(names), MaxFiles)
	}
	for _, name := range names {
		p, err := readFile(dir, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		byID[p.ID] = p
	}
	return nil
}

func readFile(dir fs.FS, name string) (Profile, error) {
	f, err := dir.Open(name)
	if err != nil {
		return Profile{}, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return Profile{}, err
	}
	return Check(name, raw)
}

// checkTogether refuses what no single file can show: one GOA type claimed by
// two profiles, and a separate account at a provider that is not listed.
func checkTogether(byID map[string]Profile) error {
	owner := map[string]string{}
	for _, id := range sorted(byID) {
		p := byID[id]
		for _, t := range p.GOATypes {
			if other, taken := owner[t]; taken {
				return fmt.Errorf("goa type %q belongs to %s and to %s", t, other, id)
			}
			owner[t] = id
		}
		for _, s := range p.Separate {
			if _, ok := byID[s.Provider]; !ok {
				return fmt.Errorf("%s: separate names %q, which has no profile", id, s.Provider)
			}
		}
	}
	return nil
}
