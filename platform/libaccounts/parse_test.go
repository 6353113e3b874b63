package libaccounts

import (
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`'alice'`: "alice", `"o'neil"`: "o'neil", `'a\'b\\c\n'`: "a'b\\c\n", `'\u00fc\U0001f4f7'`: "ü📷", `''`: "", `'Bücher'`: "Bücher",
	} {
		if got, err := text("s", raw); err != nil || got != want {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{``, `'`, `alice`, `'a'b'`, `'a"`, `'\u12'`, `'\Uffffffff'`, `'\ud800'`, "'\xff'", `'a\'`} {
		if got, err := text("s", raw); err == nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
	if got, err := text("u", "12"); err != nil || got != "12" {
		t.Errorf("a number: %q, %v", got, err)
	}
}

func TestHost(t *testing.T) {
	for _, c := range []struct {
		settings map[string]string
		want     string
	}{
		{map[string]string{"server": "https://Cloud.example/sub", "dav/host": "x.example"}, "cloud.example"},
		{map[string]string{"host": "cloud.example:8443"}, "cloud.example:8443"},
		{map[string]string{"host": "http://cloud.example"}, "cloud.example"},
		{map[string]string{"server": "", "dav/host": "cloud.example"}, "cloud.example"},
		{nil, ""},
	} {
		if got := (row{settings: c.settings}).host(); got != c.want {
			t.Errorf("%v: %q, want %q", c.settings, got, c.want)
		}
	}
}

func TestIdentityOf(t *testing.T) {
	v := dbus.MakeVariant
	good := map[string]dbus.Variant{"Id": v(uint32(3)), "UserName": v("alice"), "Caption": v("owncloud"), "Realms": v([]string{"cloud.example"}), "Secret": v("x")}
	want := identity{id: 3, user: "alice", caption: "owncloud", realms: []string{"cloud.example"}}
	if got, err := identityOf(good); err != nil || !cmp.Equal(got, want, cmp.AllowUnexported(identity{})) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []map[string]dbus.Variant{
		nil, {"Id": v("3")}, {"Id": v(uint32(0))}, {"Id": v(uint32(3)), "UserName": v(uint32(1))}, {"Id": v(uint32(3)), "Realms": v("x")},
	} {
		if got, err := identityOf(bad); err == nil {
			t.Errorf("%v: %+v", bad, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("s", `'al\'ice\u00fc'`)
	f.Fuzz(func(t *testing.T, kind, raw string) {
		if got, err := text(kind, raw); err == nil && len(got) > 4*len(raw) {
			t.Errorf("%d bytes of %d", len(got), len(raw))
		}
	})
}
