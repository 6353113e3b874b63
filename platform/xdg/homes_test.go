package xdg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/xdg"
)

func TestHomes(t *testing.T) {
	home := t.TempDir()
	d := xdg.Dirs{Home: home, Config: home + "/.config", Data: home + "/.local/share", Cache: home + "/.cache"}
	own := xdg.Home{Home: home, Config: d.Config, Data: d.Data, Cache: d.Cache}
	if got, err := d.Homes(); err != nil || !cmp.Equal(got, []xdg.Home{own}) {
		t.Errorf("a new home has %+v, %v", got, err)
	}
	for _, at := range []string{".var/app/org.mozilla.Thunderbird", ".var/app/com.nextcloud.desktopclient.nextcloud/config", "snap/firefox/common"} {
		if err := os.MkdirAll(filepath.Join(home, at), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// A person moves a program's data to a larger disk and leaves a link.
	disk := t.TempDir()
	for at, to := range map[string]string{".var/app/org.chromium.Chromium": disk, ".var/app/org.gone": disk + "/gone", "snap/firefox/current": "common"} {
		if err := os.Symlink(to, filepath.Join(home, at)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Homes()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, h := range got {
		seen[h.Config] = h.App
	}
	for config, app := range map[string]string{
		home + "/.config": "",
		home + "/.var/app/org.mozilla.Thunderbird/config":               "org.mozilla.Thunderbird",
		home + "/.var/app/com.nextcloud.desktopclient.nextcloud/config": "com.nextcloud.desktopclient.nextcloud",
		home + "/.var/app/org.chromium.Chromium/config":                 "org.chromium.Chromium",
		home + "/snap/firefox/common/.config":                           "firefox",
	} {
		if have, ok := seen[config]; !ok || have != app {
			t.Errorf("%s is of %q, %v; want %q", config, have, ok, app)
		}
	}
	if _, ok := seen[home+"/.var/app/org.gone/config"]; ok {
		t.Error("a link that leads nowhere is taken for a home")
	}
}

func TestHomesThatCannotBeRead(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "snap"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (xdg.Dirs{Home: home}).Homes(); err == nil {
		t.Errorf("a file in the place of a folder gives %+v and no error", got)
	}
}
