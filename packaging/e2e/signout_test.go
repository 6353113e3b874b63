package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestSignOutIsHeldBack: an account of an administrator, and a locked keyring,
// which would leave the password behind. Nothing is done, and the one remedy
// helps.
func TestSignOutIsHeldBack(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 3})
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	// Everything but the sign-out is done and authorised.
	info := p.run(id, departure.StepVerify)
	for range 3 {
		p.answer(info)
		info = p.run(id, departure.StepFindMyDevice)
	}
	if !info.Verdict.Release {
		t.Fatalf("it may not be released: %+v", info.Verdict.Checks.Open())
	}
	held := func(what, code, remedy string) {
		t.Helper()
		info := p.run(id, departure.StepTrack)
		if info.Waiting == nil || info.Waiting.Code != remedy {
			t.Errorf("%s: the next step is %+v (%s), want %s", what, info.Waiting, info.WaitingWhy, remedy)
		}
		c := p.wants(info, departure.BindingsRemoved, departure.Fail, code)
		if c.Remedy == nil || c.Remedy.Code != remedy {
			t.Errorf("%s: the remedy is %+v, want %s", what, c.Remedy, remedy)
		}
		if len(info.Acts) != 0 || len(p.accounts()) != 1 {
			t.Errorf("%s: something was done: %+v, accounts %v", what, info.Acts, p.accounts())
		}
	}

	p.lockAccount(true)
	held("an account of an administrator", "is-locked", "ask-admin")
	p.lockAccount(false)
	p.ok(p.stage.Session.LockKeyring(t.Context()))
	held("a locked keyring", "keyring-locked", "unlock")
	p.ok(p.stage.Session.UnlockKeyring(t.Context()))

	info = p.ready(id)
	p.wants(info, departure.BindingsRemoved, departure.Pass, "signed-out")
	if len(info.Acts) != 1 || len(p.accounts()) != 0 {
		t.Errorf("acts %+v, accounts %v", info.Acts, p.accounts())
	}
}

// lockAccount makes goa-daemon's account one that an administrator set up, or
// not, and waits until the daemon says so.
func (p *person) lockAccount(locked bool) {
	p.t.Helper()
	at := filepath.Join(p.stage.Session.ConfigHome, "goa-1.0", "accounts.conf")
	text, err := os.ReadFile(at)
	p.ok(err)
	out := strings.ReplaceAll(string(text), "IsLocked=true\n", "")
	if locked {
		out = strings.TrimRight(out, "\n") + "\nIsLocked=true\n"
	}
	p.ok(os.WriteFile(at, []byte(out), 0o600))
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	path := dbus.ObjectPath(p.accounts()[0])
	p.eventually("the account is locked, or not", func() bool {
		v, err := conn.Object("org.gnome.OnlineAccounts", path).GetProperty("org.gnome.OnlineAccounts.Account.IsLocked")
		return err == nil && v.Value() == locked
	})
}

// TestContactMadeOfflineJustBeforeSignOut lies only in the trash of
// evolution-data-server, and is saved from there before anything is allowed.
func TestContactMadeOfflineJustBeforeSignOut(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 5})
	path := p.signIn()
	p.agent()
	book := p.book()
	p.eventually("the contacts on the device", func() bool { return book.count() == 5 })
	id := p.leave(p.account(), departure.Delete)
	info := p.run(id, departure.StepVerify)
	for range 3 {
		p.answer(info)
		info = p.run(id, departure.StepFindMyDevice)
	}
	if !info.Verdict.Release {
		t.Fatalf("it may not be released: %+v", info.Verdict.Checks.Open())
	}
	// The copy's disk is away, so that what happens next cannot be copied yet.
	away := p.dest + ".away"
	p.ok(os.Rename(p.dest, away))
	// An address book that starts without its server takes contacts offline.
	p.ok(p.stage.Server.Die())
	p.crash("org.gnome.evolution.dataserver.AddressBook")
	book.count()
	book.add("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:offline-olga\r\nFN:Offline Olga\r\nEND:VCARD\r\n")
	p.remove(path)
	p.eventually("the account gone", func() bool { return len(p.accounts()) == 0 })

	info = p.run(id, departure.StepTrack)
	if info.Verdict.Ready {
		t.Error("it is ready although the copy's disk is away")
	}
	if permit, err := p.ask(id); err == nil {
		t.Errorf("a permit was given before the contact was copied: %+v", permit)
	}
	p.ok(p.stage.Server.Revive())
	info = p.run(id, departure.StepTrack)
	if info.Verdict.Ready {
		t.Error("it is ready although the copy's disk is away")
	}
	p.ok(os.Rename(away, p.dest))
	info = p.ready(id)
	saved := false
	for _, at := range p.copiedWith(info, "Offline Olga") {
		saved = saved || strings.Contains(at, "trash")
	}
	if !saved {
		t.Errorf("the contact is not in the copy of the trash: %v", p.copiedWith(info, "Offline Olga"))
	}
	if p.stage.Account.Contact("contacts", "offline-olga.vcf") != nil {
		t.Error("the contact had reached the server: this test shows nothing")
	}
	p.permit(id)
	p.sha256sum(info)
}

