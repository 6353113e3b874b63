package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// onDevice is a way to delete that the catalogue gives no account which
// goa-daemon could sign in: from the device, still signed in.
const onDevice = "on-the-device"

// signedInPrograms are the programs, with a catalogue whose Nextcloud has that
// way to delete besides its own.
var signedInPrograms = sync.OnceValues(func() (string, error) {
	const profile = "agent/provider/catalogue/nextcloud.json"
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(root, profile))
	if err != nil {
		return "", err
	}
	var known map[string]any
	if err := json.Unmarshal(data, &known); err != nil {
		return "", err
	}
	known["deletion"] = append(known["deletion"].([]any), map[string]any{
		"id": onDevice, "title": "On the device that is signed in", "url": "", "steps": []string{"Delete it in the settings."},
		"needs": string(departure.SignedInHere), "facts": []string{"deletion-immediate"},
	})
	return buildWith("signed-in", profile, known)
})

// buildWith builds the programs with another file of the catalogue in the place of
// one of ours.
func buildWith(name, file string, instead any) (programs string, err error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(bin), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for name, v := range map[string]any{
		"instead.json": instead,
		"overlay.json": map[string]any{"Replace": map[string]string{filepath.Join(root, file): filepath.Join(dir, "instead.json")}},
	} {
		text, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	programs = filepath.Join(dir, "bin")
	return programs, build(programs, "-overlay", filepath.Join(dir, "overlay.json"))
}

// TestDeletedFromThisDevice: the deletion is asked for on the device while it is
// signed in; the server is gone from then on. Its part stays as it was when the
// permit was redeemed, and the device is signed out all the same.
func TestDeletedFromThisDevice(t *testing.T) {
	for what, gone := range map[string]func(*person){
		"the server is dead":             func(p *person) { p.ok(p.stage.Server.Die()) },
		"the server knows nobody":        func(p *person) { p.stage.Account.SetPassword("nobody's") },
		"the server answers nothing yet": func(p *person) { p.stage.Server.Inject(davtest.Fault{Path: dav, Status: 503}) },
	} {
		t.Run(what, func(t *testing.T) {
			p := startSignedIn(t, davtest.Content{Contacts: 4, Events: 3, Photos: 3, Notes: 2})
			p.device()
			id := p.leaveSignedIn()
			p.ready(id)
			if p.deviceOn() || len(p.accounts()) != 1 {
				t.Errorf("before the deletion Find My Device is on %v, the accounts are %v", p.deviceOn(), p.accounts())
			}
			p.submit(id)
			gone(p)

			info := p.walk(id, func(i agent.DepartureInfo) bool { return i.Verdict.Complete })
			if info.State != engine.Finished || len(p.accounts()) != 0 || len(info.Acts) != 2 {
				t.Errorf("it is %s, the accounts are %v, the acts %+v", info.State, p.accounts(), info.Acts)
			}
			p.wants(info, departure.BindingsRemoved, departure.Pass, "signed-out")
			p.wants(info, departure.SealIntact, departure.Pass, "intact")
			p.sha256sum(info)
		})
	}
}

// TestContactMadeAfterTheDeletion was asked for, on a device whose server is
// gone: it is copied, and the last look at the device's side is taken anew,
// before the device is signed out.
func TestContactMadeAfterTheDeletion(t *testing.T) {
	p := startSignedIn(t, davtest.Content{Contacts: 4, Photos: 2})
	id := p.leaveSignedIn()
	book := p.book()
	p.eventually("the contacts on the device", func() bool { return book.count() == 4 })
	p.ready(id)
	p.submit(id)
	p.ok(p.stage.Server.Die())
	p.crash("org.gnome.evolution.dataserver.AddressBook")
	book.count()
	book.add("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:late-lena\r\nFN:Late Lena\r\nEND:VCARD\r\n")

	info := p.walk(id, func(i agent.DepartureInfo) bool { return i.Verdict.Complete })
	if info.State != engine.Finished || len(p.accounts()) != 0 {
		t.Errorf("it is %s, the accounts are %v", info.State, p.accounts())
	}
	if len(p.copiedWith(info, "Late Lena")) == 0 {
		t.Error("the contact is not in the copy")
	}
	p.sha256sum(info)
}

// startSignedIn is start with the catalogue that has [onDevice].
func startSignedIn(t *testing.T, content davtest.Content) *person {
	t.Helper()
	dir, err := signedInPrograms()
	if err != nil {
		t.Fatal(err)
	}
	return startWith(t, dir, content)
}

// leaveSignedIn begins to leave the account by deleting it on the device.
func (p *person) leaveSignedIn() string {
	p.t.Helper()
	p.signIn()
	p.agent()
	info, err := p.c.StartDeparture(p.t.Context(), agent.StartRequest{Account: p.account(), Intent: departure.Delete, Path: onDevice})
	p.ok(err)
	_, err = p.c.SetDestination(p.t.Context(), info.Departure.ID, p.dest)
	p.ok(err)
	return info.Departure.ID
}

// submit redeems a permit and says that the deletion was asked for.
func (p *person) submit(id string) {
	p.t.Helper()
	_, err := p.redeem(p.permit(id).ID)
	p.ok(err)
	_, err = p.c.Submitted(p.t.Context(), id, time.Now())
	p.ok(err)
}
