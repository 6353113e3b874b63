package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

const (
	// Service is the Secret Service's name on the session bus.
	Service         = "org.freedesktop.secrets"
	servicePath     = dbus.ObjectPath("/org/freedesktop/secrets")
	serviceIface    = "org.freedesktop.Secret.Service"
	collectionIface = "org.freedesktop.Secret.Collection"
	itemIface       = "org.freedesktop.Secret.Item"
)

// maxItems bounds what one search or listing may return. A keyring has some
// hundred items.
const maxItems = 20_000

// ErrNoDefault means that the keyring has no default collection, so nothing can
// be stored in it.
var ErrNoDefault = errors.New("the keyring has no default collection")

// Client asks the Secret Service of one session bus. Every call ends by the
// bus connection's deadline.
type Client struct {
	bus *bus.Conn
}

// New makes a client of the Secret Service on b, which stays the caller's.
func New(b *bus.Conn) *Client { return &Client{bus: b} }

// Found are the items that a search found.
type Found struct {
	Unlocked, Locked []dbus.ObjectPath
}

// Len is the number of items, locked ones included.
func (f Found) Len() int { return len(f.Unlocked) + len(f.Locked) }

// Search finds the items that have all of the attributes, locked ones among
// them. The keyring keeps the attributes of locked items as digests, so only
// whole values match.
func (c *Client) Search(ctx context.Context, attributes map[string]string) (Found, error) {
	var found Found
	m := bus.Method{Service: Service, Path: servicePath, Name: serviceIface + ".SearchItems"}
	if err := c.bus.Call(ctx, m, []any{attributes}, &found.Unlocked, &found.Locked); err != nil {
		return Found{}, fmt.Errorf("cannot search the keyring: %w", err)
	}
	if found.Len() > maxItems {
		return Found{}, fmt.Errorf("cannot search the keyring: %d items are more than the %d that can be handled", found.Len(), maxItems)
	}
	return found, nil
}

// Attributes returns an item's attributes. Those of a locked item are not
// their values.
func (c *Client) Attributes(ctx context.Context, item dbus.ObjectPath) (map[string]string, error) {
	var attributes map[string]string
	if err := c.bus.Property(ctx, Service, item, itemIface, "Attributes", &attributes); err != nil {
		return nil, fmt.Errorf("cannot read the attributes of a keyring item: %w", err)
	}
	return attributes, nil
}

// Collection is a part of the keyring that locks as one.
type Collection struct {
	Path   dbus.ObjectPath
	Locked bool
}

// Collections lists the collections of the keyring.
func (c *Client) Collections(ctx context.Context) ([]Collection, error) {
	var paths []dbus.ObjectPath
	if err := c.bus.Property(ctx, Service, servicePath, serviceIface, "Collections", &paths); err != nil {
		return nil, fmt.Errorf("cannot list the keyring's collections: %w", err)
	}
	if len(paths) > maxItems {
		return nil, fmt.Errorf("cannot list the keyring's collections: %d are more than the %d that can be handled", len(paths), maxItems)
	}
	collections := make([]Collection, 0, len(paths))
	for _, path := range paths {
		collection, err := c.collection(ctx, path)
		if err != nil {
			return nil, err
		}
		collections = append(collections, collection)
	}
	return collections, nil
}

// Default returns the collection that programs store new secrets in. Where
// there is none the error is ErrNoDefault.
func (c *Client) Default(ctx context.Context) (Collection, error) {
	var path dbus.ObjectPath
	m := bus.Method{Service: Service, Path: servicePath, Name: serviceIface + ".ReadAlias"}
	if err := c.bus.Call(ctx, m, []any{"default"}, &path); err != nil {
		return Collection{}, fmt.Errorf("cannot find the keyring's default collection: %w", err)
	}
	if path == "/" {
		return Collection{}, ErrNoDefault
	}
	return c.collection(ctx, path)
}

func (c *Client) collection(ctx context.Context, path dbus.ObjectPath) (Collection, error) {
	var locked bool
	if err := c.bus.Property(ctx, Service, path, collectionIface, "Locked", &locked); err != nil {
		return Collection{}, fmt.Errorf("cannot learn whether the keyring is locked: %w", bus.WasThere(err))
	}
	return Collection{Path: path, Locked: locked}, nil
}
