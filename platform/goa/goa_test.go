package goa

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

const password = "correct horse"

// device is a private session with real services, and a client of its GOA.
type device struct {
	*sessiontest.Session
	*Client
	bus     *bus.Conn
	secrets *secrets.Client
	server  *httptest.Server

	refused atomic.Bool
	held    atomic.Pointer[chan struct{}] // asks are told here, and not answered
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// newDevice starts a session and, beside it, a server that accepts alice.
func newDevice(t *testing.T, opts session.Options) *device {
	t.Helper()
	sessiontest.Need(t, "/usr/libexec/goa-daemon", "gnome-online-accounts")
	sessiontest.Need(t, "/usr/libexec/evolution-source-registry", "evolution-data-server")
	s := sessiontest.Start(t, opts)
	b, err := bus.Open(limit(t), bus.Options{Address: s.BusAddress, MinWait: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	keyring := secrets.New(b)
	d := &device{Session: s, bus: b, secrets: keyring, Client: New(b, keyring, s.ConfigHome)}
	d.server = httptest.NewServer(http.HandlerFunc(d.serve))
	t.Cleanup(d.server.Close)
	return d
}

// refuse has the server refuse alice's password from now on.
func (d *device) refuse() { d.refused.Store(true) }

// hold has the server answer nothing from now on, and returns a channel that
// says when it was asked.
func (d *device) hold(t *testing.T) <-chan struct{} {
	t.Helper()
	asked := make(chan struct{}, 16)
	d.held.Store(&asked)
	return asked
}

// serve has as much of Nextcloud's shape as GOA asks for.
func (d *device) serve(w http.ResponseWriter, r *http.Request) {
	if asked := d.held.Load(); asked != nil {
		select {
		case *asked <- struct{}{}:
		default:
		}
		<-r.Context().Done() // until GOA is gone
		return
	}
	user, pass, ok := r.BasicAuth()
	if d.refused.Load() || !ok || user != "alice" || pass != password {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodGet || r.URL.Path != "/remote.php/webdav/" {
		w.WriteHeader(http.StatusNotFound)
	}
}

func (d *device) signIn(t *testing.T) Account {
	t.Helper()
	a, err := d.Add(limit(t), Addition{
		Provider: "owncloud", Identity: "alice", Presentation: "alice@cloud.example",
		Password: secrets.NewSecret(password), URI: d.server.URL + "/",
		Contacts: true, Calendar: true, Files: true, AcceptSSLErrors: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// heard collects GOA's events.
type heard struct {
	mu     sync.Mutex
	events []string
	news   chan struct{}
}

func (d *device) watch(t *testing.T) *heard {
	t.Helper()
	h := &heard{news: make(chan struct{}, 1)}
	sub, err := d.Watch(func(e Event) {
		h.mu.Lock()
		h.events = append(h.events, fmt.Sprint(e.Change, " ", e.ID))
		h.mu.Unlock()
		select {
		case h.news <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Close)
	return h
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.events...)
}

func (h *heard) await(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	for {
		for _, e := range h.all() {
			if e == want {
				return
			}
		}
		select {
		case <-h.news:
		case <-ctx.Done():
			t.Fatalf("never heard %q; heard %q", want, h.all())
		}
	}
}
