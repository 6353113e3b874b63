package libaccounts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

// desk is a session with the real signond and libaccounts.
type desk struct {
	*sessiontest.Session
	t     *testing.T
	ctx   context.Context
	conn  *dbus.Conn
	place *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	sessiontest.Need(t, "signond", "signond")
	sessiontest.Need(t, "ag-tool", "libaccounts-glib-tools")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone})
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	d := &desk{Session: s, t: t, ctx: ctx, conn: s.Conn(t)}
	d.place = New(xdg.Dirs{Home: s.Home, Config: s.ConfigHome, Data: s.DataHome, Cache: s.CacheHome, Runtime: s.RuntimeDir}, b)
	d.write("accounts/providers/owncloud.provider", `<?xml version="1.0"?><provider id="owncloud"><name>ownCloud</name></provider>`)
	d.write("accounts/services/owncloud-contacts.service", `<?xml version="1.0"?>
<service id="owncloud-contacts"><type>contacts</type><name>Contacts</name><provider>owncloud</provider></service>`)
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) write(at, text string) {
	d.t.Helper()
	at = filepath.Join(d.DataHome, at)
	d.must(os.MkdirAll(filepath.Dir(at), 0o700))
	d.must(os.WriteFile(at, []byte(text), 0o600))
}

func (d *desk) agTool(args ...string) string {
	d.t.Helper()
	out, err := d.Command(d.ctx, "ag-tool", args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("ag-tool %v: %v: %s", args, err, out)
	}
	return string(out)
}

// remember has signond store a sign-in, and returns its number.
func (d *desk) remember(user string) uint32 { d.t.Helper(); return d.store(user, "*") }

// store has signond store a sign-in; without an owner nobody of the session may
// remove it.
func (d *desk) store(user, owner string) uint32 {
	d.t.Helper()
	var at dbus.ObjectPath
	service := d.conn.Object(Service, servicePath)
	d.must(service.CallWithContext(d.ctx, serviceIface+".registerNewIdentity", 0, "").Store(&at))
	var id uint32
	info := map[string]dbus.Variant{
		"UserName": dbus.MakeVariant(user), "Secret": dbus.MakeVariant("hunter2"), "StoreSecret": dbus.MakeVariant(true),
		"Caption": dbus.MakeVariant("owncloud"), "AuthMethods": dbus.MakeVariant(map[string][]string{"password": {"*"}}),
		"ACL": dbus.MakeVariant([]string{"*"}), "Type": dbus.MakeVariant(int32(1)),
	}
	if owner != "" {
		info["Owner"] = dbus.MakeVariant([]string{owner})
	}
	d.must(d.conn.Object(Service, at).CallWithContext(d.ctx, identityIface+".store", 0, info).Store(&id))
	return id
}

func (d *desk) forget(id uint32) {
	d.t.Helper()
	d.must(forget(d.ctx, d.place.bus, id))
}

// account makes an account as KDE's and Ubuntu Touch's settings do.
func (d *desk) account(name, key, server string, id uint32) (number string) {
	d.t.Helper()
	d.agTool("create-account", "owncloud", name, "enable")
	newest := 0
	for line := range strings.Lines(d.agTool("list-accounts")) {
		first, _, _ := strings.Cut(line, " ")
		if n, err := strconv.Atoi(first); err == nil {
			newest = max(newest, n)
		}
	}
	number = strconv.Itoa(newest)
	d.agTool("update-account", number, "string:"+key+"="+server)
	d.agTool("update-account", number, fmt.Sprintf("uint:%s=%d", credentials, id))
	d.agTool("enable-service", number, "owncloud-contacts")
	return number
}

func TestContractBindings(t *testing.T) {
	t.Run("libaccounts", func(t *testing.T) { bindingtest.Run(t, rig) })
}

func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	var number string
	var id uint32
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"},
		Who:      binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"},
		OtherWho: binding.Who{Type: "owncloud", User: "bob", Host: "other.example"},
		SignIn: func(context.Context, *testing.T) {
			id = d.remember("alice")
			number = d.account("Alice's cloud", "server", "https://cloud.example/sub", id)
		},
		Other: func(context.Context, *testing.T) { d.account("bob", "dav/host", "other.example", d.remember("bob")) },
		ByHand: func(context.Context, *testing.T) {
			d.agTool("delete-account", number)
			d.forget(id)
		},
		LeaveBehind: func(context.Context, *testing.T) { d.agTool("delete-account", number) },
		Break: func(context.Context, *testing.T) {
			d.must(os.WriteFile(filepath.Join(d.ConfigHome, file), []byte(strings.Repeat("no database ", 1000)), 0o600))
		},
	}
}

