package goa

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/goa/goatest"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// TestOAuth2Account: the client against a stand-in, whose answers a test chooses;
// TestOAuth2ByGOA has the real daemon.
func TestOAuth2Account(t *testing.T) {
	s := sessiontest.Start(t, session.Options{Services: []string{}})
	daemon, err := goatest.Serve(s.Conn(t), goatest.Account{ID: "account_7_0", Provider: "google", Identity: "alice@example.org",
		Presentation: "alice", Contacts: "https://dav.example/"}, "first")
	if err != nil {
		t.Fatal(err)
	}
	ctx := limit(t)
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c := New(b, secrets.New(b), s.ConfigHome)
	a, err := c.Find(ctx, "account_7_0")
	if err != nil || !a.OAuth2 || a.Password || a.Contacts != "https://dav.example/" || a.Calendar != "" {
		t.Fatalf("%+v, %v", a, err)
	}
	got, err := c.Credentials(ctx, a)
	if err != nil || got.Token.Reveal() != "first" || !got.Password.Empty() || got.Expires != time.Hour || got.User != "alice@example.org" {
		t.Errorf("%v, %v", got, err)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", got, got, got), "first") {
		t.Error("the token is printed")
	}
	daemon.SetToken("second")
	if err := c.EnsureCredentials(ctx, a); err != nil {
		t.Error(err)
	}
	if got, err := c.Credentials(ctx, a); err != nil || got.Token.Reveal() != "second" {
		t.Errorf("%v, %v", got, err)
	}
	daemon.OnEnsure(func() error { return errors.New("sign in again") })
	if err := c.EnsureCredentials(ctx, a); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("refused by the provider: %v", err)
	}
	if asked, proved := daemon.Calls(); asked != 2 || proved != 2 {
		t.Errorf("asked %d times, proved %d times", asked, proved)
	}
	if err := s.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Credentials(ctx, a); !errors.Is(err, ErrKeyringLocked) {
		t.Errorf("with a locked keyring: %v", err)
	}
}
