package bustest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/bus/bustest"
	"github.com/clearance-project/clearance/platform/disks"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/goa"
	"github.com/clearance-project/clearance/platform/gvfs"
	"github.com/clearance-project/clearance/platform/libaccounts"
	"github.com/clearance-project/clearance/platform/nextcloudclient"
	"github.com/clearance-project/clearance/platform/passwords"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

// TestHostileBus: every adapter that asks services on a bus, in every weather.
func TestHostileBus(t *testing.T) {
	s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone, Services: []string{}})
	for _, a := range []bustest.Adapter{
		{Name: "disks", Services: []string{"org.freedesktop.UDisks2"}, New: newDisks, Answers: udisks},
		{Name: "eds", Services: []string{"org.gnome.evolution.dataserver.Sources5"}, New: newSources, Answers: sources},
		{Name: "goa", Services: []string{goa.Service}, New: newGOA, Answers: accounts, Optional: true},
		{Name: "goa-oauth2", Services: []string{goa.Service, secrets.Service}, New: newToken, Answers: token},
		{Name: "goa-readback", Services: []string{goa.Service, secrets.Service, "org.gnome.evolution.dataserver.Sources5"}, New: newReadBack, Answers: left},
		{Name: "gvfs", Services: []string{gvfs.Service}, New: place(newGVfs), Answers: mounts, Optional: true},
		{Name: "libaccounts", Services: []string{libaccounts.Service}, New: place(newLibaccounts), Answers: identities, Optional: true},
		{Name: "nextcloudclient", Services: []string{secrets.Service}, New: place(newNextcloud), Answers: nextcloud, Optional: true},
		{Name: "passwords", Services: []string{secrets.Service}, New: place(newPasswords), Answers: keyring, Optional: true},
		{Name: "secrets", Services: []string{secrets.Service}, New: newSecrets, Answers: search},
	} {
		t.Run(a.Name, func(t *testing.T) { bustest.Run(t, s, a) })
	}
}

// place looks at the entries of a place.
func place(of func(*bus.Conn, xdg.Dirs) binding.Place) func(*testing.T, *bus.Conn, time.Duration) bustest.Look {
	return func(t *testing.T, b *bus.Conn, _ time.Duration) bustest.Look {
		home := t.TempDir()
		p := of(b, xdg.Dirs{Home: home, Config: home + "/.config", Data: home + "/.local/share", Cache: home + "/.cache"})
		return func(ctx context.Context) (int, error) {
			entries, err := p.Entries(ctx)
			return len(entries), err
		}
	}
}

func newGVfs(b *bus.Conn, _ xdg.Dirs) binding.Place        { return gvfs.New(b) }
func newLibaccounts(b *bus.Conn, d xdg.Dirs) binding.Place { return libaccounts.New(d, b) }
func newNextcloud(b *bus.Conn, d xdg.Dirs) binding.Place {
	return nextcloudclient.New(d, secrets.New(b))
}
func newPasswords(b *bus.Conn, d xdg.Dirs) binding.Place { return passwords.New(secrets.New(b), b, d) }

func newGOA(t *testing.T, b *bus.Conn, _ time.Duration) bustest.Look {
	p := goa.NewAccounts(goa.New(b, secrets.New(b), t.TempDir()))
	return func(ctx context.Context) (int, error) {
		entries, err := p.Entries(ctx)
		return len(entries), err
	}
}

func newToken(t *testing.T, b *bus.Conn, deadline time.Duration) bustest.Look {
	c := goa.New(b, secrets.New(b), t.TempDir())
	return func(ctx context.Context) (int, error) {
		ctx, cancel := context.WithTimeout(ctx, deadline) // GOA asks a server for it, and has longer.
		defer cancel()
		l, err := c.List(ctx)
		if err != nil {
			return 0, err
		}
		got, err := c.Credentials(ctx, l.Accounts[0])
		if err != nil {
			return 0, err
		}
		return len(got.Token.Reveal()), nil
	}
}

func newReadBack(t *testing.T, b *bus.Conn, _ time.Duration) bustest.Look {
	c := goa.New(b, secrets.New(b), t.TempDir())
	return func(ctx context.Context) (int, error) {
		r := c.ReadBack(ctx, "google", "account_0")
		if err := r.Err(); err != nil {
			return 0, err
		}
		return len(r.Leftovers), nil
	}
}

func newDisks(_ *testing.T, b *bus.Conn, _ time.Duration) bustest.Look {
	c := disks.New(b)
	return func(ctx context.Context) (int, error) {
		list, err := c.List(ctx)
		return len(list), err
	}
}

func newSources(_ *testing.T, b *bus.Conn, deadline time.Duration) bustest.Look {
	c := eds.New(b, eds.Options{CallTimeout: deadline})
	return func(ctx context.Context) (int, error) {
		list, err := c.Sources(ctx)
		return len(list), err
	}
}

func newSecrets(_ *testing.T, b *bus.Conn, _ time.Duration) bustest.Look {
	c := secrets.New(b)
	return func(ctx context.Context) (int, error) {
		found, err := c.Search(ctx, map[string]string{"a": "b"})
		if err != nil {
			return 0, err
		}
		if _, err := c.Default(ctx); err != nil {
			return 0, err
		}
		return found.Len(), nil
	}
}

type (
	properties = map[string]dbus.Variant
	interfaces = map[string]properties
	objects    = map[dbus.ObjectPath]interfaces
)

// values are properties by name.
func values(of map[string]any) properties {
	p := properties{}
	for name, v := range of {
		p[name] = dbus.MakeVariant(v)
	}
	return p
}

// paths are n object paths below one.
func paths(under string, n int) []dbus.ObjectPath {
	list := make([]dbus.ObjectPath, n)
	for i := range list {
		list[i] = dbus.ObjectPath(fmt.Sprint(under, i))
	}
	return list
}

