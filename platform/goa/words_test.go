package goa

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

func TestHostOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://Cloud.Example./x": "cloud.example", "https://a@b.example:443/": "b.example", "http://b.example:443/": "b.example:443",
		"davs://b.example:443/": "b.example", "dav://b.example:80/": "b.example", "http://[::1]:8080/": "[::1]:8080",
		"": "", "/path": "", "mailto:x@y": "", "http://%zz": "",
	} {
		if got := (group{"Uri": address}).host(); got != want {
			t.Errorf("the host of %q is %q, want %q", address, got, want)
		}
	}
}

func TestParseKeyFile(t *testing.T) {
	got, err := parseKeyFile("# a comment\n\n[Account a_1]\nProvider = owncloud\r\nUri=http://x/?a=b\n" +
		"[Template x]\nProvider=y\n[Account a_2]\n  Identity= bob \n[Account a_1]\nIsLocked=true\n")
	want := map[string]group{
		"a_1": {"Provider": "owncloud", "Uri": "http://x/?a=b", "IsLocked": "true"},
		"a_2": {"Identity": "bob "},
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"Provider=x", "[Account a", "[]", "[a]\nnothing", "[a[b]]"} {
		if got, err := parseKeyFile(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzParseKeyFile(f *testing.F) {
	f.Add("[Account a_1]\nProvider=owncloud\nIsLocked=true\n")
	f.Add("[")
	f.Add("=\n[a]\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		groups, err := parseKeyFile(text)
		if err == nil && len(groups) > strings.Count(text, "[Account ") {
			t.Errorf("%q has %d groups", text, len(groups))
		}
		for _, g := range groups {
			_ = g.host()
		}
	})
}

func TestKeyFileThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if groups, err := readKeyFile(filepath.Join(dir, "none")); err != nil || len(groups) != 0 {
		t.Errorf("no file: %v, %v; want no groups", groups, err)
	}
	pipe, big := filepath.Join(dir, "pipe"), filepath.Join(dir, "big")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, maxKeyFile+1); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, big, dir} {
		if groups, err := readKeyFile(path); err == nil {
			t.Errorf("%s was read as %v", path, groups)
		}
	}
}

func TestReadSignal(t *testing.T) {
	account := accountsPath + "/account_1_0"
	added := map[string]map[string]dbus.Variant{accountIface: {}}
	files := map[string]map[string]dbus.Variant{filesIface: {}}
	for name, c := range map[string]struct {
		signal dbus.Signal
		change Change // empty: nothing
	}{
		"added":         {dbus.Signal{Name: objectManagerIface + ".InterfacesAdded", Body: []any{account, added}}, Added},
		"service added": {dbus.Signal{Name: objectManagerIface + ".InterfacesAdded", Body: []any{account, files}}, Changed},
		"removed":       {dbus.Signal{Name: objectManagerIface + ".InterfacesRemoved", Body: []any{account, []string{filesIface, accountIface}}}, Removed},
		"service gone":  {dbus.Signal{Name: objectManagerIface + ".InterfacesRemoved", Body: []any{account, []string{filesIface}}}, Changed},
		"changed":       {dbus.Signal{Name: propertiesIface + ".PropertiesChanged", Path: account}, Changed},
		"manager":       {dbus.Signal{Name: objectManagerIface + ".InterfacesAdded", Body: []any{managerPath, added}}, ""},
		"short":         {dbus.Signal{Name: objectManagerIface + ".InterfacesAdded", Body: []any{account}}, Rescan},
		"no map":        {dbus.Signal{Name: objectManagerIface + ".InterfacesAdded", Body: []any{account, "x"}}, Rescan},
		"text as path":  {dbus.Signal{Name: objectManagerIface + ".InterfacesRemoved", Body: []any{string(account), []string{}}}, Rescan},
		"other signal":  {dbus.Signal{Name: objectManagerIface + ".Whatever"}, Rescan},
	} {
		e, ok := readSignal(&c.signal)
		if ok != (c.change != "") || e.Change != c.change {
			t.Errorf("%s: %+v, %v; want %q", name, e, ok, c.change)
		}
		if c.change != "" && c.change != Rescan && e.ID != "account_1_0" {
			t.Errorf("%s: id %q", name, e.ID)
		}
	}
}
