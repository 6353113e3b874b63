package eds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

// desk is a private session with a client.
type desk struct {
	*sessiontest.Session
	conn   *bus.Conn
	client *Client
	dirs   Dirs
}

func start(t testing.TB) *desk {
	t.Helper()
	sessiontest.Need(t, "/usr/libexec/evolution-source-registry", "evolution-data-server")
	s := sessiontest.Start(t, session.Options{})
	return &desk{Session: s, conn: dial(t, s), client: nil, dirs: Dirs{Data: s.DataHome + "/evolution", Cache: s.CacheHome + "/evolution"}}
}

func dial(t testing.TB, s *sessiontest.Session) *bus.Conn {
	t.Helper()
	conn, err := bus.Open(t.Context(), bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func startClient(t testing.TB, opts Options) *desk {
	t.Helper()
	d := start(t)
	d.client = New(d.conn, opts)
	return d
}

func (d *desk) open(t testing.TB, uid string) *Store {
	t.Helper()
	s, err := d.client.Open(t.Context(), uid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func keys(t testing.TB, s *Store) Listing {
	t.Helper()
	l, err := s.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// create adds items that must all be accepted.
func create(t testing.TB, s *Store, texts ...string) {
	t.Helper()
	made, err := s.Create(t.Context(), texts)
	if err != nil || len(made.Failed) > 0 {
		t.Fatalf("create: %v %v", err, made.Failed)
	}
}

// fetch returns items by UID, all of which must be had.
func fetch(t testing.TB, s *Store, uids ...string) map[string]string {
	t.Helper()
	got := map[string]string{}
	out, err := s.Fetch(t.Context(), uids, func(it Item) error {
		got[it.UID] = it.Data
		return nil
	})
	if err != nil || len(out.Failed) > 0 || out.Got != len(uids) {
		t.Fatalf("fetch: %+v %v", out, err)
	}
	return got
}

func card(i int, more ...string) string {
	return fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:c%d\r\nFN:Name %d\r\nN:%d;Name;;;\r\nEMAIL;TYPE=HOME:n%d@example.org\r\nTEL;TYPE=CELL:+49 30 %d\r\n%sEND:VCARD\r\n",
		i, i, i, i, i, strings.Join(more, ""))
}

func cards(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = card(i)
	}
	return list
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// kill ends a service as a crash would, and waits until the bus knows.
func (d *desk) kill(t testing.TB, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	names, err := d.conn.Names(ctx, false)
	if err != nil {
		t.Error(err)
		return
	}
	for _, name := range names {
		if versionOf(name, service(prefix)) < 0 {
			continue
		}
		var pid uint32
		m := bus.Method{Service: "org.freedesktop.DBus", Path: "/org/freedesktop/DBus", Name: "org.freedesktop.DBus.GetConnectionUnixProcessID"}
		if err := d.conn.Call(ctx, m, []any{name}, &pid); err != nil || pid == 0 {
			t.Errorf("pid of %s: %v", name, err)
			return
		}
		if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		for owned := true; owned; {
			if _, owned, err = d.conn.Owner(ctx, name); err != nil {
				t.Error(err)
				return
			}
		}
	}
}
