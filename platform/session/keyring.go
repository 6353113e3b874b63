package session

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName    = "org.freedesktop.secrets"
	secretsPath    = dbus.ObjectPath("/org/freedesktop/secrets")
	secretsService = "org.freedesktop.Secret.Service"
	// keyringUnlock opens a collection by its password and without a prompt. It
	// is gnome-keyring's own and undocumented, so it stays in private sessions.
	keyringUnlock = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword"
)

// secret is the Secret Service's struct (oayays).
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// RestartKeyring kills the keyring and starts it anew: KeyringLocked is one
// that nobody has opened since it started, KeyringNone is none.
func (s *Session) RestartKeyring(ctx context.Context, state KeyringState) error {
	s.mu.Lock()
	old, closed := s.keyring, s.closed
	s.keyring = nil
	s.mu.Unlock()
	if closed {
		return errClosed
	}
	if old != nil {
		if err := old.kill(); err != nil {
			return err
		}
	}
	if state == KeyringNone {
		return nil
	}
	return s.startKeyring(ctx, state == KeyringUnlocked)
}

// startKeyring starts the keyring and returns once its default collection is
// there. Opening it makes that collection where there is none.
func (s *Session) startKeyring(ctx context.Context, open bool) error {
	program, err := find("gnome-keyring-daemon", "gnome-keyring")
	if err != nil {
		return err
	}
	log, err := openLog(s.LogPath, s.opts.As)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, "--foreground", "--components=secrets")
	if open {
		cmd.Args = append(cmd.Args, "--unlock")
		cmd.Stdin = strings.NewReader(s.opts.Password)
	}
	cmd.Env, cmd.Dir = s.Env(), s.Home
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes(s.opts.As)
	p, err := spawn(cmd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.keyring = p
	s.all = append(s.all, p)
	s.mu.Unlock()
	if _, err := s.awaitCollection(ctx, p); err != nil {
		return fmt.Errorf("cannot start the keyring (its log is %s): %w", s.LogPath, err)
	}
	return nil
}

// awaitCollection waits until the Secret Service has a default collection.
func (s *Session) awaitCollection(ctx context.Context, p *process) (dbus.ObjectPath, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	conn, err := s.Dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	tick := time.NewTicker(censusGap)
	defer tick.Stop()
	for {
		path, err := defaultCollection(ctx, conn)
		if err == nil {
			return path, nil
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(ctx.Err(), err)
		case <-p.done:
			return "", fmt.Errorf("the keyring ended: %w", err)
		case <-tick.C:
		}
	}
}

func defaultCollection(ctx context.Context, conn *dbus.Conn) (dbus.ObjectPath, error) {
	var path dbus.ObjectPath
	call := conn.Object(secretsName, secretsPath).CallWithContext(ctx, secretsService+".ReadAlias", dbus.FlagNoAutoStart, "default")
	if err := call.Store(&path); err != nil {
		return "", fmt.Errorf("cannot find the default collection: %w", err)
	}
	if path == "/" {
		return "", errors.New("cannot find the default collection: there is none")
	}
	return path, nil
}

// LockKeyring locks the default collection.
func (s *Session) LockKeyring(ctx context.Context) error {
	return s.withCollection(ctx, func(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) error {
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		call := conn.Object(secretsName, secretsPath).CallWithContext(ctx, secretsService+".Lock", 0, []dbus.ObjectPath{path})
		if err := call.Store(&locked, &prompt); err != nil {
			return fmt.Errorf("cannot lock the keyring: %w", err)
		}
		if len(locked) != 1 {
			return errors.New("cannot lock the keyring: it asks for a prompt")
		}
		return nil
	})
}

// UnlockKeyring opens the default collection with the session's password.
func (s *Session) UnlockKeyring(ctx context.Context) error {
	return s.withCollection(ctx, func(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) error {
		object := conn.Object(secretsName, secretsPath)
		var output dbus.Variant
		var session dbus.ObjectPath
		call := object.CallWithContext(ctx, secretsService+".OpenSession", 0, "plain", dbus.MakeVariant(""))
		if err := call.Store(&output, &session); err != nil {
			return fmt.Errorf("cannot unlock the keyring: %w", err)
		}
		master := secret{Session: session, Value: []byte(s.opts.Password), ContentType: "text/plain"}
		if err := object.CallWithContext(ctx, keyringUnlock, 0, path, master).Err; err != nil {
			return fmt.Errorf("cannot unlock the keyring: %w", err)
		}
		return nil
	})
}

func (s *Session) withCollection(ctx context.Context, do func(context.Context, *dbus.Conn, dbus.ObjectPath) error) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	conn, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	path, err := defaultCollection(ctx, conn)
	if err != nil {
		return err
	}
	return do(ctx, conn, path)
}