// few are more than no things, and as few as are told in full: a bus takes 32 MiB
// at the most, and what is refused for its number is not looked at.
const few = 100

// full are the values of one of n things.
func full(n int, of map[string]any) properties {
	if n > few {
		return properties{}
	}
	return values(of)
}

func accounts(n int) bustest.Answers {
	all := objects{"/org/gnome/OnlineAccounts/Manager": {goa.Service + ".Manager": {}}}
	for i, path := range paths("/org/gnome/OnlineAccounts/Accounts/account_", n) {
		all[path] = interfaces{goa.Service + ".OAuth2Based": {}, goa.Service + ".Account": full(n, map[string]any{
			"Id": fmt.Sprint("account_", i), "ProviderType": "google", "ProviderName": "Google", "Identity": "alice", "PresentationIdentity": "alice",
			"IsLocked": false, "IsTemporary": false, "AttentionNeeded": false,
		})}
	}
	return bustest.Answers{"GetManagedObjects": {all}}
}

func token(n int) bustest.Answers {
	a := accounts(1)
	a["SearchItems"] = []any{paths("/org/freedesktop/secrets/collection/login/", n), []dbus.ObjectPath{}}
	a["Attributes"] = []any{dbus.MakeVariant(map[string]string{"goa-identity": "google:gen0:account_0"})}
	a["GetAccessToken"] = []any{"token", int32(3600)}
	return a
}

// left is of n accounts and n data sources, of which one is the account's, as is
// each item of the keyring.
func left(n int) bustest.Answers {
	a := token(n)
	delete(a, "GetAccessToken")
	delete(a, "ReadAlias")
	all := accounts(n)["GetManagedObjects"][0].(objects)
	for path, of := range sources(n)["GetManagedObjects"][0].(objects) {
		all[path] = of
	}
	a["GetManagedObjects"] = []any{all}
	return a
}

func sources(n int) bustest.Answers {
	all := objects{}
	for i, path := range paths("/org/gnome/evolution/dataserver/SourceManager/Source_", n) {
		all[path] = interfaces{"org.gnome.evolution.dataserver.Source": full(n, map[string]any{
			"UID": fmt.Sprint("b", i), "Data": "[Data Source]\nDisplayName=B\nParent=\n\n[Address Book]\nBackendName=local\n", "ConnectionStatus": "",
		})}
	}
	return bustest.Answers{"GetManagedObjects": {all}}
}

func udisks(n int) bustest.Answers {
	const root, name = "/org/freedesktop/UDisks2/", "org.freedesktop.UDisks2."
	all := objects{root + "drives/D": {name + "Drive": values(map[string]any{"ConnectionBus": "usb"})}}
	for _, path := range paths(root+"block_devices/sd", n) {
		all[path] = interfaces{
			name + "Filesystem": full(n, map[string]any{"MountPoints": [][]byte{}}),
			name + "Block":      full(n, map[string]any{"Drive": dbus.ObjectPath(root + "drives/D"), "IdUsage": "filesystem", "Size": uint64(1)}),
		}
	}
	return bustest.Answers{"GetManagedObjects": {all}}
}

// mount is a row of org.gtk.vfs.MountTracker's ListMounts2, whose signature is
// a(sosssssbay(aya{sv})ay) and so on: as common/gvfsdbus.xml of gvfs has it.
type mount struct {
	Owner                                             string
	Path                                              dbus.ObjectPath
	Display, Stable, Content, Icon, Symbolic, Charset string
	Visible                                           bool
	Fuse                                              []byte
	Spec                                              struct {
		Prefix []byte
		Items  properties
	}
	Location []byte
}

func mounts(n int) bustest.Answers {
	all := make([]mount, n)
	for i, path := range paths("/org/gtk/vfs/mount/", n) {
		all[i].Path, all[i].Stable = path, fmt.Sprint("m", i)
		all[i].Spec.Items = full(n, map[string]any{"type": []byte("dav\x00"), "host": []byte("cloud.example\x00"), "user": []byte("alice\x00")})
	}
	return bustest.Answers{"ListMounts2": {all}}
}

func identities(n int) bustest.Answers {
	all := make([]properties, n)
	for i := range all {
		all[i] = full(n, map[string]any{"Id": uint32(i + 1), "UserName": "alice", "Caption": "nextcloud", "Realms": []string{"cloud.example"}})
	}
	return bustest.Answers{"queryIdentities": {all}}
}

func nextcloud(n int) bustest.Answers {
	return bustest.Answers{
		"SearchItems": {paths("/org/freedesktop/secrets/collection/login/", n), []dbus.ObjectPath{}},
		"Attributes":  {dbus.MakeVariant(map[string]string{"server": "Nextcloud", "user": "alice:https://cloud.example/:0"})},
	}
}

func keyring(n int) bustest.Answers {
	const login = "/org/freedesktop/secrets/collection/login"
	return bustest.Answers{
		"Collections": {dbus.MakeVariant([]dbus.ObjectPath{login})},
		"Locked":      {dbus.MakeVariant(false)},
		"Items":       {dbus.MakeVariant(paths(login+"/", n))},
		"GetAll": {values(map[string]any{
			"Label": "a password", "Locked": false, "Attributes": map[string]string{"server": "cloud.example", "user": "alice", "protocol": "https"},
		})},
	}
}

func search(n int) bustest.Answers {
	return bustest.Answers{
		"SearchItems": {paths("/org/freedesktop/secrets/collection/login/", n), []dbus.ObjectPath{}},
		"ReadAlias":   {dbus.ObjectPath("/org/freedesktop/secrets/collection/login")},
		"Locked":      {dbus.MakeVariant(false)},
	}
}
