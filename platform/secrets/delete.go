package secrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

// ErrPrompt means that the keyring wants to ask the person before it deletes an
// item. Nothing was deleted: no prompt is ever shown for us.
var ErrPrompt = errors.New("the keyring asks before it deletes")

// Delete deletes exactly one item. It returns once the keyring did.
func (c *Client) Delete(ctx context.Context, item dbus.ObjectPath) error {
	var prompt dbus.ObjectPath
	m := bus.Method{Service: Service, Path: item, Name: itemIface + ".Delete", NoStart: true}
	if err := c.bus.Call(ctx, m, nil, &prompt); err != nil {
		return fmt.Errorf("cannot delete a keyring item: %w", err)
	}
	if prompt != "/" {
		return fmt.Errorf("cannot delete a keyring item: %w", ErrPrompt)
	}
	return nil
}
