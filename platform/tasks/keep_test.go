package tasks

import (
	"slices"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestAnotherProgramsBookIsOnlyInTheCopy: an address book of the account that
// Thunderbird keeps leaves with it, and no book of this device's own takes it; one
// that is not the account's is none of it.
func TestAnotherProgramsBookIsOnlyInTheCopy(t *testing.T) {
	d := newDesk(t)
	d.Worker.cfg.Finders = Finders(d.cfg.Dirs)
	d.leave("cloud.example")
	d.put(".thunderbird/profiles.ini", "[Profile0]\nName=default\nIsRelative=1\nPath=x.default\n")
	d.put(".thunderbird/x.default/prefs.js", `user_pref("ldap_2.servers.a.filename", "abook-1.sqlite");
user_pref("ldap_2.servers.a.dirType", 102);
user_pref("ldap_2.servers.a.description", "Work");
user_pref("ldap_2.servers.a.carddav.url", "https://cloud.example/remote.php/dav/addressbooks/users/alice/contacts/");
user_pref("ldap_2.servers.a.carddav.username", "alice");
`)
	d.put(".thunderbird/x.default/abook-1.sqlite", "")
	d.put(".thunderbird/x.default/abook.sqlite", "")
	look := d.look()
	if k := look.Kept; !k.Known || k.Needed != 0 || len(k.CopyOnly) != 1 {
		t.Fatalf("kept: %+v", k)
	}
	i := slices.IndexFunc(look.Listings, func(l departure.Listing) bool { return l.Source.ID == look.Kept.CopyOnly[0] })
	if i < 0 || look.Listings[i].Source.Name != "Work (Thunderbird)" || look.Listings[i].Source.Fate != departure.Leaves {
		t.Errorf("%v of %+v", look.Kept.CopyOnly, look.Listings)
	}
}
