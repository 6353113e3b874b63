package eds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus/bustest"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestNotInstalled(t *testing.T) {
	s := sessiontest.Start(t, session.Options{Services: []string{}, Keyring: session.KeyringNone})
	c := New(dial(t, s), Options{})
	if ok, err := c.Installed(t.Context()); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	_, err := c.Sources(t.Context())
	is(t, err, ErrUnavailable)
	is(t, err, ErrNotInstalled)
}

// A store whose folder cannot be made is never answered by EDS.
func TestStoreThatNeverOpens(t *testing.T) {
	d := startClient(t, Options{CallTimeout: 2 * time.Second})
	if err := os.MkdirAll(d.dirs.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.dirs.Data+"/addressbook", []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := d.client.Open(t.Context(), personal)
	is(t, err, ErrUnavailable)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.client.Open(ctx, personal)
	is(t, err, context.Canceled)
}

func TestUnknownSources(t *testing.T) {
	d := startClient(t, Options{})
	_, err := d.client.Open(t.Context(), "nobody")
	is(t, err, ErrGone)
	_, err = d.client.Open(t.Context(), "local-stub")
	is(t, err, ErrRefused)
	w, err := d.client.Watch(t.Context(), []string{"nobody", personal})
	is(t, err, ErrGone)
	defer w.Close(t.Context())
	if w.stores[personal] == nil {
		t.Error("one unknown source kept another from being watched")
	}
}

// registryOf is a GetManagedObjects reply with one source.
func registryOf(props map[string]dbus.Variant) []any {
	return []any{managed{"/org/gnome/evolution/dataserver/SourceManager/Source": {dotted + "Source": props}}}
}

func book(data any) map[string]dbus.Variant {
	return map[string]dbus.Variant{"UID": dbus.MakeVariant("b"), "Data": dbus.MakeVariant(data), "ConnectionStatus": dbus.MakeVariant("")}
}

const bookData = "[Data Source]\nDisplayName=B\nParent=\n\n[Address Book]\nBackendName=local\n"

func TestServicesThatLie(t *testing.T) {
	s := sessiontest.Start(t, session.Options{Services: []string{}, Keyring: session.KeyringNone})
	good := bustest.Answers{
		"GetManagedObjects": registryOf(book(bookData)),
		"OpenAddressBook":   {"/b", dotted + "AddressBook31"},
		"Open":              {[]string{}},
		"GetAll": {map[string]dbus.Variant{
			"Capabilities": dbus.MakeVariant([]string{}), "CacheDir": dbus.MakeVariant("/x"), "Online": dbus.MakeVariant(true),
			"Writable": dbus.MakeVariant(true), "Revision": dbus.MakeVariant("1")}},
		"GetContactListUids": {[]string{"a"}}, "GetContactList": {[]string{card(1)}}, "GetContact": {"BEGIN:VCARD\nUID:a\nEND:VCARD"},
		"CreateContacts": {[]string{"c1"}}, "Close": {}, "Refresh": {}, "CreateSources": {},
	}
	use := func(c *Client) error {
		store, err := c.Open(t.Context(), "b")
		if err != nil {
			return err
		}
		_, err1 := store.contactUIDs(t.Context(), store.current())
		_, err2 := store.State(t.Context())
		got, err3 := store.Fetch(t.Context(), []string{"a"}, func(Item) error { return nil })
		for _, f := range got.Failed {
			err3 = errors.Join(err3, f.Err)
		}
		_, err4 := store.Create(t.Context(), []string{card(1)})
		return errors.Join(err1, err2, err3, err4)
	}
	conn := s.Conn(t)
	for _, name := range []string{"Sources7", "Sourcesx", "AddressBook4"} { // older, or none at all
		if _, err := conn.RequestName(dotted+name, 0); err != nil {
			t.Fatal(err)
		}
	}
	l, err := bustest.Serve(t.Context(), s.BusAddress, []string{dotted + "Sources12", dotted + "AddressBook31"}, maps.Clone(good))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := New(dial(t, s), Options{CallTimeout: 5 * time.Second})
	if err := use(client); err != nil {
		t.Fatalf("the honest one: %v", err)
	}
	// The factory's list of sources lags behind the registry's.
	var refused atomic.Int32
	l.Set("OpenAddressBook", func(_ *bustest.Service, honest []any) ([]any, error) {
		if refused.Add(1) <= 3 {
			return nil, dbus.NewError("org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code1", []any{"No such source"})
		}
		return honest, nil
	})
	if err := use(client); err != nil || refused.Load() <= 3 {
		t.Fatalf("a factory that lags: %v", err)
	}
	l.Set("OpenAddressBook", nil)
	wrong := []any{uint32(7), "text", []string{"a"}, map[string]string{}, int64(-1), [][]byte{{1}}, dbus.MakeVariant(dbus.MakeVariant("x"))}
	for method, honest := range good {
		if len(honest) == 0 || method == "Close" {
			continue
		}
		lies := [][]any{{}, append(append([]any{}, honest...), "more")}
		for _, w := range wrong {
			if dbus.SignatureOf(w) != dbus.SignatureOf(honest[0]) {
				lies = append(lies, append([]any{w}, honest[1:]...))
			}
		}
		for _, values := range lies {
			l.Say(method, values)
			if err := use(client); !errors.Is(err, ErrReply) {
				t.Errorf("%s answered %v: %v", method, values, err)
			}
		}
		l.Say(method, honest)
	}
	crowd := managed{}
	for i := range 100_000 {
		crowd[dbus.ObjectPath(fmt.Sprintf("/o%d", i))] = nil
	}
	l.Say("GetManagedObjects", []any{crowd})
	if list, err := NewByHand(client, secrets.New(dial(t, s)), Dirs{}, "").Entries(t.Context()); !errors.Is(err, ErrTooLarge) {
		t.Errorf("of 100,000 objects %d entries are listed, %v", len(list), err)
	}
	for _, props := range []map[string]dbus.Variant{{}, {"UID": dbus.MakeVariant(7)}, {"UID": dbus.MakeVariant("")}} {
		l.Say("GetManagedObjects", registryOf(props))
		_, err := client.Sources(t.Context())
		is(t, err, ErrReply)
	}
	for _, data := range []any{7, "[Data Source]\nnonsense\n[Address Book]\nBackendName=local\n", "[Data Source]\nParent=nobody\n[Address Book]\nBackendName=local\n", "[Data Source]\nParent=b\n[Address Book]\nBackendName=local\n", strings.Repeat("x", maxData+1)} {
		l.Say("GetManagedObjects", registryOf(book(data)))
		list, err := client.Sources(t.Context())
		if err != nil || len(list) != 1 || list[0].Malformed == "" || list[0].Local || list[0].Evidence() == EvidenceOrigin {
			t.Errorf("%.60v: %+v %v", data, list, err)
		}
	}
}
