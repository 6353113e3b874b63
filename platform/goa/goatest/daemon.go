// Package goatest stands in for goa-daemon where the real one cannot run: an
// account with OAuth 2 needs a browser and a person at its provider. It answers
// on a private bus by the interfaces of GOA's dbus-interfaces.xml that the client
// uses: ObjectManager, Account and OAuth2Based.
//
// It imports godbus; only tests import it.
//
// Invariants: it has one account; every call of its methods is counted; a token
// is whatever the test's Token says at that moment.
package goatest

import (
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	service  = "org.gnome.OnlineAccounts"
	rootPath = dbus.ObjectPath("/org/gnome/OnlineAccounts")
)

// Account is what the daemon serves.
type Account struct {
	ID, Provider, Identity, Presentation string
	// Contacts, Calendar and Files are addresses; empty: not served.
	Contacts, Calendar, Files string
}

// Daemon is the running stand-in.
type Daemon struct {
	account Account

	mu sync.Mutex
	// token, ensure and calls are the test's.
	token         string
	ensure        func() error
	asked, proved int
	removed       bool
}

// Serve owns GOA's name on a connection and answers for one account. The
// connection's end ends it.
func Serve(conn *dbus.Conn, a Account, token string) (*Daemon, error) {
	d := &Daemon{account: a, token: token}
	at := d.Path()
	for iface, methods := range map[string]any{
		service + ".OAuth2Based": oauth2{d}, service + ".Account": account{d},
	} {
		if err := conn.Export(methods, at, iface); err != nil {
			return nil, fmt.Errorf("cannot stand in for GOA: %w", err)
		}
	}
	if err := conn.Export(objects{d}, rootPath, "org.freedesktop.DBus.ObjectManager"); err != nil {
		return nil, fmt.Errorf("cannot stand in for GOA: %w", err)
	}
	reply, err := conn.RequestName(service, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		return nil, fmt.Errorf("cannot stand in for GOA: the name was not given (%v): %w", reply, err)
	}
	return d, nil
}

// Path is the account's object.
func (d *Daemon) Path() dbus.ObjectPath {
	return rootPath + "/Accounts/" + dbus.ObjectPath(d.account.ID)
}

// SetToken is the token that GetAccessToken gives from now on.
func (d *Daemon) SetToken(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.token = token
}

// OnEnsure is called by EnsureCredentials, as where GOA asks the provider; its
// error is GOA's Error.NotAuthorized.
func (d *Daemon) OnEnsure(ensure func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ensure = ensure
}

// Calls says how often GetAccessToken and EnsureCredentials were called.
func (d *Daemon) Calls() (asked, proved int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked, d.proved
}

// hour is how long a token holds, in seconds, as GOA tells.
const hour = int32(3600)

type oauth2 struct{ d *Daemon }

// GetAccessToken is the interface's own: (s access_token, i expires_in).
func (o oauth2) GetAccessToken() (string, int32, *dbus.Error) {
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	o.d.asked++
	return o.d.token, hour, nil
}

type account struct{ d *Daemon }

// EnsureCredentials is the interface's own: (i expires_in).
func (a account) EnsureCredentials() (int32, *dbus.Error) {
	a.d.mu.Lock()
	a.d.proved++
	ensure := a.d.ensure
	a.d.mu.Unlock()
	if ensure != nil {
		if err := ensure(); err != nil {
			return 0, dbus.NewError(service+".Error.NotAuthorized", []any{err.Error()})
		}
	}
	return hour, nil
}

// Remove is the interface's own.
func (a account) Remove() *dbus.Error {
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	a.d.removed = true
	return nil
}

type objects struct{ d *Daemon }

// GetManagedObjects is ObjectManager's.
func (o objects) GetManagedObjects() (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, *dbus.Error) {
	a := o.d.account
	served := map[string]map[string]dbus.Variant{
		service + ".Account": values(map[string]any{
			"Id": a.ID, "ProviderType": a.Provider, "ProviderName": a.Provider, "Identity": a.Identity,
			"PresentationIdentity": a.Presentation, "IsLocked": false, "IsTemporary": false, "AttentionNeeded": false,
		}),
		service + ".OAuth2Based": values(map[string]any{"ClientId": "", "ClientSecret": ""}),
	}
	for name, uri := range map[string]string{"Contacts": a.Contacts, "Calendar": a.Calendar, "Files": a.Files} {
		if uri != "" {
			served[service+"."+name] = values(map[string]any{"Uri": uri, "AcceptSslErrors": false})
		}
	}
	all := map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		rootPath + "/Manager": {service + ".Manager": {}}, o.d.Path(): served,
	}
	o.d.mu.Lock()
	defer o.d.mu.Unlock()
	if o.d.removed {
		delete(all, o.d.Path())
	}
	return all, nil
}

func values(of map[string]any) map[string]dbus.Variant {
	vs := make(map[string]dbus.Variant, len(of))
	for name, value := range of {
		vs[name] = dbus.MakeVariant(value)
	}
	return vs
}
