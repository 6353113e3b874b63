package tasks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/clock"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	private "github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/watch"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) {
	if err := offerMounts(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot mount for the tests:", err)
		os.Exit(2)
	}
	sessiontest.Main(m, func() error { return goleak.Find() })
}

const password = "correct horse"

// desk is a worker in a private session.
type desk struct {
	*Worker
	t       *testing.T
	session *sessiontest.Session
	bus     *bus.Conn
	job     engine.Job
	server  *davtest.Server
	account *davtest.Account
}

// newDesk starts a session with a worker, and a departure with a destination.
func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskAt(t, clock.Real{})
}

// newDeskAt is a desk with a clock of the test's own, newDeskIn one in a session
// of a kind.
func newDeskAt(t *testing.T, now watch.Clock) *desk {
	t.Helper()
	return startDesk(t, private.Options{}, now)
}

func newDeskIn(t *testing.T, opts private.Options) *desk {
	t.Helper()
	return startDesk(t, opts, clock.Real{})
}

func startDesk(t *testing.T, opts private.Options, now watch.Clock) *desk {
	t.Helper()
	s := sessiontest.Start(t, opts)
	s.Setenv(t)
	b, err := bus.Open(t.Context(), bus.Options{Address: s.BusAddress})
	must(t, err)
	t.Cleanup(b.Close)
	d := &desk{t: t, session: s, bus: b}
	d.Worker, err = New(Config{
		Bus: b, State: filepath.Join(s.StateHome, "clearance"), Clock: now, User: "me", Device: "here",
		Dirs:     xdg.Dirs{Home: s.Home, Config: s.ConfigHome, State: s.StateHome, Data: s.DataHome, Cache: s.CacheHome, Runtime: s.RuntimeDir},
		Provider: provider,
	})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	dest := filepath.Join(s.Root, "copy")
	must(t, os.Mkdir(dest, 0o700))
	d.job = engine.Job{
		Departure:   departure.Departure{ID: "D1", Intent: departure.Delete, Fate: departure.KeptDevice},
		Destination: engine.Destination{Folder: dest},
	}
	return d
}

// provider knows Nextcloud alone.
func provider(_, word, _ string) (string, bool) {
	if word == "owncloud" {
		return "nextcloud", false
	}
	return "", false
}

// declared makes the departure one of an account that is not on this device,
// with folders given.
func (d *desk) declared(given map[departure.Dataset]string) {
	d.t.Helper()
	d.job.Departure.Account = departure.Account{ID: "xiaomi-1", Provider: "xiaomi", Identity: "1926", Name: "1926", Declared: true}
	for dataset, at := range given {
		g, err := d.InspectSource(d.t.Context(), dataset, at, nil)
		must(d.t, err)
		d.job.Given = append(d.job.Given, g)
	}
}

// signIn makes the departure one of an account that is signed in.
func (d *desk) signIn(content davtest.Content, more func(*davtest.Account)) {
	d.t.Helper()
	d.signInAt(davtest.Options{}, content, more)
}

// signInAt signs in at a server of a kind.
func (d *desk) signInAt(opts davtest.Options, content davtest.Content, more func(*davtest.Account)) {
	d.t.Helper()
	sessiontest.Need(d.t, "/usr/libexec/goa-daemon", "gnome-online-accounts")
	sessiontest.Need(d.t, "/usr/libexec/evolution-source-registry", "evolution-data-server")
	var err error
	opts.Users = []davtest.User{{Name: "alice", Password: password}}
	d.server, err = davtest.New(opts)
	must(d.t, err)
	d.t.Cleanup(func() { must(d.t, d.server.Close()) })
	d.account = d.server.User("alice")
	must(d.t, d.account.Fill(content))
	if more != nil {
		more(d.account)
	}
	m := bus.Method{Service: "org.gnome.OnlineAccounts", Path: "/org/gnome/OnlineAccounts/Manager", Name: "org.gnome.OnlineAccounts.Manager.AddAccount"}
	var path dbus.ObjectPath
	must(d.t, d.bus.Call(d.t.Context(), m, []any{"owncloud", "alice", "alice@" + d.server.Addr(),
		map[string]dbus.Variant{"password": dbus.MakeVariant(password)},
		map[string]string{"Uri": d.server.URL(), "ContactsEnabled": "true", "CalendarEnabled": "true", "FilesEnabled": "true", "AcceptSslErrors": "true"}}, &path))
	as, err := d.Accounts(d.t.Context())
	must(d.t, err)
	if len(as) != 1 || as[0].Provider != "nextcloud" || as[0].Identity != "alice@"+d.server.Addr() {
		d.t.Fatalf("the accounts are %+v", as)
	}
	d.job.Departure.Account = as[0]
	d.job.Datasets = []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars, departure.Files}
	d.job.PhotoFolders = []string{"Photos"}
}

func (d *desk) look() departure.Look {
	d.t.Helper()
	l, err := d.Look(d.t.Context(), d.job, quiet)
	must(d.t, err)
	return l
}

// backup copies, and remembers where.
func (d *desk) backup() engine.CopyResult {
	d.t.Helper()
	res, err := d.Backup(d.t.Context(), d.job, quiet)
	must(d.t, err)
	d.job.Destination.BagID, d.job.Destination.Disk = res.BagID, res.Disk
	return res
}

func (d *desk) verify() engine.CopyResult {
	d.t.Helper()
	res, err := d.Verify(d.t.Context(), d.job, time.Time{}, quiet)
	must(d.t, err)
	return res
}

func quiet(engine.Progress) {}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// listing is what a look found of one dataset, by whether it is at the server.
func listing(t testing.TB, l departure.Look, d departure.Dataset, remote bool) departure.Listing {
	t.Helper()
	for _, k := range l.Listings {
		if k.Source.Dataset == d && k.Source.Remote == remote {
			return k
		}
	}
	t.Fatalf("the look has no %s: %+v", d, l.Listings)
	return departure.Listing{}
}
