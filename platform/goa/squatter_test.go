package goa

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// squat owns GOA's name on a bus without GOA and answers as told.
func squat(t *testing.T, answer any) (*sessiontest.Session, *Client) {
	t.Helper()
	s, c, _ := squatBy(t, answer)
	return s, c
}

// squatBy also gives the connection that owns the name.
func squatBy(t *testing.T, answer any) (*sessiontest.Session, *Client, *dbus.Conn) {
	t.Helper()
	s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone, Services: []string{}})
	conn := s.Conn(t)
	if err := conn.Export(answer, rootPath, objectManagerIface); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName(Service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot squat: %v, %v", reply, err)
	}
	b, err := bus.Open(limit(t), bus.Options{Address: s.BusAddress, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s, New(b, secrets.New(b), s.ConfigHome), conn
}

// answers are a squatter's to GetManagedObjects.
type (
	answerText    struct{}
	answerObjects struct{ objects objects }
	answerNothing struct{}
	answerNever   struct{ over chan struct{} }
)

func (answerText) GetManagedObjects() (string, *dbus.Error) { return "none", nil }

func (a answerObjects) GetManagedObjects() (objects, *dbus.Error) { return a.objects, nil }

func (answerNothing) GetManagedObjects() *dbus.Error { return nil }

func (a answerNever) GetManagedObjects() (objects, *dbus.Error) {
	<-a.over
	return nil, nil
}

func manager() map[string]map[string]dbus.Variant {
	return map[string]map[string]dbus.Variant{managerIface: {}}
}

// squatted is an account as GOA would serve it, with some properties changed.
func squatted(change map[string]any) map[string]map[string]dbus.Variant {
	values := map[string]dbus.Variant{}
	for name, value := range map[string]any{
		"Id": "account_2_0", "ProviderType": "owncloud", "ProviderName": "Nextcloud", "Identity": "bob",
		"PresentationIdentity": "bob", "IsLocked": false, "IsTemporary": false, "AttentionNeeded": false,
	} {
		values[name] = dbus.MakeVariant(value)
	}
	for name, value := range change {
		delete(values, name)
		if value != nil {
			values[name] = dbus.MakeVariant(value)
		}
	}
	return map[string]map[string]dbus.Variant{accountIface: values}
}

func TestSquatterIsUnknownNeverGone(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	for name, answer := range map[string]any{
		"text":         answerText{},
		"nothing":      answerNothing{},
		"never":        answerNever{over},
		"no manager":   answerObjects{objects{}},
		"lock as text": answerObjects{objects{managerPath: manager(), "/a": squatted(map[string]any{"IsLocked": "false"})}},
		"id as number": answerObjects{objects{managerPath: manager(), "/a": squatted(map[string]any{"Id": uint32(7)})}},
		"no id":        answerObjects{objects{managerPath: manager(), "/a": squatted(map[string]any{"Id": nil})}},
		"empty id":     answerObjects{objects{managerPath: manager(), "/a": squatted(map[string]any{"Id": ""})}},
		"100,000":      answerObjects{crowd(100_000)},
		"one id twice": answerObjects{objects{managerPath: manager(), "/a": squatted(nil), "/b": squatted(nil)}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := limit(t)
			_, c := squat(t, answer)
			if l, err := c.List(ctx); err == nil {
				t.Errorf("listed %+v", l)
			}
			if err := c.Remove(ctx, "account_1_0"); err == nil || errors.Is(err, ErrNotListed) {
				t.Errorf("removal: %v; want an error that is not ErrNotListed", err)
			}
			if name == "one id twice" {
				return // Both are there: left, and not unknown.
			}
			r := c.ReadBack(ctx, "owncloud", "account_1_0")
			if r.Gone() || len(r.Unknown) == 0 || r.Unknown[0].Place != InList {
				t.Errorf("read back %q; want the list unknown", places(r))
			}
		})
	}
}

// crowd is a manager and so many objects that are nothing.
func crowd(n int) objects {
	all := objects{managerPath: manager()}
	for i := range n {
		all[dbus.ObjectPath(fmt.Sprintf("/o%d", i))] = nil
	}
	return all
}

