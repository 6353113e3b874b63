package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestWhatOnlyThePersonCanDo: a sync client that is not in step, an address book at
// the same server that may be the account's, and a list of sign-ins that only the
// person can read. Each says what to do, and none is let pass before it is done.
func TestWhatOnlyThePersonCanDo(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	p.signIn()
	home := p.stage.Session.Home
	folder := p.folder(filepath.Join(home, "Nextcloud"), map[string][]byte{"letter.txt": []byte("Dear all"), ".sync_x.db": []byte("no journal")})
	client := p.file(".config/Nextcloud/nextcloud.cfg", fmt.Sprintf("[Accounts]\n0\\url=http://%s\n0\\dav_user=%s\n0\\webflow_user=%s\n0\\Folders\\1\\localPath=%s/\n",
		p.stage.Server.Addr(), user, user, folder))
	list := p.file(".config/rclone/rclone.conf", "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n")
	book := p.bookByHand("alice@mail.example")
	p.agent()
	id := p.leave(p.account(), departure.Delete)

	info := p.run(id, departure.StepTrack)
	c := p.wants(info, departure.BindingsRemoved, departure.Unknown, "encrypted")
	if c.Ask == nil || c.Ask.Kind != departure.Attest || !strings.Contains(c.Remedy.Text, "rclone config show") {
		t.Errorf("asked is %+v, next %+v", c.Ask, c.Remedy)
	}

	done := map[string]bool{}
	mine := func(i agent.DepartureInfo) bool {
		c := p.check(i, departure.BindingsRemoved)
		return i.Verdict.Ready || c.Remedy != nil && (c.Remedy.Code == departure.ByHand || c.Remedy.Code == "wait")
	}
	for info = p.walk(id, mine); !info.Verdict.Ready; info = p.walk(id, mine) {
		c := p.check(info, departure.BindingsRemoved)
		if done[c.Reason.Code] {
			t.Fatalf("%s is said again: %s, %+v", c.Reason.Code, c.Reason.Text, c.Remedy)
		}
		switch done[c.Reason.Code] = true; c.Reason.Code {
		case "busy":
			p.ok(os.Remove(filepath.Join(folder, ".sync_x.db")))
		case "same-server":
			p.removeBook(book)
		case departure.ByHand:
			p.ok(os.WriteFile(client, nil, 0o644))
		default:
			t.Fatalf("%s: %s, %+v", c.Reason.Code, c.Reason.Text, c.Remedy)
		}
	}
	if len(done) != 3 {
		t.Errorf("done by hand: %v", done)
	}
	p.wants(info, departure.BindingsRemoved, departure.Attested, "attested")
	if info.Verdict.Assurance != departure.AssuredAttested || !p.copied(info, []byte("Dear all")) {
		t.Errorf("the assurance is %s, or what the client kept in step is not in the copy", info.Verdict.Assurance)
	}

	p.ok(os.WriteFile(list, []byte("# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nBBBB\n"), 0o600))
	info = p.until("the word is stale with the list", id, func(i agent.DepartureInfo) bool {
		return i.Live == agent.LiveStop && !p.check(i, departure.BindingsRemoved).Status.Holds()
	})
	p.wants(info, departure.BindingsRemoved, departure.Unknown, "encrypted")
}

