package session_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

func context30(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func accounts(ctx context.Context, conn *dbus.Conn) error {
	return conn.Object("org.gnome.OnlineAccounts", "/org/gnome/OnlineAccounts").
		CallWithContext(ctx, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", 0).Err
}

func collectionLocked(ctx context.Context, t *testing.T, conn *dbus.Conn) bool {
	t.Helper()
	var path dbus.ObjectPath
	service := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	if err := service.CallWithContext(ctx, "org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&path); err != nil {
		t.Fatal(err)
	}
	var locked bool
	collection := conn.Object("org.freedesktop.secrets", path)
	if err := collection.StoreProperty("org.freedesktop.Secret.Collection.Locked", &locked); err != nil {
		t.Fatal(err)
	}
	return locked
}

func TestSessionServesAccountsAndEndsEverything(t *testing.T) {
	sessiontest.Need(t, "/usr/libexec/goa-daemon", "gnome-online-accounts")
	ctx := context30(t)
	s, err := session.Private(ctx, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = s.Close() // The test has failed already.
		}
	}()
	conn, err := s.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := accounts(ctx, conn); err != nil {
		t.Fatal(err)
	}
	if collectionLocked(ctx, t, conn) {
		t.Error("the keyring is locked")
	}
	if got := session.Census(s.Mark()); len(got) < 2 {
		t.Errorf("census found %v; want the bus and the accounts service at least", got)
	}
	closed = true
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := session.Census(s.Mark()); len(got) != 0 {
		t.Errorf("processes %v outlived the session", got)
	}
	if _, err := os.Stat(s.Root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the session's folder is still there: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := s.StartBus(ctx); err == nil {
		t.Error("a closed session started a bus")
	}
}

func TestKeyringStates(t *testing.T) {
	ctx := context30(t)
	t.Run("locked", func(t *testing.T) {
		s := sessiontest.Start(t, session.Options{Keyring: session.KeyringLocked})
		conn := s.Conn(t)
		if !collectionLocked(ctx, t, conn) {
			t.Fatal("the keyring is unlocked")
		}
		if err := s.UnlockKeyring(ctx); err != nil {
			t.Fatal(err)
		}
		if collectionLocked(ctx, t, conn) {
			t.Error("the keyring is locked after UnlockKeyring")
		}
		if err := s.LockKeyring(ctx); err != nil {
			t.Fatal(err)
		}
		if !collectionLocked(ctx, t, conn) {
			t.Error("the keyring is unlocked after LockKeyring")
		}
		for _, state := range []session.KeyringState{session.KeyringUnlocked, session.KeyringLocked} {
			if err := s.RestartKeyring(ctx, state); err != nil {
				t.Fatal(err)
			}
			if got, want := collectionLocked(ctx, t, conn), state == session.KeyringLocked; got != want {
				t.Errorf("the keyring that was started anew: locked %v, want %v", got, want)
			}
		}
	})
	t.Run("none", func(t *testing.T) {
		s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone})
		err := s.Conn(t).Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
			CallWithContext(ctx, "org.freedesktop.DBus.Peer.Ping", 0).Err
		var refused dbus.Error
		if !errors.As(err, &refused) || refused.Name != "org.freedesktop.DBus.Error.ServiceUnknown" {
			t.Errorf("the Secret Service answers %v; want ServiceUnknown", err)
		}
	})
}

func TestBusComesBackAtTheSameAddress(t *testing.T) {
	ctx := context30(t)
	s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone})
	first := s.Conn(t)
	if err := s.StopBus(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Context().Done():
	case <-ctx.Done():
		t.Fatal("the connection outlived its bus")
	}
	if _, err := s.Dial(ctx); err == nil {
		t.Fatal("a stopped bus answers")
	}
	if err := s.StartBus(ctx); err != nil {
		t.Fatal(err)
	}
	if names := s.Conn(t).Names(); len(names) == 0 {
		t.Error("the bus that was started again gave no name")
	}
}

func TestCommandSeesTheSessionAlone(t *testing.T) {
	t.Setenv("SECRET_OF_THE_CALLER", "x")
	s := sessiontest.Start(t, session.Options{
		Keyring: session.KeyringNone,
		Env:     []string{"GREETING=hello", "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus", "HOME=/root"},
	})
	out, err := s.Command(context30(t), "env").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	if _, ok := env["SECRET_OF_THE_CALLER"]; ok {
		t.Error("the caller's environment reaches the session")
	}
	for name, want := range map[string]string{
		"GREETING": "hello", "HOME": s.Home, "DBUS_SESSION_BUS_ADDRESS": s.BusAddress,
		"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + filepath.Join(s.RuntimeDir, "no-system-bus"),
	} {
		if env[name] != want {
			t.Errorf("%s=%q, want %q", name, env[name], want)
		}
	}
	once := map[string]bool{}
	for _, entry := range s.Env() {
		name, _, _ := strings.Cut(entry, "=")
		if once[name] {
			t.Errorf("%s is set twice: which one counts is the program's choice", name)
		}
		once[name] = true
	}
	for _, dir := range []string{s.Home, s.RuntimeDir, s.ConfigHome, s.StateHome} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want mode 0700", dir, info.Mode(), err)
		}
	}
}

func TestRootMustNameAUser(t *testing.T) {
	_, err := session.Private(context30(t), session.Options{As: &session.Credential{}})
	if !errors.Is(err, session.ErrRoot) {
		t.Errorf("a session as root: %v, want ErrRoot", err)
	}
	other := &session.Credential{UID: uint32(os.Geteuid()) + 1, GID: 1}
	if _, err := session.Private(context30(t), session.Options{As: other}); err == nil {
		t.Error("an unprivileged caller started a session of another user")
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := session.Private(context30(t), session.Options{})
	var missing *session.MissingError
	if !errors.As(err, &missing) || missing.Program != "dbus-daemon" {
		t.Errorf("got %v, want a MissingError for dbus-daemon", err)
	}
}

func TestLongRootIsRefused(t *testing.T) {
	root := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if _, err := session.Private(context30(t), session.Options{Root: root}); err == nil || !strings.Contains(err.Error(), "107 bytes") {
		t.Errorf("got %v, want a refusal that names the limit", err)
	}
}

func TestGivenRootIsKept(t *testing.T) {
	root, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	s, err := session.Private(context30(t), session.Options{Root: root, Keyring: session.KeyringNone})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "home")); err != nil {
		t.Errorf("Close removed the caller's folder: %v", err)
	}
}

func TestSystemBusLetsOwnersAloneOwn(t *testing.T) {
	ctx := context30(t)
	own := func(b *session.SystemBus) error {
		conn, err := b.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = conn.RequestName("org.clearance.Test", dbus.NameFlagDoNotQueue)
		return err
	}
	if err := own(sessiontest.StartSystemBus(t, session.SystemOptions{})); err != nil {
		t.Errorf("the caller may not own a name: %v", err)
	}
	err := own(sessiontest.StartSystemBus(t, session.SystemOptions{Owners: []uint32{0}}))
	var refused dbus.Error
	if !errors.As(err, &refused) || refused.Name != "org.freedesktop.DBus.Error.AccessDenied" {
		t.Errorf("owning a name as uid %s: %v, want AccessDenied", strconv.Itoa(os.Geteuid()), err)
	}
}