// TestNameThatComesBack: a service that goes, and one that comes in its place,
// are told, and what is listed then is what the new one has.
func TestNameThatComesBack(t *testing.T) {
	ctx := limit(t)
	s, c, first := squatBy(t, answerObjects{objects{managerPath: manager()}})
	place := NewAccounts(c)
	told := make(chan struct{}, 1)
	stop, err := place.Watch(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	await(ctx, t, told)
	if list, err := place.Entries(ctx); err != nil || len(list) != 0 {
		t.Fatalf("listed %+v, %v", list, err)
	}
	next := s.Conn(t)
	if err := next.Export(answerObjects{objects{managerPath: manager(), "/a": squatted(nil)}}, rootPath, objectManagerIface); err != nil {
		t.Fatal(err)
	}
	if err := place.Fence(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
	default:
	}
	// It waits in the queue for the name until the first one's connection ends.
	if _, err := next.RequestName(Service, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := first.ReleaseName(Service); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, told)
	if list, err := place.Entries(ctx); err != nil || len(list) != 1 || list[0].ID != IDOf("owncloud", "account_2_0") {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestSquatterThatHidesAnAccount(t *testing.T) {
	ctx := limit(t)
	s, c := squat(t, answerObjects{objects{managerPath: manager()}})
	path := keyFilePath(s.ConfigHome)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("[Account account_1_0]\nProvider=owncloud\nIdentity=alice\nUri=https://cloud.example/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := c.List(ctx)
	if err != nil || len(l.Unlisted) != 1 || l.Unlisted[0].ID != "account_1_0" {
		t.Errorf("listed %+v, %v; want the account unlisted", l, err)
	}
	if r := c.ReadBack(ctx, "owncloud", "account_1_0"); places(r) != "accounts file, ?keyring" {
		t.Errorf("read back %q", places(r))
	}
}

func TestServicesThatAreNotInstalled(t *testing.T) {
	ctx := limit(t)
	s := sessiontest.Start(t, session.Options{Services: []string{}})
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c := New(b, secrets.New(b), s.ConfigHome)
	if _, err := c.List(ctx); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("List without GOA: %v, want bus.ErrNoService", err)
	}
	if err := c.Fence(ctx); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("Fence without GOA: %v, want bus.ErrNoService", err)
	}
}

func TestKeyFileThatCannotBeReadIsUnknown(t *testing.T) {
	ctx, d := limit(t), newDevice(t, session.Options{Keyring: session.KeyringNone})
	path := keyFilePath(d.ConfigHome)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	// goa-daemon takes this file for an empty one.
	if err := os.WriteFile(path, []byte("[Account account_1_0]\nProvider=owncloud\ngarbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := d.List(ctx); err == nil {
		t.Errorf("listed %+v from a file that cannot be parsed", l)
	}
	r := d.ReadBack(ctx, "owncloud", "account_1_0")
	if want := "?accounts file, ?keyring"; places(r) != want || r.Gone() {
		t.Errorf("read back %q, want %q", places(r), want)
	}
	// It loads an account of a provider that it does not know never.
	if err := os.WriteFile(path, []byte("[Account account_1_0]\nProvider=gone\nIdentity=Alice\nUri=https://cloud.example:443/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := d.List(ctx)
	want := []Unlisted{{ID: "account_1_0", Provider: "gone", Identity: "Alice", Host: "cloud.example"}}
	if err != nil || len(l.Accounts) != 0 || !slices.Equal(l.Unlisted, want) {
		t.Errorf("listed %+v, %v; want %+v unlisted", l, err, want)
	}
}

// store puts a secret into the keyring, as GOA does.
func store(t *testing.T, s *sessiontest.Session, attributes map[string]string) {
	t.Helper()
	conn := s.Conn(t)
	var output dbus.Variant
	var path, item, prompt dbus.ObjectPath
	service := conn.Object(secrets.Service, "/org/freedesktop/secrets")
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &path); err != nil {
		t.Fatal(err)
	}
	properties := map[string]dbus.Variant{
		"org.freedesktop.Secret.Item.Label":      dbus.MakeVariant("test"),
		"org.freedesktop.Secret.Item.Attributes": dbus.MakeVariant(attributes),
	}
	value := struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}{path, nil, []byte("x"), "text/plain"}
	err := conn.Object(secrets.Service, "/org/freedesktop/secrets/aliases/default").
		Call("org.freedesktop.Secret.Collection.CreateItem", 0, properties, value, true).Store(&item, &prompt)
	if err != nil || prompt != "/" {
		t.Fatalf("cannot store a secret: %v, prompt %s", err, prompt)
	}
}

func TestSecretsOfEveryGeneration(t *testing.T) {
	ctx := limit(t)
	d := newDevice(t, session.Options{})
	for _, identity := range []string{"google:gen12:account_1_0", "google:gen12:account_1_01", "other:gen99:account_2_0"} {
		store(t, d.Session, map[string]string{"goa-identity": identity, "xdg:schema": secretSchema})
	}
	for _, c := range []struct{ provider, id, want string }{
		{"google", "account_1_0", "keyring"},
		{"other", "account_2_0", "keyring"}, // beyond the generations asked for, but open
		{"google", "account_1", ""},
	} {
		if got := places(d.ReadBack(ctx, c.provider, c.id)); got != c.want {
			t.Errorf("%s %s is left in %q, want %q", c.provider, c.id, got, c.want)
		}
	}
	if err := d.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	if got := places(d.ReadBack(ctx, "google", "account_1_0")); got != "keyring (locked)" {
		t.Errorf("with the keyring locked it is left in %q", got)
	}
}