// TestLeftover: what is left in signond of an account that is gone is listed under
// the id that the account had, and is removed by us.
func TestLeftover(t *testing.T) {
	d := start(t)
	number := d.account("alice", "host", "cloud.example:8443", d.remember("alice"))
	entries, err := d.place.Entries(d.ctx)
	d.must(err)
	if len(entries) != 1 || !entries[0].Guided || !entries[0].Carries || entries[0].Who.Host != "cloud.example:8443" ||
		len(entries[0].Goes) != 1 || entries[0].Goes[0].What != "contacts" || !strings.Contains(entries[0].Blocked.Text, "ag-tool delete-account "+number) {
		t.Fatalf("%+v", entries)
	}
	id := entries[0].ID
	d.agTool("delete-account", number)
	left, err := d.place.ReadBack(d.ctx, id)
	if err != nil || len(left) != 1 || left[0].Where != "stored sign-ins" {
		t.Errorf("left %+v, %v", left, err)
	}
	entries, err = d.place.Entries(d.ctx)
	if err != nil || len(entries) != 1 || !entries[0].Leftover || entries[0].ID != id || entries[0].Who.User != "alice" {
		t.Fatalf("%+v, %v", entries, err)
	}
	d.must(d.place.Remove(d.ctx, id))
	if left, err := d.place.ReadBack(d.ctx, id); err != nil || len(left) != 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

// TestRowsInTheLog: a row that a program which runs has only in the log of its
// writes is seen.
func TestRowsInTheLog(t *testing.T) {
	d := start(t)
	sessiontest.Need(t, "sqlite3", "sqlite3")
	d.account("alice", "host", "cloud.example", d.remember("alice"))
	at := filepath.Join(d.ConfigHome, file)
	shell := d.Command(d.ctx, "sqlite3", at)
	in, err := shell.StdinPipe()
	d.must(err)
	out, err := shell.StdoutPipe()
	d.must(err)
	d.must(shell.Start())
	_, err = fmt.Fprintln(in, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; INSERT INTO Accounts VALUES (77, 'bob', 'owncloud', 1); SELECT 'done';")
	d.must(err)
	for said := make([]byte, 256); ; {
		n, err := out.Read(said)
		d.must(err)
		if strings.Contains(string(said[:n]), "done") {
			break
		}
	}
	main, err := os.ReadFile(at)
	d.must(err)
	if strings.Contains(string(main), "bob") {
		t.Fatal("the row is in the main file already: this test shows nothing")
	}
	entries, err := d.place.Entries(d.ctx)
	if err != nil || len(entries) != 2 || entries[1].Who.User != "bob" {
		t.Errorf("%+v, %v", entries, err)
	}
	d.must(in.Close())
	d.must(shell.Wait())
}

// TestNotOurs: a sign-in that signond lets nobody remove stays, and it is
// said what to do.
func TestNotOurs(t *testing.T) {
	d := start(t)
	d.store("alice", "")
	entries, err := d.place.Entries(d.ctx)
	if err != nil || len(entries) != 1 || !entries[0].Leftover {
		t.Fatalf("%+v, %v", entries, err)
	}
	held, ok := errors.AsType[*binding.BlockedError](d.place.Remove(d.ctx, entries[0].ID))
	if !ok || held.Why.Text == "" || held.Remedy.Text == "" {
		t.Errorf("%+v", held)
	}
	if left, err := d.place.ReadBack(d.ctx, entries[0].ID); err != nil || len(left) != 1 {
		t.Errorf("left %+v, %v", left, err)
	}
}

// TestUnused: signond is not started where nobody ever signed in.
func TestUnused(t *testing.T) {
	d := start(t)
	if entries, err := d.place.Entries(d.ctx); err != nil || len(entries) != 0 {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, running, err := d.place.bus.Owner(d.ctx, Service); err != nil || running {
		t.Errorf("it was started: %v, %v", running, err)
	}
}
