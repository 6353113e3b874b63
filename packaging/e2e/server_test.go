package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

const dav = "/remote.php/"

// TestServerInTrouble: whatever ails the server, nobody takes it for an empty
// one, and the person is told.
func TestServerInTrouble(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 12, Events: 2, Photos: 2})
	p.signIn()
	p.agent()
	id := p.leave(p.account(), departure.Delete)
	p.run(id, departure.StepVerify)

	t.Run("answers 503", func(t *testing.T) {
		p := p.in(t)
		fault := p.stage.Server.Inject(davtest.Fault{Path: dav, Status: 503, RetryAfter: "1"})
		defer p.stage.Server.Heal()
		p.unknownServer(id, "unavailable", "leave")
		if fault.Fired() == 0 {
			t.Error("the server was not asked")
		}
	})
	t.Run("answers 503 for the contacts alone", func(t *testing.T) {
		p := p.in(t)
		p.stage.Server.Inject(davtest.Fault{Path: dav + "carddav", Status: 503})
		p.stage.Server.Inject(davtest.Fault{Path: dav + "dav/addressbooks", Status: 503})
		defer p.stage.Server.Heal()
		info := p.unknownServer(id, "unavailable", "leave")
		p.wants(info, departure.BackupOf(departure.Contacts), departure.Unknown, "not-listed")
		p.wants(info, departure.BackupOf(departure.Photos), departure.Pass, "copied")
	})
	t.Run("no longer takes the password", func(t *testing.T) {
		p := p.in(t)
		p.stage.Account.SetPassword("another")
		defer p.stage.Account.SetPassword(password)
		info := p.unknownServer(id, "unauthorized", "leave")
		if c := p.check(info, departure.InventoryComplete); c.Remedy == nil || c.Remedy.Code != "password" {
			t.Errorf("the remedy of a wrong password is %+v", c.Remedy)
		}
	})
	t.Run("does not answer at all", func(t *testing.T) {
		p := p.in(t)
		p.ok(p.stage.Server.Die())
		defer func() { p.ok(p.stage.Server.Revive()) }()
		p.unknownServer(id, "unreachable", "leave")
		plan := p.plan(p.now(id).Departure.Account.ID)
		if plan.Complete {
			t.Errorf("a plan without the server is complete: %+v", plan)
		}
	})
	t.Run("is well again", func(t *testing.T) {
		p := p.in(t)
		p.sha256sum(p.ready(id))
	})
}

// unknownServer looks at a server in trouble.
func (p *person) unknownServer(id, code, verb string) agent.DepartureInfo {
	p.t.Helper()
	info := p.run(id, departure.StepTrack)
	p.wants(info, departure.InventoryComplete, departure.Unknown, code)
	seen := p.wants(info, departure.ServerSeen, departure.Unknown, code)
	if seen.Remedy == nil || !strings.HasPrefix(seen.Remedy.Command, "clearance "+verb) {
		p.t.Errorf("the remedy is %+v", seen.Remedy)
	}
	if info.Verdict.Release || len(info.Acts) > 0 {
		p.t.Errorf("something irreversible may run: %+v", info.Acts)
	}
	if permit, err := p.ask(id); err == nil {
		p.t.Errorf("a permit was given: %+v", permit)
	}
	return info
}

// TestServerDiesInMidSync: the device's own address book then says "nobody,
// online", without an error.
func TestServerDiesInMidSync(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 400})
	// Listing works, fetching fails after the first batch: contacts never come
	// down to the device.
	p.stage.Server.Inject(davtest.Fault{Method: "REPORT", Path: dav + "carddav", Status: 503})
	p.signIn()
	p.agent()
	a := p.account()
	book := p.book()
	if n := book.count(); n != 0 {
		t.Fatalf("the device's address book holds %d contacts", n)
	}
	id := p.leave(a, departure.Delete)
	info := p.run(id, departure.StepTrack)
	c := p.check(info, departure.BackupOf(departure.Contacts))
	if c.Status.Holds() || info.Verdict.Release {
		t.Errorf("the contacts are %s: %s", c.Status, c.Reason.Text)
	}
	if c.Count != 400 && c.Status != departure.Unknown {
		t.Errorf("%d contacts are missing, want 400: %s", c.Count, c.Reason.Text)
	}
	p.ok(p.stage.Server.Die())
	info = p.run(id, departure.StepTrack)
	p.wants(info, departure.InventoryComplete, departure.Unknown, "unreachable")
	p.ok(p.stage.Server.Revive())
	p.stage.Server.Heal()
	info = p.ready(id)
	if c := p.check(info, departure.BackupOf(departure.Contacts)); c.Count != 400 {
		t.Errorf("%d contacts are in the copy: %s", c.Count, c.Reason.Text)
	}
	p.sha256sum(info)
}

// TestServerHoldsMoreThanTheDevice: what only the cloud has is counted, and
// fetched; a book that drops to nothing is refused until that is accepted by
// name.
func TestServerHoldsMoreThanTheDevice(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 20})
	p.signIn()
	p.agent()
	a := p.account()
	book := p.book()
	p.eventually("the contacts on the device", func() bool { return book.count() == 20 })
	for i := range 10 {
		_, err := p.stage.Account.PutContact("contacts", "more-"+string(rune('a'+i))+".vcf", davtest.Card(1000+i))
		p.ok(err)
	}
	if n := book.count(); n != 20 {
		t.Fatalf("the device knows of %d contacts already", n)
	}
	plan := p.plan(a)
	contacts := plan.Classes[slices.IndexFunc(plan.Classes, func(c agent.PlanClass) bool { return c.Dataset == departure.Contacts })]
	if contacts.OnlyCloud != 10 {
		t.Errorf("%d contacts are only in the cloud, want 10: %+v", contacts.OnlyCloud, contacts)
	}
	id := p.leave(a, departure.Delete)
	info := p.run(id, departure.StepVerify)
	p.wants(info, departure.BackupOf(departure.Contacts), departure.Pass, "copied")
	for _, name := range p.stage.Account.Contacts("contacts") {
		if !p.copied(info, p.stage.Account.Contact("contacts", name)) {
			t.Errorf("%s is not in the copy", name)
		}
	}

	p.ok(p.stage.Account.EmptyBook("contacts"))
	info = p.run(id, departure.StepTrack)
	fell := p.wants(info, departure.InventoryComplete, departure.Fail, "fell")
	if fell.Ask == nil || fell.Ask.Subject == "" || !strings.Contains(fell.Reason.Text, "30 contacts") {
		t.Fatalf("the drop is not asked about by name: %+v", fell)
	}
	if info.Verdict.Release {
		t.Error("it may be released")
	}
	info = p.ready(id) // says that it is right, and authorises
	p.sha256sum(info)
	for i := range 10 {
		if !p.copied(info, davtest.Card(1000+i)) {
			t.Errorf("contact %d went from the copy with the drop", i)
		}
	}
}