// TestComingBack: the account is signed in again after the sign-out, and Find
// My Device is turned on again. No permit outlives that, and nothing is done a
// second time without the owner's leave.
func TestComingBack(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 3})
	p.device()
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	p.ready(id)
	if p.deviceOn() || p.turnedOff() != 1 {
		t.Fatalf("on %v, turned off %d times", p.deviceOn(), p.turnedOff())
	}

	void := func(what string, check departure.CheckID, acts int, permit *agent.PermitInfo) {
		t.Helper()
		info := p.until(what+" is seen", id, func(i agent.DepartureInfo) bool {
			c, ok := i.Verdict.Checks.Get(check)
			return ok && c.Status == departure.Fail && !i.Running
		})
		p.wants(info, check, departure.Fail, "came-back")
		if info.Live != agent.LiveStop {
			t.Errorf("%s: a person is shown %s, want stop", what, info.Live)
		}
		if r, err := p.redeem(permit.ID); err == nil {
			t.Errorf("%s: the permit was redeemed: %+v", what, r)
		}
		info = p.run(id, departure.StepTrack)
		p.wants(info, check, departure.Fail, "came-back")
		if len(info.Acts) != acts {
			t.Errorf("%s: it was done again without leave: %+v", what, info.Acts)
		}
		if _, err := p.ask(id); err == nil {
			t.Errorf("%s: another permit was given", what)
		}
	}
	permit := p.permit(id)
	p.enable(password)
	void("Find My Device on again", departure.FindMyDeviceOff, 2, permit)
	if !p.deviceOn() || p.turnedOff() != 1 {
		t.Errorf("Find My Device is on %v, turned off %d times", p.deviceOn(), p.turnedOff())
	}
	p.ready(id) // with a new authorisation
	if p.deviceOn() || p.turnedOff() != 2 {
		t.Errorf("on %v, turned off %d times", p.deviceOn(), p.turnedOff())
	}

	permit = p.permit(id)
	p.signIn()
	void("signed in again", departure.BindingsRemoved, 3, permit)
	if len(p.accounts()) != 1 {
		t.Errorf("accounts %v", p.accounts())
	}
	info := p.ready(id)
	if len(p.accounts()) != 0 || len(info.Acts) != 4 {
		t.Errorf("accounts %v, acts %+v", p.accounts(), info.Acts)
	}
	grants := map[string]bool{}
	for _, a := range info.Acts {
		if grants[a.Grant] {
			t.Errorf("one leave was used twice: %+v", info.Acts)
		}
		grants[a.Grant] = true
	}
}

// enable turns Find My Device on again, as the device's own settings do.
func (p *person) enable(proof string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	conn, err := p.stage.System.Dial(ctx)
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	var result map[string]dbus.Variant
	p.ok(conn.Object("org.clearance.FindMyDevice1.Demo", "/org/clearance/FindMyDevice1").
		CallWithContext(ctx, "org.clearance.FindMyDevice1.Enable", 0, map[string]dbus.Variant{"password": dbus.MakeVariant(proof)}).Store(&result))
	if !p.deviceOn() {
		p.t.Fatalf("it did not turn on: %v", result)
	}
}
