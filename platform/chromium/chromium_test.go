package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) { sessiontest.Main(m) }

// desk is a home with one browser's profiles.
type desk struct {
	t     *testing.T
	dirs  xdg.Dirs
	root  string
	place *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	home := t.TempDir()
	d := &desk{t: t, dirs: xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")}}
	d.root, d.place = filepath.Join(d.dirs.Config, "chromium"), New(d.dirs)
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	at := filepath.Join(d.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

// signedIn are the settings of a profile that is signed in, as Chromium has them.
func signedIn(primary string, web ...string) string {
	var list []string
	for i, address := range append([]string{primary}, web...) {
		list = append(list, fmt.Sprintf(`{"account_id":"%d","gaia":"%d","email":%q,"full_name":"Alice"}`, 100+i, 100+i, address))
	}
	return `{"account_info":[` + strings.Join(list, ",") + `],"google":{"services":{"account_id":"100","consented_to_sync":true}}}`
}

func TestContractBindings(t *testing.T) {
	t.Run("chromium", func(t *testing.T) { bindingtest.Run(t, rig) })
}

// rig writes settings as Chromium does: nobody can sign in to Google in a test.
func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	return &bindingtest.Rig{
		Place: d.place, SameID: true,
		Who:      binding.Who{Type: "google", User: "alice@gmail.com"},
		OtherWho: binding.Who{Type: "google", User: "bob@gmail.com"},
		SignIn:   func(context.Context, *testing.T) { d.write("Default/Preferences", signedIn("alice@gmail.com")) },
		Other:    func(context.Context, *testing.T) { d.write("Profile 1/Preferences", signedIn("bob@gmail.com")) },
		ByHand:   func(context.Context, *testing.T) { d.write("Default/Preferences", `{"account_info":[],"google":{}}`) },
		Break:    func(context.Context, *testing.T) { d.write("Default/Preferences", `{"account_info":[`) },
		Flood: func(context.Context, *testing.T) {
			d.write("Default/Preferences", signedIn("x@gmail.com", strings.Split(strings.Repeat("y@gmail.com ", maxAccounts), " ")...))
		},
	}
}

// TestHints: who is signed in on pages beside the profile's own account.
func TestHints(t *testing.T) {
	d := start(t)
	d.write("Local State", `{"profile":{"info_cache":{"Default":{"name":"Home","user_name":"alice@gmail.com"},"Profile 2":{"name":"Old","user_name":"carol@gmail.com"}}}}`)
	d.write("Default/Preferences", signedIn("alice@gmail.com", "work@gmail.com"))
	d.write("Profile 2/Preferences", `{}`)
	entries, err := d.place.Entries(t.Context())
	if err != nil || len(entries) != 2 || entries[0].Name != "alice@gmail.com in Chromium (Home)" || entries[1].Who.User != "carol@gmail.com" {
		t.Errorf("%+v, %v", entries, err)
	}
	hints, err := d.place.Hints(t.Context())
	if err != nil || len(hints) != 1 || hints[0].Who.User != "work@gmail.com" {
		t.Errorf("%+v, %v", hints, err)
	}
}

// TestLogins: saved passwords by their place and name.
func TestLogins(t *testing.T) {
	sessiontest.Need(t, "sqlite3", "sqlite3")
	d := start(t)
	d.write("Default/Preferences", `{}`)
	for _, name := range []string{"Login Data", "Login Data For Account"} {
		sql := `CREATE TABLE logins (origin_url VARCHAR NOT NULL, username_value VARCHAR, password_value BLOB, signon_realm VARCHAR NOT NULL, blacklisted_by_user INTEGER NOT NULL);
			INSERT INTO logins VALUES ('https://cloud.example/login', 'alice', 'hunter2', 'https://cloud.example/', 0), ('https://never.example/', '', '', 'https://never.example/', 1), ('', 'app', 'x', 'https://realm.example/', 0)`
		if out, err := exec.CommandContext(t.Context(), "sqlite3", filepath.Join(d.root, "Default", name), sql).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	hints, err := d.place.Hints(t.Context())
	if err != nil || len(hints) != 2 || hints[0].Who != (binding.Who{Type: "https", User: "alice", Host: "cloud.example"}) || hints[1].Who.Host != "realm.example" || strings.Contains(fmt.Sprintf("%+v", hints), "hunter2") {
		t.Errorf("%+v, %v", hints, err)
	}
	d.write("Default/Login Data", "no database")
	if hints, err := d.place.Hints(t.Context()); err == nil {
		t.Errorf("of what is no database: %+v", hints)
	}
}

// TestRealProfile: a profile that the real Chromium made, and its passwords, which
// it has for itself while it runs.
func TestRealProfile(t *testing.T) {
	sessiontest.Need(t, "chromium", "chromium")
	d := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+d.root, "about:blank")
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(d.root, "Default", "Login Data")
	d.await(ctx, "made its profile", func() bool {
		held, err := sqliteread.Held(data)
		_, prefs := os.Stat(filepath.Join(d.root, "Default", "Preferences"))
		return err == nil && held && prefs == nil
	})
	if hints, err := d.place.Hints(ctx); !errors.Is(err, errRuns) {
		t.Errorf("while it runs: %+v, %v", hints, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // It was killed, and says so.
	d.await(ctx, "let go of its profile", func() bool {
		held, err := sqliteread.Held(data)
		return err == nil && !held
	})
	if hints, err := d.place.Hints(ctx); err != nil || len(hints) != 0 {
		t.Errorf("nothing is saved: %+v, %v", hints, err)
	}
	if entries, err := d.place.Entries(ctx); err != nil || len(entries) != 0 {
		t.Errorf("nobody is signed in: %+v, %v", entries, err)
	}
}

func (d *desk) await(ctx context.Context, what string, is func() bool) {
	d.t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			d.t.Fatalf("it never %s", what)
		}
	}
}

// TestHomes: Chromium's Snap and the browsers' Flatpaks are looked through.
func TestHomes(t *testing.T) {
	d := start(t)
	for _, at := range []string{"snap/chromium/common/chromium/Default", ".var/app/com.google.Chrome/config/google-chrome/Profile 1"} {
		d.root = filepath.Join(d.dirs.Home, at)
		d.write("Preferences", signedIn("alice@gmail.com"))
	}
	if entries, err := d.place.Entries(t.Context()); err != nil || len(entries) != 2 || entries[0].ID == entries[1].ID {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestLinkedProfile: a profile that was moved to another disk is one all the same,
// and the links that a browser makes while it runs are none.
func TestLinkedProfile(t *testing.T) {
	d := start(t)
	d.write("Local State", `{}`)
	root, disk := d.root, t.TempDir()
	d.root = disk
	d.write("moved/Preferences", signedIn("alice@gmail.com"))
	d.write("socket", "")
	d.root = root
	for name, to := range map[string]string{"Default": "moved", "SingletonSocket": "socket", "SingletonLock": "host-1"} {
		if err := os.Symlink(filepath.Join(disk, to), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := d.place.Entries(t.Context()); err != nil || len(entries) != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(signedIn("alice@gmail.com", "bob@gmail.com"))
	f.Fuzz(func(t *testing.T, text string) {
		var p profile
		_ = p.parse([]byte(text)) // What it found until an error is held to the limit too.
		if len(p.web) > maxAccounts {
			t.Errorf("%d accounts", len(p.web))
		}
	})
}
