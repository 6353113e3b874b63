package goa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
)

// removeWait bounds Account.Remove, which took 5 ms when measured.
const removeWait = 30 * time.Second

// Remove has GOA remove the account of exactly that id, and with it, through
// evolution-data-server, everything that was synced for it. It deletes nothing
// at the server. It returns once GOA did; what is left is for ReadBack.
//
// ErrLocked, ErrKeyringLocked and ErrNotListed mean that nothing was done.
// After any other error only ReadBack knows.
func (c *Client) Remove(ctx context.Context, id string) error {
	a, err := c.Find(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot remove the account: %w", err)
	}
	if a.Locked {
		return fmt.Errorf("cannot remove the account %s: %w", id, ErrLocked)
	}
	if err := c.needOpenKeyring(ctx, a); err != nil {
		return fmt.Errorf("cannot remove the account %s: %w", id, err)
	}
	m := bus.Method{Service: Service, Path: a.Path, Name: accountIface + ".Remove", NoStart: true, Timeout: removeWait}
	if err := c.bus.Call(ctx, m, nil); err != nil {
		return fmt.Errorf("cannot remove the account %s: %w", id, err)
	}
	return nil
}

// needOpenKeyring returns ErrKeyringLocked where GOA could not reach what the
// keyring holds of the account.
func (c *Client) needOpenKeyring(ctx context.Context, a Account) error {
	found, err := c.secretsOf(ctx, a.Provider, a.ID)
	if err != nil {
		return err
	}
	if len(found.Locked) > 0 {
		return ErrKeyringLocked
	}
	if len(found.Unlocked) > 0 {
		return nil
	}
	collection, err := c.secrets.Default(ctx)
	if errors.Is(err, secrets.ErrNoDefault) {
		return nil // Nothing can have been stored.
	}
	if err != nil {
		return err
	}
	if collection.Locked {
		return ErrKeyringLocked
	}
	return nil
}
