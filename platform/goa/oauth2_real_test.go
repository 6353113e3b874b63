package goa

import (
	"errors"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session"
)

// TestOAuth2ByGOA: the real goa-daemon holds an account with OAuth 2. It gives out
// the token that it has, refreshes one that ran out or that the server refuses, and
// says when it cannot; and the account with its tokens goes as any other.
func TestOAuth2ByGOA(t *testing.T) {
	g := serveGoogle(t, "access-0")
	d := newDevice(t, session.Options{
		ServiceDirs: []string{g.service(t), "/usr/share/dbus-1/services"},
		Env:         []string{"GIO_USE_PROXY_RESOLVER=libproxy", "https_proxy=" + g.proxy},
	})
	ctx := limit(t)
	signIn := func(user string, holds time.Duration) Account {
		t.Helper()
		var path dbus.ObjectPath
		m := bus.Method{Service: Service, Path: managerPath, Name: managerIface + ".AddAccount", Timeout: networkWait}
		err := d.bus.Call(ctx, m, []any{"google", user, user, map[string]dbus.Variant{
			"access_token": dbus.MakeVariant("access-0"), "refresh_token": dbus.MakeVariant("refresh-1"),
			"access_token_expires_at": dbus.MakeVariant(time.Now().Add(holds).UnixMicro()),
		}, map[string]string{"CalendarEnabled": "true", "ContactsEnabled": "true"}}, &path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range l.Accounts {
			if a.Path == path {
				return a
			}
		}
		t.Fatalf("the account is not listed: %+v", l)
		return Account{}
	}
	token := func(a Account, want string) {
		t.Helper()
		got, err := d.Credentials(ctx, a)
		if err != nil || got.Token.Reveal() != want || got.Expires <= 0 || got.Expires > time.Hour {
			t.Errorf("the token is not %s: %+v, %v", want, got, err)
		}
	}

	a := signIn("alice@gmail.com", time.Hour)
	if !a.OAuth2 || a.Password || a.Provider != "google" {
		t.Errorf("%+v", a)
	}
	token(a, "access-0")
	if n := g.refreshes(); n != 0 {
		t.Errorf("a token that holds was refreshed %d times", n)
	}
	g.set("gone", false)
	if err := d.EnsureCredentials(ctx, a); err != nil {
		t.Errorf("a token that the server refuses: %v", err)
	}
	token(a, "access-1")
	g.set("gone", true)
	if err := d.EnsureCredentials(ctx, a); !errors.Is(err, ErrNotAuthorized) {
		t.Errorf("a token that is refused for good: %v", err)
	}
	if err := d.Remove(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if back := d.ReadBack(ctx, a.Provider, a.ID); len(back.Leftovers) > 0 || back.Err() != nil {
		t.Errorf("after the sign-out: %+v", back)
	}

	g.set("", false)
	token(signIn("alice@gmail.com", -time.Hour), "access-2")
}
