package firefox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

func write(t *testing.T, at, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestHints: passwords and Mozilla accounts of every profile are told; one that
// cannot be read does not hide the others.
func TestHints(t *testing.T) {
	home := t.TempDir()
	p := New(xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")})
	if got, err := p.Hints(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("without the program: %+v, %v", got, err)
	}
	own, snap := filepath.Join(home, ".mozilla/firefox/a"), filepath.Join(home, "snap/firefox/common/.mozilla/firefox/b")
	write(t, filepath.Join(own, "prefs.js"), "")
	write(t, filepath.Join(own, "logins.json"), `{"logins":[{"hostname":"https://cloud.example","encryptedPassword":"hunter2"},{"hostname":"https://cloud.example","httpRealm":"x"},{"hostname":"chrome://FirefoxAccounts"}]}`)
	write(t, filepath.Join(own, "signedInUser.json"), `{"version":1,"accountData":{"email":"alice@gmail.com"}}`)
	write(t, filepath.Join(snap, "prefs.js"), "")
	write(t, filepath.Join(snap, "logins.json"), `{"logins":[{"hostname":"https://cloud.example"}]}`)
	hints, err := p.Hints(t.Context())
	if err != nil || len(hints) != 3 {
		t.Fatalf("%+v, %v", hints, err)
	}
	ids := map[string]bool{}
	for _, h := range hints {
		ids[h.Hint.ID] = true
		if h.Hint.Text == "" || h.Hint.Remedy.Text == "" || strings.Contains(h.Hint.Text, "hunter2") {
			t.Errorf("%+v", h)
		}
	}
	if len(ids) != 3 {
		t.Errorf("ids %v", ids)
	}
	nextcloud := departure.Account{Provider: "nextcloud", Identity: "alice@cloud.example"}
	google := departure.Account{Provider: "google", Identity: "alice@gmail.com"}
	if hints[0].Who.Of("", nextcloud) == binding.MatchNo || hints[1].Who.Of("", google) != binding.MatchYes || hints[1].Who.Of("", nextcloud) != binding.MatchNo {
		t.Errorf("%+v", hints)
	}
	write(t, filepath.Join(own, "logins.json"), `{"logins":`)
	if hints, err := p.Hints(t.Context()); err == nil || len(hints) != 2 {
		t.Errorf("with a file that cannot be read: %+v, %v", hints, err)
	}
	if err := p.Remove(t.Context(), "firefox:x"); !errors.Is(err, binding.ErrGone) {
		t.Errorf("%v", err)
	}
}
