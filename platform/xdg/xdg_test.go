package xdg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/platform/xdg"
)

func TestUser(t *testing.T) {
	for name, c := range map[string]struct{ state, file, wantState, wantPictures string }{
		"plain":             {"", "", ".local/state", "Pictures"},
		"set":               {"/elsewhere", "", "/elsewhere", "Pictures"},
		"relative is unset": {"here", "", ".local/state", "Pictures"},
		"moved pictures":    {"", `XDG_PICTURES_DIR="$HOME/Bilder/"`, ".local/state", "Bilder"},
		"absolute pictures": {"", `XDG_PICTURES_DIR="/data/p"`, ".local/state", "/data/p"},
		"home is no folder": {"", `XDG_PICTURES_DIR="$HOME/"`, ".local/state", ""},
		"relative pictures": {"", `XDG_PICTURES_DIR="p"`, ".local/state", ""},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("XDG_STATE_HOME", c.state)
			t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "c"))
			if err := os.MkdirAll(filepath.Join(home, "c"), 0o700); err != nil {
				t.Fatal(err)
			}
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(home, "c", "user-dirs.dirs"), []byte("# a comment\n"+c.file+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err := xdg.User()
			if err != nil {
				t.Fatal(err)
			}
			under := func(p string) string {
				if p == "" || filepath.IsAbs(p) {
					return p
				}
				return filepath.Join(home, p)
			}
			if d.State != under(c.wantState) || d.Pictures != under(c.wantPictures) {
				t.Errorf("state %q, pictures %q", d.State, d.Pictures)
			}
		})
	}
}
