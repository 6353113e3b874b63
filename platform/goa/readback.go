package goa

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
)

// Place is where something of an account can be left.
type Place string

// The places where something of an account can be left.
const (
	InList    Place = "accounts list" // goa-daemon's answer
	InKeyFile Place = "accounts file" // ~/.config/goa-1.0/accounts.conf
	InKeyring Place = "keyring"
	InSources Place = "data sources" // evolution-data-server's registry
)

// Leftover is something of an account that is still here.
type Leftover struct {
	Place Place
	// Name says which one: an object path, or the uid of a data source.
	Name string
	// Locked: it lies in a locked keyring, and cannot be removed before that is
	// opened.
	Locked bool
}

// Unknown is a place that could not be looked at.
type Unknown struct {
	Place Place
	Why   error
}

// ReadBack is what a look for the remains of an account found.
type ReadBack struct {
	Leftovers []Leftover
	Unknown   []Unknown
}

// Gone reports whether nothing is left of the account, for certain.
func (r ReadBack) Gone() bool { return len(r.Leftovers) == 0 && len(r.Unknown) == 0 }

// Err is nil where every place could be looked at.
func (r ReadBack) Err() error {
	var errs []error
	for _, u := range r.Unknown {
		errs = append(errs, fmt.Errorf("cannot look into the %s: %w", u.Place, u.Why))
	}
	return errors.Join(errs...)
}

// ReadBack looks into every place that has something of an account while it is
// signed in: GOA's list, its key file, the keyring with its locked part, and
// the sources of evolution-data-server, which lets go of them a few
// milliseconds after Remove has answered.
func (c *Client) ReadBack(ctx context.Context, provider, id string) ReadBack {
	var r ReadBack
	for _, place := range []struct {
		place Place
		look  func(ctx context.Context, provider, id string) ([]Leftover, error)
	}{
		{InList, c.leftInList}, {InKeyFile, c.leftInKeyFile}, {InKeyring, c.leftInKeyring}, {InSources, c.leftInSources},
	} {
		left, err := place.look(ctx, provider, id)
		if err != nil {
			r.Unknown = append(r.Unknown, Unknown{Place: place.place, Why: err})
		}
		for _, l := range left {
			l.Place = place.place
			r.Leftovers = append(r.Leftovers, l)
		}
	}
	return r
}

func (c *Client) leftInList(ctx context.Context, _, id string) ([]Leftover, error) {
	listed, err := c.managed(ctx)
	if err != nil {
		return nil, err
	}
	var left []Leftover
	for _, path := range slices.Sorted(maps.Keys(listed)) {
		a, ok, err := readAccount(path, listed[path], nil)
		if err != nil {
			return left, err
		}
		if ok && a.ID == id {
			left = append(left, Leftover{Name: string(path)})
		}
	}
	return left, nil
}

func (c *Client) leftInKeyFile(_ context.Context, _, id string) ([]Leftover, error) {
	groups, err := readKeyFile(keyFilePath(c.configHome))
	if err != nil {
		return nil, err
	}
	if _, ok := groups[id]; !ok {
		return nil, nil
	}
	return []Leftover{{Name: groupPrefix + id}}, nil
}

func (c *Client) leftInKeyring(ctx context.Context, provider, id string) ([]Leftover, error) {
	found, err := c.secretsOf(ctx, provider, id)
	var left []Leftover
	for _, path := range found.Unlocked {
		left = append(left, Leftover{Name: string(path)})
	}
	for _, path := range found.Locked {
		left = append(left, Leftover{Name: string(path), Locked: true})
	}
	return left, err
}

// secretSchema is libsecret's name for what GOA stores, kept as an attribute of
// each item.
const secretSchema = "org.gnome.OnlineAccounts"

// generations bounds the number in goa-identity, which each provider of GOA
// counts for itself: most are at 0, Google is at 12.
const generations = 32

// secretsOf finds what the keyring holds of an account, of every generation.
// A locked item shows its attributes as digests, so each value is asked for;
// of unlocked ones all are read, whatever their generation.
func (c *Client) secretsOf(ctx context.Context, provider, id string) (secrets.Found, error) {
	var found secrets.Found
	for generation := range generations {
		identity := fmt.Sprintf("%s:gen%d:%s", provider, generation, id)
		got, err := c.secrets.Search(ctx, map[string]string{"goa-identity": identity})
		if err != nil {
			return secrets.Found{}, err
		}
		found.Unlocked = append(found.Unlocked, got.Unlocked...)
		found.Locked = append(found.Locked, got.Locked...)
	}
	all, err := c.secrets.Search(ctx, map[string]string{"xdg:schema": secretSchema})
	if err != nil {
		return secrets.Found{}, err
	}
	for _, item := range all.Unlocked {
		attributes, err := c.secrets.Attributes(ctx, item)
		if err != nil {
			return secrets.Found{}, err
		}
		if strings.HasSuffix(attributes["goa-identity"], ":"+id) && !slices.Contains(found.Unlocked, item) {
			found.Unlocked = append(found.Unlocked, item)
		}
	}
	return found, nil
}

const (
	sourcesPrefix = "org.gnome.evolution.dataserver.Sources"
	sourcesPath   = dbus.ObjectPath("/org/gnome/evolution/dataserver/SourceManager")
	sourceIface   = "org.gnome.evolution.dataserver.Source"
)

// maxSources bounds the data sources of one user.
const maxSources = 10_000

// leftInSources looks for data sources that name the account.
func (c *Client) leftInSources(ctx context.Context, _, id string) ([]Leftover, error) {
	services, err := c.sourceServices(ctx)
	if err != nil {
		return nil, err
	}
	var left []Leftover
	for _, service := range services {
		var listed objects
		m := bus.Method{Service: service, Path: sourcesPath, Name: "org.freedesktop.DBus.ObjectManager.GetManagedObjects"}
		if err := c.bus.Call(ctx, m, nil, &listed); err != nil {
			return left, err
		}
		if len(listed) > maxSources {
			return left, fmt.Errorf("cannot look at the data sources: %d are more than the %d that can be handled", len(listed), maxSources)
		}
		for _, path := range slices.Sorted(maps.Keys(listed)) {
			values, ok := listed[path][sourceIface]
			if !ok {
				continue
			}
			p := &properties{path: path, iface: sourceIface, values: values}
			uid, data := p.text("UID"), p.text("Data")
			if p.err != nil {
				return left, p.err
			}
			if names(data, id) {
				left = append(left, Leftover{Name: uid})
			}
		}
	}
	return left, nil
}

// sourceServices finds evolution-data-server's registry, whose name carries a
// version. Where it is not installed nothing was ever synced.
func (c *Client) sourceServices(ctx context.Context) ([]string, error) {
	var services []string
	for _, activatable := range []bool{true, false} {
		all, err := c.bus.Names(ctx, activatable)
		if err != nil {
			return nil, err
		}
		for _, name := range all {
			version, ok := strings.CutPrefix(name, sourcesPrefix)
			if ok && version != "" && strings.Trim(version, "0123456789") == "" && !slices.Contains(services, name) {
				services = append(services, name)
			}
		}
	}
	return services, nil
}

// names reports whether a source's key file has the account's id as a value.
func names(data, id string) bool {
	for line := range strings.Lines(data) {
		if _, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(value) == id {
			return true
		}
	}
	return false
}
