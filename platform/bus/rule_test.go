package bus

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/godbus/dbus/v5"
)

func TestRulesAndAddresses(t *testing.T) {
	for _, rule := range []Rule{
		{}, {Sender: "nodot"}, {Sender: "a.b'c"}, {Sender: testName, Member: "x',eavesdrop='true"},
		{Sender: testName, Path: "x"}, {Sender: testName, Path: "/a", Under: "/a"}, {Sender: "1.b"},
		{Sender: testName, Arg0: "'"},
	} {
		if rule.Check() == nil {
			t.Errorf("%+v was taken", rule)
		}
	}
	signal := &dbus.Signal{Sender: ":1.1", Path: "/a/b", Name: "x.y.Z", Body: []any{"n"}}
	for _, c := range []struct {
		rule  Rule
		owner string
		want  bool
	}{
		{Rule{Sender: testName}, ":1.1", true}, {Rule{Sender: testName}, ":1.2", false}, {Rule{Sender: testName}, "", false},
		{Rule{Under: "/a"}, ":1.1", true}, {Rule{Under: "/a/b"}, ":1.1", true}, {Rule{Under: "/a/b/c"}, ":1.1", false},
		{Rule{Under: "/"}, ":1.1", true}, {Rule{Path: "/a"}, ":1.1", false}, {Rule{Interface: "x"}, ":1.1", false},
		{Rule{Interface: "x.y", Member: "Z", Arg0: "n"}, ":1.1", true}, {Rule{Arg0: "m"}, ":1.1", false},
	} {
		if got := c.rule.matches(signal, c.owner); got != c.want {
			t.Errorf("%+v from %s: %v", c.rule, c.owner, got)
		}
	}
	got, err := parseAddress("tcp:host=x;unix:path=/run/a%20b,guid=1;unix:abstract=c")
	if err != nil || !reflect.DeepEqual(got, []string{"/run/a b", "@c"}) {
		t.Errorf("parseAddress = %q, %v", got, err)
	}
	for _, address := range []string{"", "autolaunch:", "tcp:host=x", "unix:path=%zz"} {
		if _, err := Open(context.Background(), Options{Address: address}); err == nil {
			t.Errorf("%q was taken for an address", address)
		}
	}
}

func TestAddressesByTheEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	if got, err := SessionAddress(); err == nil {
		t.Errorf("found %q in an empty environment", got)
	}
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if got, err := SessionAddress(); err == nil {
		t.Errorf("found %q without a socket", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := SessionAddress(); err != nil || got != "unix:path="+dir+"/bus" {
		t.Errorf("found %q, %v", got, err)
	}
	if got, want := SystemAddress(), "unix:path=/run/dbus/system_bus_socket"; got != want {
		t.Errorf("system bus at %q, want %q", got, want)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/s")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/y")
	if got, err := SessionAddress(); err != nil || got != "unix:path=/s" {
		t.Errorf("found %q, %v", got, err)
	}
	if got := SystemAddress(); got != "unix:path=/y" {
		t.Errorf("system bus at %q", got)
	}
}
