package passwords

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

const password = "correct horse"

// keyring is a private session with a real keyring.
type keyring struct {
	*sessiontest.Session
	place *Place
}

func start(t *testing.T, state session.KeyringState) *keyring {
	t.Helper()
	sessiontest.Need(t, "secret-tool", "libsecret-tools")
	s := sessiontest.Start(t, session.Options{Keyring: state, Services: []string{}})
	b, err := bus.Open(t.Context(), bus.Options{Address: s.BusAddress, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &keyring{Session: s, place: New(secrets.New(b), b, xdg.Dirs{Data: s.DataHome})}
}

// tool runs secret-tool.
func (k *keyring) tool(ctx context.Context, t *testing.T, what string, attributes ...string) {
	t.Helper()
	cmd := k.Command(ctx, "secret-tool", append([]string{what}, attributes...)...)
	cmd.Stdin = strings.NewReader(password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// network is an item as gvfs and git keep one.
func network(user, server, protocol string) []string {
	return []string{"xdg:schema", "org.gnome.keyring.NetworkPassword", "user", user, "server", server, "protocol", protocol}
}

// TestContractBindings holds the keyring's passwords to the port of places, on a
// real keyring.
func TestContractBindings(t *testing.T) {
	t.Run("keyring", func(t *testing.T) { bindingtest.Run(t, newRig) })
}

func newRig(t *testing.T) *bindingtest.Rig {
	k := start(t, session.KeyringUnlocked)
	alice := network("alice", "cloud.example", "https")
	return &bindingtest.Rig{
		Place: k.place, Secrets: []string{password},
		Who: binding.Who{Type: "https", User: "alice", Host: "cloud.example"}, OtherWho: binding.Who{Type: "davs", User: "alice", Host: "other.example:8443"},
		SignIn: func(ctx context.Context, t *testing.T) {
			t.Helper()
			k.tool(ctx, t, "store", append([]string{"--label=alice"}, alice...)...)
		},
		Other: func(ctx context.Context, t *testing.T) {
			t.Helper()
			k.tool(ctx, t, "store", append([]string{"--label=other", "port", "8443"}, network("alice", "other.example", "davs")...)...)
		},
		ByHand: func(ctx context.Context, t *testing.T) {
			t.Helper()
			k.tool(ctx, t, "clear", alice...)
		},
		Break: func(_ context.Context, t *testing.T) {
			t.Helper()
			if err := k.StopBus(); err != nil {
				t.Fatal(err)
			}
		},
		Block: k.Block,
	}
}

// TestLockedPart: a locked keyring is searched for exactly who is asked for, and
// what may be theirs is said to be so.
func TestLockedPart(t *testing.T) {
	k := start(t, session.KeyringUnlocked)
	ctx := t.Context()
	for _, item := range [][]string{
		network("alice", "cloud.example", "https"), network("bob", "cloud.example", "https"),
		network("alice", "other.example", "https"), append([]string{"port", "8443"}, network("alice", "cloud.example", "davs")...),
		{"xdg:schema", "org.gnome.OnlineAccounts", "user", "alice", "server", "cloud.example"},
	} {
		k.tool(ctx, t, "store", append([]string{"--label=x"}, item...)...)
	}
	if found, err := k.place.Search(ctx, "alice", "cloud.example"); err != nil || len(found) != 0 {
		t.Errorf("with the keyring unlocked a search finds %+v, %v", found, err)
	}
	if err := k.RestartKeyring(ctx, session.KeyringLocked); err != nil {
		t.Fatal(err)
	}
	if list, err := k.place.Entries(ctx); err != nil || len(list) != 0 {
		t.Errorf("with the keyring locked are listed %+v, %v", list, err)
	}
	for host, want := range map[string]map[string]int{
		"cloud.example":      {"alice": 3, "": 1}, // a port shows only to who asks for it
		"cloud.example:8443": {"alice": 1}, "other.example": {"alice": 1}, "nowhere.example": {}, "": {},
	} {
		found, err := k.place.Search(ctx, "alice", host)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, e := range found {
			got[e.Who.User]++
			if e.Who.Host != host || e.Blocked == nil || (e.Who.User != "" && e.Blocked.Code != "unlock") {
				t.Errorf("at %s was found %+v", host, e)
			}
			if held, ok := errors.AsType[*binding.BlockedError](k.place.Remove(ctx, e.ID)); !ok || held.Remedy.Code != "unlock" {
				t.Errorf("removing %+v: %v", e, held)
			}
			if left, err := k.place.ReadBack(ctx, e.ID); err != nil || len(left) != 1 || !left[0].Locked {
				t.Errorf("read back: %+v, %v", left, err)
			}
		}
		if len(got) != len(want) || got["alice"] != want["alice"] || got[""] != want[""] {
			t.Errorf("at %q were found %v, want %v", host, got, want)
		}
	}
}

// TestNoKeyring: a device without a keyring has no passwords; one with a file of a
// keyring that nothing serves is not known.
func TestNoKeyring(t *testing.T) {
	k := start(t, session.KeyringNone)
	if list, err := k.place.Entries(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("listed %+v, %v", list, err)
	}
	if err := k.place.Fence(t.Context()); err != nil {
		t.Error(err)
	}
	at := filepath.Join(k.DataHome, "keyrings")
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "login.keyring"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := k.place.Entries(t.Context()); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestWhoOf(t *testing.T) {
	for name, c := range map[string]struct {
		attributes map[string]string
		want       binding.Who
		ok         bool
	}{
		"git":                {map[string]string{"xdg:schema": "org.gnome.keyring.NetworkPassword", "user": "a", "server": "H.example", "protocol": "https", "object": "x.git"}, binding.Who{Type: "https", User: "a", Host: "h.example"}, true},
		"its own port":       {map[string]string{"user": "a", "server": "h.example", "protocol": "davs", "port": "443"}, binding.Who{Type: "davs", User: "a", Host: "h.example"}, true},
		"another port":       {map[string]string{"user": "a", "server": "h.example", "protocol": "davs", "port": "8443"}, binding.Who{Type: "davs", User: "a", Host: "h.example:8443"}, true},
		"port in the server": {map[string]string{"user": "a", "server": "h.example:81", "protocol": "dav", "port": "0"}, binding.Who{Type: "dav", User: "a", Host: "h.example:81"}, true},
		"an IPv6 address":    {map[string]string{"user": "a", "server": "[::1]", "protocol": "dav", "port": "81"}, binding.Who{Type: "dav", User: "a", Host: "[::1]:81"}, true},
		"geary":              {map[string]string{"xdg:schema": "org.gnome.Geary", "host": "imap.example", "login": "a@example"}, binding.Who{User: "a@example", Host: "imap.example"}, true},
		"chromium":           {map[string]string{"origin_url": "https://h.example/login", "username_value": "a"}, binding.Who{User: "a", Host: "h.example"}, true},
		"nobody":             {map[string]string{"server": "h.example"}, binding.Who{Host: "h.example"}, true},
		"no server":          {map[string]string{"user": "a"}, binding.Who{User: "a"}, false},
		"GOA's":              {map[string]string{"xdg:schema": "org.gnome.OnlineAccounts", "server": "h", "user": "a"}, binding.Who{}, false},
		"too long":           {map[string]string{"server": strings.Repeat("h", maxText+1)}, binding.Who{}, false},
		"no address":         {map[string]string{"server": "://", "user": "a"}, binding.Who{User: "a"}, false},
	} {
		if who, ok := whoOf(secrets.Item{Attributes: c.attributes}); who != c.want || ok != c.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, who, ok, c.want, c.ok)
		}
	}
}

// FuzzWhoOf: whatever an item says, its id leads back to it and no text is one
// that a terminal would obey.
func FuzzWhoOf(f *testing.F) {
	f.Add("h.example", "alice", "443", "https", "label")
	f.Add("[::1", "\x1b[31m", "x", "://", "\n")
	f.Fuzz(func(t *testing.T, server, user, port, protocol, label string) {
		item := secrets.Item{Path: dbus.ObjectPath(collections + "login/1"), Label: label, Attributes: map[string]string{"server": server, "user": user, "port": port, "protocol": protocol}}
		who, ok := whoOf(item)
		if !ok {
			return
		}
		e := entryOf(item, who)
		if path, marked, ok := pathOf(e.ID); !ok || path != string(item.Path) || marked != mark(who) {
			t.Errorf("%q leads to %q", e.ID, path)
		}
		if strings.ContainsAny(e.Name, "\n\x1b") {
			t.Errorf("%q", e.Name)
		}
	})
}
