package secrets

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

// Item is what the keyring shows of one secret beside the secret itself. Of a
// locked item the attributes are not their values.
type Item struct {
	Path       dbus.ObjectPath
	Label      string
	Locked     bool
	Attributes map[string]string
}

// listTime bounds a listing, whose items are asked for one by one.
const listTime = 2 * time.Minute

// Items lists the items of every collection, within two minutes. More than limit
// are an error.
func (c *Client) Items(ctx context.Context, limit int) ([]Item, error) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	collections, err := c.Collections(ctx)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, collection := range collections {
		var paths []dbus.ObjectPath
		if err := c.bus.Property(ctx, Service, collection.Path, collectionIface, "Items", &paths); err != nil {
			return nil, fmt.Errorf("cannot list a part of the keyring: %w", bus.WasThere(err))
		}
		if len(items)+len(paths) > limit {
			return nil, fmt.Errorf("cannot list the keyring: it has more than the %d items that can be handled", limit)
		}
		for _, path := range paths {
			item, err := c.item(ctx, path)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

func (c *Client) item(ctx context.Context, path dbus.ObjectPath) (Item, error) {
	var props map[string]dbus.Variant
	m := bus.Method{Service: Service, Path: path, Name: "org.freedesktop.DBus.Properties.GetAll"}
	if err := c.bus.Call(ctx, m, []any{itemIface}, &props); err != nil {
		return Item{}, fmt.Errorf("cannot read what the keyring shows of an item: %w", bus.WasThere(err))
	}
	item := Item{Path: path}
	var okLabel, okLocked, okAttributes bool
	item.Label, okLabel = props["Label"].Value().(string)
	item.Locked, okLocked = props["Locked"].Value().(bool)
	item.Attributes, okAttributes = props["Attributes"].Value().(map[string]string)
	if !okLabel || !okLocked || !okAttributes {
		return Item{}, fmt.Errorf("cannot use what the keyring shows of an item: %s is not as its interface has it", path)
	}
	return item, nil
}