// TestRemovedTooEarly: a sync client that is signed out before the last look leaves
// a refusal that names it and what to do; doing that leads to the end.
func TestRemovedTooEarly(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 2})
	p.signIn()
	folder := p.folder(filepath.Join(p.stage.Session.Home, "Nextcloud"), map[string][]byte{"letter.txt": []byte("Dear all")})
	text := fmt.Sprintf("[Accounts]\n0\\url=http://%s\n0\\dav_user=%s\n0\\webflow_user=%s\n0\\Folders\\1\\localPath=%s/\n",
		p.stage.Server.Addr(), user, user, folder)
	client := p.file(".config/Nextcloud/nextcloud.cfg", text)
	p.agent()
	account := p.account()
	plan := p.plan(account)
	if i := slices.IndexFunc(plan.Bindings, func(b departure.Binding) bool { return b.Kind == "nextcloudclient" }); i < 0 || !plan.Bindings[i].Yours() {
		t.Fatalf("signed in at %+v", plan.Bindings)
	}
	id := p.leave(account, departure.Delete)
	p.run(id, departure.StepInventory)
	p.ok(os.WriteFile(client, nil, 0o644))
	p.rest()
	info := p.run(id, departure.StepInventory)
	c := p.wants(info, departure.InventoryComplete, departure.Unknown, "removed-early")
	if c.Remedy == nil || c.Remedy.Code != "sign-in" || !strings.Contains(c.Remedy.Text, "Nextcloud Desktop") {
		t.Errorf("next %+v", c.Remedy)
	}
	p.ok(os.WriteFile(client, []byte(text), 0o644))
	p.rest()
	info = p.walk(id, func(i agent.DepartureInfo) bool {
		c := p.check(i, departure.BindingsRemoved)
		return c.Remedy != nil && c.Remedy.Code == departure.ByHand
	})
	if !p.copied(info, []byte("Dear all")) {
		t.Error("what the client kept in step is not in the copy")
	}
	p.ok(os.WriteFile(client, nil, 0o644))
	p.ready(id)
}

// trackedPrograms are the programs with a list of trackers in which a service that
// this device runs ties it to accounts of a provider.
var trackedPrograms = sync.OnceValues(func() (string, error) {
	return buildWith("tracked", "agent/provider/trackers.json", map[string]any{"version": 1, "trackers": []any{map[string]any{
		"id": "finder", "name": "Finder", "kind": "tracker", "provider": "nextcloud", "units": []string{"dbus.service"},
		"text": "It can find this device.", "guide": []string{"Remove this device at its page."}, "source": "a test", "confidence": "H",
	}}})
})

// TestTrackerOfThisDevice: a program here that ties the device to the account is
// never passed over for one that is signed in here, and is answered for by name
// where the account is only declared.
func TestTrackerOfThisDevice(t *testing.T) {
	programs, err := trackedPrograms()
	if err != nil {
		t.Fatal(err)
	}
	p := startWith(t, programs, davtest.Content{Contacts: 2})
	p.signIn()
	p.agent()
	info := p.run(p.leave(p.account(), departure.Delete), departure.StepTrack)
	c := p.wants(info, departure.FindMyDeviceOff, departure.Unknown, "tracker-here")
	if !strings.Contains(c.Reason.Text, "Finder is on this device (service dbus.service") || !strings.HasPrefix(c.Remedy.Command, "clearance providers ") {
		t.Errorf("%s, next %+v", c.Reason.Text, c.Remedy)
	}

	declared, err := p.c.AddAccount(t.Context(), "nextcloud", "alice@elsewhere.example")
	p.ok(err)
	started, err := p.c.StartDeparture(t.Context(), agent.StartRequest{Account: declared.ID, Intent: departure.Delete})
	p.ok(err)
	id := started.Departure.ID
	info = p.run(id, departure.StepInventory)
	c = p.wants(info, departure.FindMyDeviceOff, departure.Unknown, "tracker-here")
	p.sayOne(id, c, 0)
	p.authorise(id, password)
	p.wants(p.run(id, departure.StepInventory), departure.FindMyDeviceOff, departure.Attested, "attested")
}

// file writes a file of the person's home.
func (p *person) file(name, text string) string {
	p.t.Helper()
	at := p.stage.Session.Home
	for _, part := range strings.Split(filepath.Dir(name), "/") {
		at = p.folder(filepath.Join(at, part), nil)
	}
	p.folder(at, map[string][]byte{filepath.Base(name): []byte(text)})
	return filepath.Join(at, filepath.Base(name))
}

// removeBook removes a source of evolution-data-server, as Evolution does.
func (p *person) removeBook(uid string) {
	p.t.Helper()
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	service, manager := p.sources(conn)
	const iface = "org.gnome.evolution.dataserver.Source"
	var all map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	p.ok(manager.Call("org.freedesktop.DBus.ObjectManager.GetManagedObjects", 0).Store(&all))
	for at, interfaces := range all {
		if v, ok := interfaces[iface]["UID"].Value().(string); ok && v == uid {
			p.ok(conn.Object(service, at).Call(iface+".Removable.Remove", 0).Err)
			return
		}
	}
	p.t.Fatalf("there is no source %s", uid)
}
