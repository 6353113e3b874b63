package goa

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
)

// Addition is an account to add, of a provider that signs in with a password.
type Addition struct {
	Provider     string // owncloud
	Identity     string // alice
	Presentation string // alice@cloud.example
	Password     secrets.Secret
	// Uri is the server's root (https://cloud.example/), without a user name;
	// GOA adds the rest.
	URI                       string
	Contacts, Calendar, Files bool
	AcceptSSLErrors           bool
}

// Add has GOA add an account, as its settings page does, and returns it. It is
// for the demo and for tests: Clearance signs nobody in.
func (c *Client) Add(ctx context.Context, add Addition) (Account, error) {
	credentials := map[string]dbus.Variant{"password": dbus.MakeVariant(add.Password.Reveal())}
	details := map[string]string{
		"Uri":             add.URI,
		"ContactsEnabled": boolean(add.Contacts), "CalendarEnabled": boolean(add.Calendar),
		"FilesEnabled": boolean(add.Files), "AcceptSslErrors": boolean(add.AcceptSSLErrors),
	}
	var path dbus.ObjectPath
	m := bus.Method{Service: Service, Path: managerPath, Name: managerIface + ".AddAccount", Timeout: networkWait}
	args := []any{add.Provider, add.Identity, add.Presentation, credentials, details}
	if err := c.bus.Call(ctx, m, args, &path); err != nil {
		return Account{}, fmt.Errorf("cannot add the account: %w", err)
	}
	l, err := c.List(ctx)
	if err != nil {
		return Account{}, fmt.Errorf("cannot find the account that was added: %w", err)
	}
	for _, a := range l.Accounts {
		if a.Path == path {
			return a, nil
		}
	}
	return Account{}, fmt.Errorf("cannot find the account that was added: %w", ErrNotListed)
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
