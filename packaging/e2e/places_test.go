package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// TestEveryPlaceOfAnAccount: one account is signed in with online accounts, in an
// address book set up by hand, in the keyring for other programs, and in git's
// file of passwords. The plan shows all with what vanishes; leaving removes those
// that are ours and guides for the other; it is ready only once everything is
// gone, and not any more when one is set up again.
func TestEveryPlaceOfAnAccount(t *testing.T) {
	p := start(t, davtest.Content{Contacts: 7, Events: 2})
	p.signIn()
	hand := p.setUpByHand()
	p.keepPassword()
	file := filepath.Join(p.stage.Session.Home, ".git-credentials")
	p.ok(os.WriteFile(file, fmt.Appendf(nil, "http://%s:%s@%s\nhttps://%s:x@git.example\n", user, password, p.stage.Server.Addr(), user), 0o600))
	p.own(file)
	p.agent()
	account := p.account()

	book := departure.Vanishing{What: "address book", Items: 7}
	var plan *agent.PlanReport
	p.eventually("the address books on the device", func() bool {
		plan = p.plan(account)
		return goesWith(plan.Bindings, "goa", book) && goesWith(plan.Bindings, "eds", book)
	})
	if kinds := kindsOf(plan.Bindings); !slices.Equal(kinds, []string{"eds", "git-credential", "goa", "keyring"}) {
		t.Errorf("the account is signed in at %q: %+v", kinds, plan.Bindings)
	}
	if !goesWith(plan.Bindings, "goa", departure.Vanishing{What: "calendar", Items: 2}) {
		t.Errorf("the calendar is not among what goes: %+v", plan.Bindings)
	}
	for _, b := range plan.Bindings {
		if b.Guided != (b.Kind == "git-credential") || b.State != departure.BindingPresent {
			t.Errorf("it is %+v", b)
		}
	}

	id := p.leave(account, departure.Delete)
	info := p.walk(id, func(i agent.DepartureInfo) bool {
		return slices.Equal(present(i), []string{"git-credential"})
	})
	c := p.wants(info, departure.BindingsRemoved, departure.Fail, "by-hand")
	if c.Remedy == nil || !strings.Contains(c.Remedy.Text, file) {
		t.Errorf("what to do by hand is %+v", c.Remedy)
	}
	if len(info.Acts) != 3 || len(p.accounts()) != 0 || p.passwords(hand) != "" {
		t.Errorf("acts %+v, accounts %v, passwords %q", info.Acts, p.accounts(), p.passwords(hand))
	}
	if permit, err := p.ask(id); err == nil {
		t.Errorf("a permit was given while git has the password: %+v", permit)
	}
	if other := p.search("server", "git.example"); other != "" {
		t.Errorf("the keyring has %q", other)
	}

	p.ok(os.WriteFile(file, []byte("https://alice:x@git.example\n"), 0o600))
	info = p.ready(id)
	p.wants(info, departure.BindingsRemoved, departure.Pass, "signed-out")
	if n := len(info.Bindings); n != 4 {
		t.Errorf("%d sign-ins are known: %+v", n, info.Bindings)
	}
	permit := p.permit(id)

	p.setUpByHand()
	info = p.until("it is said that it came back", id, func(i agent.DepartureInfo) bool { return i.Live == agent.LiveStop && len(present(i)) > 0 })
	p.wants(info, departure.BindingsRemoved, departure.Fail, "came-back")
	if r, err := p.redeem(permit.ID); err == nil {
		t.Errorf("a permit of before was redeemed: %+v", r)
	}
}

// present are the kinds of the places where the account still is.
func present(i agent.DepartureInfo) (kinds []string) {
	for _, b := range i.Bindings {
		if b.State != departure.BindingGone {
			kinds = append(kinds, b.Kind)
		}
	}
	return kinds
}

func kindsOf(bs []departure.Binding) (kinds []string) {
	for _, b := range bs {
		kinds = append(kinds, b.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// goesWith reports whether a thing of so many items goes with a kind of sign-in.
func goesWith(bs []departure.Binding, kind string, what departure.Vanishing) bool {
	return slices.ContainsFunc(bs, func(b departure.Binding) bool {
		return b.Kind == kind && slices.ContainsFunc(b.Goes, func(v departure.Vanishing) bool { return v.What == what.What && v.Items == what.Items })
	})
}

// setUpByHand makes an address book of the account as Evolution's own dialog does.
func (p *person) setUpByHand() (uid string) { return p.bookByHand(user) }

// bookByHand makes one of a user at the account's server.
func (p *person) bookByHand(who string) (uid string) {
	p.t.Helper()
	host, port, _ := strings.Cut(p.stage.Server.Addr(), ":")
	uid = strings.ToLower(rand.Text())
	data := fmt.Sprintf("[Data Source]\nDisplayName=Work\nEnabled=true\nParent=carddav-stub\n[Address Book]\nBackendName=carddav\n"+
		"[Authentication]\nHost=%s\nMethod=plain/password\nPort=%s\nUser=%s\nRememberPassword=true\n[Security]\nMethod=none\n"+
		"[WebDAV Backend]\nResourcePath=/remote.php/dav/addressbooks/users/%s/contacts/\n", host, port, who, user)
	p.store("Evolution Data Source Work", "xdg:schema", "org.gnome.Evolution.Data.Source", "e-source-uid", uid, "eds-origin", "evolution-data-server")
	conn, err := p.stage.Session.Dial(p.t.Context())
	p.ok(err)
	defer func() { p.ok(conn.Close()) }()
	_, manager := p.sources(conn)
	p.ok(manager.Call("org.gnome.evolution.dataserver.SourceManager.CreateSources", 0, map[string]string{uid: data}).Err)
	return uid
}

// sources is evolution-data-server's list of sources.
func (p *person) sources(conn *dbus.Conn) (service string, manager dbus.BusObject) {
	p.t.Helper()
	var names []string
	p.ok(conn.BusObject().Call("org.freedesktop.DBus.ListActivatableNames", 0).Store(&names))
	i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "org.gnome.evolution.dataserver.Sources") })
	if i < 0 {
		p.t.Fatal("evolution-data-server is not installed")
	}
	return names[i], conn.Object(names[i], "/org/gnome/evolution/dataserver/SourceManager")
}

// keepPassword keeps the account's password as a file manager does.
func (p *person) keepPassword() {
	p.t.Helper()
	host, port, _ := strings.Cut(p.stage.Server.Addr(), ":")
	p.store("the cloud", "xdg:schema", "org.gnome.keyring.NetworkPassword", "user", user, "server", host, "port", port, "protocol", "dav")
}

func (p *person) store(label string, attributes ...string) {
	p.t.Helper()
	c := p.stage.Session.Command(p.t.Context(), "secret-tool", append([]string{"store", "--label=" + label}, attributes...)...)
	c.Stdin = strings.NewReader(password)
	if out, err := c.CombinedOutput(); err != nil {
		p.t.Fatalf("cannot keep a password: %v: %s", err, out)
	}
}

// passwords are what the keyring has of the account's places.
func (p *person) passwords(uid string) string {
	p.t.Helper()
	host, _, _ := strings.Cut(p.stage.Server.Addr(), ":")
	return p.search("e-source-uid", uid) + p.search("server", host)
}

func (p *person) search(attributes ...string) string {
	p.t.Helper()
	// Nothing found is an exit status of 1, with nothing said.
	out, _ := p.stage.Session.Command(p.t.Context(), "secret-tool", append([]string{"search", "--all"}, attributes...)...).Output()
	return string(out)
}
