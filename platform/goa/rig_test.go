package goa

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
)

// newRig is a device on which GOA is the place.
func newRig(t *testing.T) *bindingtest.Rig {
	d := newDevice(t, session.Options{})
	host := strings.TrimPrefix(d.server.URL, "http://")
	var id string
	remove := func(ctx context.Context, t *testing.T) {
		t.Helper()
		l, err := d.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := l.Account(id)
		if !ok {
			t.Fatalf("%s is not signed in: %+v", id, l)
		}
		// With a locked keyring it answers that it failed, and has removed the
		// account all the same.
		_ = d.bus.Call(ctx, bus.Method{Service: Service, Path: a.Path, Name: accountIface + ".Remove"}, nil)
	}
	return &bindingtest.Rig{
		Place:    NewAccounts(d.Client),
		Who:      binding.Who{Type: "owncloud", User: "alice", Host: host},
		OtherWho: binding.Who{Type: "owncloud", User: "alice", Host: strings.Replace(host, "127.0.0.1", "localhost", 1)},
		Secrets:  []string{password},
		SignIn: func(ctx context.Context, t *testing.T) {
			a := d.signIn(t)
			id = a.ID
			d.settled(ctx, t, a)
		},
		Other: func(ctx context.Context, t *testing.T) {
			a, err := d.Add(ctx, Addition{Provider: "owncloud", Identity: "alice", Presentation: "alice@localhost", Password: secrets.NewSecret(password),
				URI: strings.Replace(d.server.URL, "127.0.0.1", "localhost", 1) + "/", Files: true, AcceptSSLErrors: true})
			if err != nil {
				t.Fatal(err)
			}
			d.settled(ctx, t, a)
		},
		ByHand: remove,
		LeaveBehind: func(ctx context.Context, t *testing.T) {
			t.Helper()
			if err := d.RestartKeyring(ctx, session.KeyringLocked); err != nil {
				t.Fatal(err)
			}
			remove(ctx, t)
		},
		Break: func(_ context.Context, t *testing.T) {
			t.Helper()
			if err := os.WriteFile(keyFilePath(d.ConfigHome), []byte("[half a group"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		Flood: func(_ context.Context, t *testing.T) {
			t.Helper()
			if err := os.Truncate(keyFilePath(d.ConfigHome), maxKeyFile+1); err != nil {
				t.Fatal(err)
			}
		},
		Block: d.Block,
	}
}

// settled waits until an account that was just added is in GOA's key file, in
// the keyring and among the data sources, so that a removal takes all of them.
func (d *device) settled(ctx context.Context, t *testing.T, a Account) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var in []Place
		for _, l := range d.ReadBack(ctx, a.Provider, a.ID).Leftovers {
			in = append(in, l.Place)
		}
		if slices.Contains(in, InList) && slices.Contains(in, InKeyFile) && slices.Contains(in, InKeyring) && slices.Contains(in, InSources) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the account is in %v alone", in)
		}
	}
}
