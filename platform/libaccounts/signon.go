package libaccounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
)

// Service is signond's name on the session bus.
const (
	Service       = "com.google.code.AccountsSSO.SingleSignOn"
	servicePath   = dbus.ObjectPath("/com/google/code/AccountsSSO/SingleSignOn")
	serviceIface  = Service + ".AuthService"
	identityIface = Service + ".Identity"
)

// maxIdentities bounds what signond may list.
const maxIdentities = 10_000

// identity is a name and a password that signond keeps.
type identity struct {
	id            uint32
	user, caption string
	realms        []string
}

// identities lists what signond keeps, without the passwords. Where it is not
// installed there is nothing; with wake unset it is not started for it.
func identities(ctx context.Context, b *bus.Conn, wake bool) (map[uint32]identity, error) {
	var listed []map[string]dbus.Variant
	m := bus.Method{Service: Service, Path: servicePath, Name: serviceIface + ".queryIdentities", NoStart: !wake}
	err := b.CallOwn(ctx, m, []any{map[string]dbus.Variant{}, ""}, &listed)
	if errors.Is(err, bus.ErrNoService) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the stored sign-ins: %w", err)
	}
	if len(listed) > maxIdentities {
		return nil, fmt.Errorf("cannot list the stored sign-ins: %d are more than the %d that can be handled", len(listed), maxIdentities)
	}
	all := make(map[uint32]identity, len(listed))
	for _, values := range listed {
		i, err := identityOf(values)
		if err != nil {
			return nil, fmt.Errorf("cannot list the stored sign-ins: %w", err)
		}
		if _, twice := all[i.id]; twice {
			return nil, fmt.Errorf("cannot list the stored sign-ins: two have the number %d", i.id)
		}
		all[i.id] = i
	}
	return all, nil
}

// identityOf reads one answer. Its number is needed; what else it lacks is empty,
// and what is of another type is an error.
func identityOf(values map[string]dbus.Variant) (identity, error) {
	var i identity
	id, ok := values["Id"].Value().(uint32)
	if !ok || id == 0 {
		return identity{}, errors.New("one has no number")
	}
	i.id = id
	for key, into := range map[string]*string{"UserName": &i.user, "Caption": &i.caption} {
		if v, has := values[key]; has {
			if *into, ok = v.Value().(string); !ok {
				return identity{}, fmt.Errorf("the %s of %d is a %s", key, id, v.Signature())
			}
		}
	}
	if v, has := values["Realms"]; has {
		if i.realms, ok = v.Value().([]string); !ok {
			return identity{}, fmt.Errorf("the realms of %d are a %s", id, v.Signature())
		}
	}
	return i, nil
}

// forget has signond remove an identity with its password. One that it keeps for
// another program alone is a [*binding.BlockedError].
func forget(ctx context.Context, b *bus.Conn, id uint32) error {
	var at dbus.ObjectPath
	var values map[string]dbus.Variant
	m := bus.Method{Service: Service, Path: servicePath, Name: serviceIface + ".getIdentity"}
	err := b.CallOwn(ctx, m, []any{id, ""}, &at, &values)
	if err == nil {
		err = b.CallOwn(ctx, bus.Method{Service: Service, Path: at, Name: identityIface + ".remove"}, nil)
	}
	var remote *bus.RemoteError
	if errors.As(err, &remote) && remote.Name == Service+".Error.PermissionDenied" {
		return &binding.BlockedError{
			Why:    departure.Reason{Code: "by-hand", Text: "it is kept for the program that stored it, and only that one may remove it"},
			Remedy: departure.Remedy{Code: "by-hand", Text: "sign out in the program that stored it"},
		}
	}
	if err != nil {
		return fmt.Errorf("cannot remove the stored sign-in: %w", err)
	}
	return nil
}
