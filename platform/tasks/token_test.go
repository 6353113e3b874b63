package tasks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/goa/goatest"
	private "github.com/clearance-project/clearance/platform/session"
)

// tokenDesk is signed in by OAuth 2: GOA hands over a token that the server takes
// until a test says otherwise.
func tokenDesk(t *testing.T) (*desk, *goatest.Daemon) {
	t.Helper()
	d := newDeskIn(t, private.Options{Services: []string{}})
	var err error
	d.server, err = davtest.New(davtest.Options{Users: []davtest.User{{Name: "alice", Token: "token-1"}}})
	must(t, err)
	t.Cleanup(func() { must(t, d.server.Close()) })
	d.account = d.server.User("alice")
	must(t, d.account.Fill(davtest.Content{Contacts: 20, Files: 5}))
	base := d.server.URL() + "remote.php/"
	daemon, err := goatest.Serve(d.session.Conn(t), goatest.Account{
		ID: "account_7_0", Provider: "owncloud", Identity: "alice", Presentation: "alice",
		Contacts: base + "carddav/", Calendar: base + "caldav/", Files: base + "webdav/",
	}, "token-1")
	must(t, err)
	as, err := d.Accounts(t.Context())
	must(t, err)
	if len(as) != 1 {
		t.Fatalf("the accounts are %+v", as)
	}
	d.job.Departure.Account = as[0]
	d.job.Datasets = []departure.Dataset{departure.Contacts, departure.Files}
	return d, daemon
}

// TestTokenIsRenewedByGOA: a token that runs out in the middle of a listing is
// renewed once, by GOA, and the look is whole.
func TestTokenIsRenewedByGOA(t *testing.T) {
	d, daemon := tokenDesk(t)
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete || l.Items != 20 {
		t.Fatalf("%+v", l)
	}
	daemon.OnEnsure(func() error {
		d.account.SetToken("token-2")
		daemon.SetToken("token-2")
		return nil
	})
	var once sync.Once
	out := d.server.Inject(davtest.Fault{Method: "PROPFIND", Depth: "1", Path: "/remote.php/carddav/addressbooks/alice/contacts",
		Before: func() { once.Do(func() { d.account.SetToken("gone") }) }})
	asked, _ := daemon.Calls()
	l := d.look()
	for _, k := range []departure.Dataset{departure.Contacts, departure.Files} {
		if l := listing(t, l, k, true); !l.Complete || l.Items == 0 {
			t.Errorf("%s: %+v", k, l)
		}
	}
	again, proved := daemon.Calls()
	if proved != 1 || again-asked != 2 || out.Fired() < 2 {
		t.Errorf("GOA was asked to renew %d times and for the token %d times; the fault fired %d times", proved, again-asked, out.Fired())
	}
	d.server.Heal()
	d.keptNoToken("token-1", "token-2")
}

// TestTokenThatGOACannotRenew: it is told by name, as what no password helps with.
func TestTokenThatGOACannotRenew(t *testing.T) {
	for name, ensure := range map[string]func() error{
		"refused by the provider": func() error { return errors.New("sign in again") },
		"GOA sees nothing wrong":  func() error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			d, daemon := tokenDesk(t)
			d.account.SetToken("another")
			daemon.OnEnsure(ensure)
			l := listing(t, d.look(), departure.Contacts, true)
			if _, proved := daemon.Calls(); l.Complete || l.Why.Code != "token-refused" || proved != 1 {
				t.Errorf("GOA was asked %d times: %+v", proved, l)
			}
			if strings.Contains(fmt.Sprintf("%+v", l), "token-1") {
				t.Errorf("the token is told: %+v", l)
			}
			d.keptNoToken("token-1")
		})
	}
}

// TestNoPasswordStandsForAToken: after the sign-out the token is in memory alone;
// once it ran out, or the worker began anew, no password is asked for.
func TestNoPasswordStandsForAToken(t *testing.T) {
	d, _ := tokenDesk(t)
	look := d.look()
	if len(look.Bindings) != 1 {
		t.Fatalf("signed in at %+v", look.Bindings)
	}
	b := look.Bindings[0]
	must(t, d.Unbind(t.Context(), d.job, b.ID))
	d.job.Unbound, d.job.Bindings = true, []departure.KnownBinding{{ID: b.ID, Kind: b.Kind, Name: b.Name, Carries: true}}
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete {
		t.Errorf("with the token in memory: %+v", l)
	}
	d.account.SetToken("another")
	if l := listing(t, d.look(), departure.Contacts, true); l.Complete || l.Why.Code != "token-refused" {
		t.Errorf("with one that ran out: %+v", l)
	}
	var blocked *engine.BlockedError
	if err := d.Credential(t.Context(), d.job, "a password"); !errors.As(err, &blocked) || blocked.Remedy.Code != "sign-in" {
		t.Errorf("a password: %v", err)
	}
	d.mu.Lock()
	d.sessions[d.job.Departure.Account.ID].client.Close()
	delete(d.sessions, d.job.Departure.Account.ID)
	d.mu.Unlock()
	if l := listing(t, d.look(), departure.Contacts, true); l.Complete || l.Why.Code != "no-token" || strings.Contains(l.Why.Text, "password") {
		t.Errorf("anew: %+v", l)
	}
}

// keptNoToken looks for tokens in everything that the worker wrote.
func (d *desk) keptNoToken(tokens ...string) {
	d.t.Helper()
	files := 0
	must(d.t, filepath.WalkDir(d.cfg.State, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		b, err := os.ReadFile(at)
		for _, token := range tokens {
			if strings.Contains(string(b), token) {
				d.t.Errorf("%s holds the token", at)
			}
		}
		return err
	}))
	if files == 0 {
		d.t.Error("the worker wrote nothing: nothing was looked through")
	}
}
