package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

func start(t *testing.T, keyring session.KeyringState, timeout time.Duration) (context.Context, *sessiontest.Session, *Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	s := sessiontest.Start(t, session.Options{Keyring: keyring, Services: []string{}})
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return ctx, s, New(b)
}

func TestSearchTellsLockedItemsApart(t *testing.T) {
	sessiontest.Need(t, "secret-tool", "libsecret-tools")
	ctx, s, c := start(t, session.KeyringUnlocked, 0)
	put := s.Command(ctx, "secret-tool", "store", "--label=test", "who", "alice")
	put.Stdin = strings.NewReader("hidden")
	if out, err := put.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	who := func(name string) Found {
		t.Helper()
		found, err := c.Search(ctx, map[string]string{"who": name})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	found := who("alice")
	if len(found.Unlocked) != 1 || len(found.Locked) != 0 {
		t.Fatalf("found %+v, want one unlocked item", found)
	}
	if attributes, err := c.Attributes(ctx, found.Unlocked[0]); err != nil || attributes["who"] != "alice" {
		t.Errorf("attributes %v, %v", attributes, err)
	}
	if got := who("ali"); got.Len() != 0 {
		t.Errorf("part of a value found %+v", got)
	}
	for _, lock := range []func() error{
		func() error { return s.LockKeyring(ctx) },
		func() error { return s.RestartKeyring(ctx, session.KeyringLocked) }, // nobody ever opened it
	} {
		if err := lock(); err != nil {
			t.Fatal(err)
		}
		if got := who("alice"); len(got.Unlocked) != 0 || len(got.Locked) != 1 {
			t.Errorf("with the keyring locked: %+v, want one locked item", got)
		}
	}
}

func TestDeleteTakesOneItem(t *testing.T) {
	sessiontest.Need(t, "secret-tool", "libsecret-tools")
	ctx, s, c := start(t, session.KeyringUnlocked, 0)
	if items, err := c.Items(ctx, 10); err != nil || len(items) != 0 {
		t.Errorf("an empty keyring has %+v, %v", items, err)
	}
	item := func(name string) Found {
		t.Helper()
		found, err := c.Search(ctx, map[string]string{"who": name})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, name := range []string{"alice", "bob"} {
		put := s.Command(ctx, "secret-tool", "store", "--label=test", "who", name)
		put.Stdin = strings.NewReader("hidden")
		if out, err := put.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	alice := item("alice").Unlocked[0]
	if items, err := c.Items(ctx, 10); err != nil || len(items) != 2 || items[0].Label != "test" || items[0].Locked || items[0].Attributes["who"] == "" {
		t.Errorf("the items are %+v, %v", items, err)
	}
	if items, err := c.Items(ctx, 1); err == nil {
		t.Errorf("more than can be handled are %+v", items)
	}
	if err := c.Delete(ctx, alice); err != nil {
		t.Fatal(err)
	}
	if item("alice").Len() != 0 || item("bob").Len() != 1 {
		t.Errorf("of alice are left %+v, of bob %+v", item("alice"), item("bob"))
	}
	if err := c.Delete(ctx, alice); err == nil {
		t.Error("an item was deleted twice")
	}
	bob := item("bob").Unlocked[0]
	if err := s.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(ctx, bob); err == nil {
		t.Error("an item was deleted from a locked keyring")
	}
	if got := item("bob"); got.Len() != 1 {
		t.Errorf("of bob are left %+v", got)
	}
}

func TestCollections(t *testing.T) {
	ctx, s, c := start(t, session.KeyringUnlocked, 0)
	for _, want := range []bool{false, true} {
		if want {
			if err := s.LockKeyring(ctx); err != nil {
				t.Fatal(err)
			}
		}
		collection, err := c.Default(ctx)
		if err != nil || collection.Locked != want {
			t.Errorf("default collection %+v, %v; want locked %v", collection, err, want)
		}
		all, err := c.Collections(ctx)
		if err != nil || len(all) < 1 {
			t.Errorf("collections %+v, %v", all, err)
		}
		for _, other := range all {
			if other.Path == collection.Path && other != collection {
				t.Errorf("listed as %+v, want %+v", other, collection)
			}
		}
	}
}

func TestNoKeyring(t *testing.T) {
	ctx, _, c := start(t, session.KeyringNone, 0)
	if _, err := c.Search(ctx, map[string]string{"a": "b"}); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("Search: %v, want bus.ErrNoService", err)
	}
	if _, err := c.Default(ctx); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("Default: %v, want bus.ErrNoService", err)
	}
}

// liar answers with other types than the Secret Service's interface has.
type liar struct{}

func (liar) SearchItems(map[string]string) ([]string, []string, *dbus.Error) { return nil, nil, nil }
func (liar) ReadAlias(string) (string, *dbus.Error)                          { return "/", nil }
func (liar) Get(string, string) (dbus.Variant, *dbus.Error)                  { return dbus.MakeVariant("no"), nil }

// bare is a keyring without a default collection, whose search never ends.
type bare struct{ over chan struct{} }

func (bare) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) { return "/", nil }
func (b bare) SearchItems(map[string]string) ([]dbus.ObjectPath, []dbus.ObjectPath, *dbus.Error) {
	<-b.over
	return nil, nil, nil
}

func impersonate(t *testing.T, s *sessiontest.Session, as any) {
	t.Helper()
	conn := s.Conn(t)
	for _, iface := range []string{serviceIface, "org.freedesktop.DBus.Properties"} {
		if err := conn.Export(as, servicePath, iface); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.RequestName(Service, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

func TestAnswersOfWrongTypesAreErrors(t *testing.T) {
	ctx, s, c := start(t, session.KeyringNone, 0)
	impersonate(t, s, liar{})
	var wrong *bus.ReplyError
	if found, err := c.Search(ctx, nil); !errors.As(err, &wrong) {
		t.Errorf("Search: %+v, %v; want a bus.ReplyError", found, err)
	}
	if collection, err := c.Default(ctx); !errors.As(err, &wrong) {
		t.Errorf("Default: %+v, %v; want a bus.ReplyError", collection, err)
	}
	if all, err := c.Items(ctx, 10); !errors.As(err, &wrong) {
		t.Errorf("Items: %+v, %v; want a bus.ReplyError", all, err)
	}
	if all, err := c.Collections(ctx); !errors.As(err, &wrong) {
		t.Errorf("Collections: %+v, %v; want a bus.ReplyError", all, err)
	}
}

func TestKeyringThatDoesNotAnswer(t *testing.T) {
	ctx, s, c := start(t, session.KeyringNone, time.Second)
	over := make(chan struct{})
	defer close(over)
	impersonate(t, s, bare{over})
	if _, err := c.Search(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Search: %v, want a deadline", err)
	}
	if _, err := c.Default(ctx); !errors.Is(err, ErrNoDefault) {
		t.Errorf("Default: %v, want ErrNoDefault", err)
	}
}

func TestSecretShowsNowhere(t *testing.T) {
	s := NewSecret("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S Secret }{s})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S Secret }{s})
	encoded, err := json.Marshal(struct{ S Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %X", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", struct{ S Secret }{s}, &struct{ S Secret }{s}, []Secret{s}),
		fmt.Sprintf("%v %+v %#v", struct{ s Secret }{s}, &struct{ s Secret }{s}, map[string]Secret{"s": s}),
		log.String(), string(encoded),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret shows in %s", text)
		}
	}
	if s.Reveal() != "hunter2" || s.Empty() || !NewSecret("").Empty() || !(Secret{}).Empty() {
		t.Error("the secret is not what went in")
	}
}
