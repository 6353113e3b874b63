package mozilla

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/xdg"
)

func write(t *testing.T, at, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestProfiles: those of the list, those that it has not, and those of Flatpaks and
// Snaps.
func TestProfiles(t *testing.T) {
	home := t.TempDir()
	dirs := xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")}
	if got, err := Thunderbird.Profiles(dirs); err != nil || got != nil {
		t.Errorf("without the program: %v, %v", got, err)
	}
	root := filepath.Join(home, ".thunderbird")
	write(t, filepath.Join(root, "profiles.ini"), "[Install1]\nDefault=a.default\n\n[Profile1]\nName=Own\nIsRelative=1\nPath=a.default\n\n"+
		"[Profile0]\nName=Elsewhere\nIsRelative=0\nPath="+home+"/mail\nDefault=1\n\n[General]\nStartWithLastProfile=1\n")
	write(t, filepath.Join(root, "forgotten", "prefs.js"), "")
	write(t, filepath.Join(root, "Crash Reports", "x"), "")
	write(t, filepath.Join(home, ".var/app/org.mozilla.Thunderbird/.thunderbird/b/prefs.js"), "")
	write(t, filepath.Join(home, "snap/thunderbird/common/.thunderbird/c/prefs.js"), "")
	want := []Profile{
		{Name: "Own", Path: filepath.Join(root, "a.default")}, {Name: "Elsewhere", Path: filepath.Join(home, "mail")},
		{Name: "forgotten", Path: filepath.Join(root, "forgotten")},
		{App: "org.mozilla.Thunderbird", Name: "b", Path: filepath.Join(home, ".var/app/org.mozilla.Thunderbird/.thunderbird/b")},
		{App: "thunderbird", Name: "c", Path: filepath.Join(home, "snap/thunderbird/common/.thunderbird/c")},
	}
	got, err := Thunderbird.Profiles(dirs)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	write(t, filepath.Join(root, "profiles.ini"), strings.Repeat("x", maxIni+2))
	if got, err := Thunderbird.Profiles(dirs); err == nil {
		t.Errorf("of a list that is too long: %v", got)
	}
}

func TestPrefs(t *testing.T) {
	got, err := ParsePrefs(`// Mozilla User Preferences

/* Do not edit;
 */
user_pref("mail.server.server1.userName", "al\"ice");
user_pref("mail.server.server1.port", 993);
user_pref("a.b", false); user_pref( "ü" , 'B\u00fc\ud83d\udcf7\n' ) ; # end
pref("minus", -1);
user_pref("minus", -2);
`)
	want := map[string]string{"mail.server.server1.userName": `al"ice`, "mail.server.server1.port": "993", "a.b": "false", "ü": "Bü📷\n", "minus": "-2"}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"user_pref(", `user_pref("a", "b)`, `user_pref("a", );`, `user_pref("a" "b");`, "x", `user_pref("a", "\q");`, `user_pref("a", "\u12");`, "/* x", `user_pref("a", 1)`} {
		if got, err := ParsePrefs(bad); err == nil {
			t.Errorf("%s: %v", bad, got)
		}
	}
}

func TestLogins(t *testing.T) {
	p := Profile{Path: t.TempDir()}
	if got, err := p.Logins(); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := p.Account(); err != nil || got != "" {
		t.Errorf("%v, %v", got, err)
	}
	write(t, filepath.Join(p.Path, "logins.json"), `{"nextId":3,"logins":[{"id":1,"hostname":"https://cloud.example","encryptedUsername":"x"},
		{"id":2,"hostname":"https://cloud.example"},{"hostname":"https://gone.example","deleted":true},{"hostname":"imap://mail.example"},{"hostname":"chrome://FirefoxAccounts"}]}`)
	write(t, filepath.Join(p.Path, "signedInUser.json"), `{"version":1,"accountData":{"email":"alice@gmail.com","uid":"x"}}`)
	if got, err := p.Logins(); err != nil || !cmp.Equal(got, []string{"https://cloud.example", "imap://mail.example"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := p.Account(); err != nil || got != "alice@gmail.com" {
		t.Errorf("%v, %v", got, err)
	}
	write(t, filepath.Join(p.Path, "signedInUser.json"), `{"version":1,"accountData":null}`)
	if got, err := p.Account(); err != nil || got != "" {
		t.Errorf("signed out: %v, %v", got, err)
	}
	write(t, filepath.Join(p.Path, "logins.json"), `{"logins":[`)
	if got, err := p.Logins(); err == nil {
		t.Errorf("half a file: %v", got)
	}
}

func FuzzPrefs(f *testing.F) {
	f.Add(`user_pref("a", "\u00fc"); /* x */ pref('b', -1);`)
	f.Fuzz(func(t *testing.T, text string) {
		if prefs, err := ParsePrefs(text); err == nil && len(prefs) > len(text) {
			t.Error("more than there is")
		}
	})
}

func FuzzIni(f *testing.F) {
	f.Add("[Profile0]\nIsRelative=1\nPath=../../x\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := parseIni("/root", text)
		for _, p := range all {
			if !filepath.IsAbs(p.Path) {
				t.Errorf("%q", p.Path)
			}
		}
	})
}
