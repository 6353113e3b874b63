package tasks

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// put writes a file of the session's home.
func (d *desk) put(name, text string) {
	d.t.Helper()
	at := filepath.Join(d.session.Home, name)
	must(d.t, os.MkdirAll(filepath.Dir(at), 0o700))
	must(d.t, os.WriteFile(at, []byte(text), 0o600))
}

// TestEveryPlaceOfAHome: on a home where the account is signed in everywhere, a
// look finds each of the places, says of each how the person removes it, and tells
// what only knows the account.
func TestEveryPlaceOfAHome(t *testing.T) {
	sessiontest.Need(t, "ag-tool", "libaccounts-glib-tools")
	d := newDesk(t)
	d.leave("cloud.example")
	folder := filepath.Join(d.session.Home, "Nextcloud")
	d.put(".config/Nextcloud/nextcloud.cfg", "[Accounts]\n0\\url=https://cloud.example\n0\\dav_user=alice\n0\\webflow_user=alice\n0\\Folders\\1\\localPath="+folder+"/\n")
	d.put(".thunderbird/x.default/prefs.js", `user_pref("ldap_2.servers.a.carddav.url", "https://cloud.example/remote.php/dav/addressbooks/users/alice/contacts/");
user_pref("ldap_2.servers.a.description", "Friends");
`)
	d.put(".var/app/org.mozilla.Thunderbird/.thunderbird/y/prefs.js", `user_pref("calendar.registry.b.type", "caldav");
user_pref("calendar.registry.b.uri", "https://cloud.example/remote.php/dav/calendars/alice/work/");
`)
	d.put(".var/app/org.gnome.Evolution/config/evolution/sources/1.source", "[Data Source]\nDisplayName=Work\nParent=carddav-stub\n[Address Book]\nBackendName=carddav\n"+
		"[Authentication]\nHost=cloud.example\nPort=443\nUser=alice\n[Security]\nMethod=tls\n")
	d.put(".config/rclone/rclone.conf", "[cloud]\ntype = webdav\nurl = https://cloud.example/remote.php/dav/files/alice\nvendor = nextcloud\nuser = alice\n")
	d.put(".git-credentials", "https://alice:hunter2@cloud.example\n")
	d.put(".davfs2/secrets", "https://cloud.example/remote.php/webdav alice hunter2\n")
	d.put(".mozilla/firefox/z/prefs.js", "")
	d.put(".mozilla/firefox/z/logins.json", `{"logins":[{"hostname":"https://cloud.example"},{"hostname":"https://elsewhere.example"}]}`)
	d.put(".config/kdeconnect/trusted_devices", "[phone1]\nname=Pixel\ntype=phone\n")
	d.put(".config/chromium/Default/Preferences", `{"account_info":[{"account_id":"1","email":"alice@gmail.com"}],"google":{"services":{"account_id":"1"}}}`)
	d.put(".local/share/accounts/providers/owncloud.provider", `<?xml version="1.0"?><provider id="owncloud"><name>ownCloud</name></provider>`)
	for _, args := range [][]string{{"create-account", "owncloud", "alice", "enable"}, {"update-account", "1", "string:host=https://cloud.example"}} {
		if out, err := d.session.Command(t.Context(), "ag-tool", args...).CombinedOutput(); err != nil {
			t.Fatalf("ag-tool %v: %v: %s", args, err, out)
		}
	}

	look := d.look()
	if look.Why.Code != "" && strings.Contains(look.Why.Text, "could not be listed") {
		t.Errorf("a place could not be listed: %+v", look.Why)
	}
	found := map[string]int{}
	for _, b := range look.Bindings {
		found[b.Kind]++
		if b.State != departure.BindingPresent || !b.Guided || b.Blocked == nil || b.Blocked.Text == "" {
			t.Errorf("%+v", b)
		}
	}
	want := map[string]int{"nextcloudclient": 1, "thunderbird": 2, "evolution": 1, "rclone": 1, "git-credential": 1, "davfs2": 1, "libaccounts": 1}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("the places (-want +got):\n%s", diff)
	}
	hints := map[string]bool{}
	for _, h := range look.Hints {
		kind, _, _ := strings.Cut(h.ID, ":")
		hints[kind] = true
		if strings.Contains(h.Text, "elsewhere") {
			t.Errorf("another's password is told: %+v", h)
		}
	}
	if got := slices.Sorted(maps.Keys(hints)); !slices.Equal(got, []string{"firefox", "kdeconnect"}) {
		t.Errorf("the hints are of %q", got)
	}
	if text := strings.Join(saidOf(look), "\n"); strings.Contains(text, "hunter2") {
		t.Errorf("a password is told: %s", text)
	}
}

// saidOf are the texts of a look about sign-ins.
func saidOf(l departure.Look) []string {
	var texts []string
	for _, b := range l.Bindings {
		texts = append(texts, b.ID, b.Name, b.Why.Text)
		if b.Blocked != nil {
			texts = append(texts, b.Blocked.Text, b.Blocked.Command)
		}
	}
	for _, h := range l.Hints {
		texts = append(texts, h.ID, h.Name, h.Text, h.Remedy.Text)
	}
	return texts
}
