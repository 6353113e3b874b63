package sessiontest

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/session"
)

// startLimit bounds the start of a session, which takes about 0.2 s.
const startLimit = 60 * time.Second

// logTail is how much of the session's log a failed test shows, in bytes.
const logTail = 8 << 10

// Session is a private session that ends with its test.
type Session struct {
	*session.Session
}

// Start starts a private session for the test. When the test ends, all that
// the session started is ended and its folder removed; where the test failed,
// the end of the session's log is shown. With Options.As unset the session runs
// as the user of the test.
func Start(t testing.TB, opts session.Options) *Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	s, err := session.Private(ctx, opts)
	if err != nil {
		refuse(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the session's log:\n%s", tail(s.LogPath))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Session{Session: s}
}

// Block locks the keyring, for a rig of bindingtest; the answer unlocks it.
func (s *Session) Block(ctx context.Context, t *testing.T) (unblock func()) {
	t.Helper()
	if err := s.LockKeyring(ctx); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := s.UnlockKeyring(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// StartSystemBus starts a private system bus for the test.
func StartSystemBus(t testing.TB, opts session.SystemOptions) *session.SystemBus {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	b, err := session.PrivateSystemBus(ctx, opts)
	if err != nil {
		refuse(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the system bus's log:\n%s", tail(b.LogPath))
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// refuse ends a test that cannot have its session.
func refuse(t testing.TB, err error) {
	t.Helper()
	var missing *session.MissingError
	switch {
	case errors.Is(err, session.ErrRoot):
		t.Fatal(err, "(give the package a TestMain that calls sessiontest.Main)")
	case errors.As(err, &missing) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Need fails or skips the test where a program is not installed; pkg is the
// Debian package that has it. The program is a name in PATH or an absolute
// path.
func Need(t testing.TB, program, pkg string) {
	t.Helper()
	if err := session.Need(program, pkg); err != nil {
		refuse(t, err)
	}
}

// Conn opens a connection to the session bus that is closed when the test ends.
func (s *Session) Conn(t testing.TB) *dbus.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := s.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The bus may be gone by now, and that is what the test wanted.
		_ = conn.Close()
	})
	return conn
}

// Setenv sets the session's environment for the test's own process, for code
// that asks the environment. Such a test cannot run in parallel.
func (s *Session) Setenv(t testing.TB) {
	t.Helper()
	for _, entry := range s.Env() {
		setenv(t, entry)
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(text) > logTail {
		text = text[len(text)-logTail:]
	}
	return string(text)
}
