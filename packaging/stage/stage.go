// Package stage sets up everything around the agent for the demo, the
// end-to-end tests and the benchmarks: a private desktop session with a real
// keyring, goa-daemon and evolution-data-server, a private system bus with the
// reference Find My Device, and a Nextcloud-shaped server on loopback.
//
// It imports platform's session, adapters and test server, and nothing imports
// it outside packaging. What it starts it stops; it reaches no account, keyring
// or bus of whoever runs it.
package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session"
)

// Options of a stage.
type Options struct {
	// Root holds everything; it is made, and kept by Close.
	Root string
	// As is the user of the session; nil: the caller, who then is not root.
	As *session.Credential
	// Bin is the folder with clearanced, clearance, devicesim and relay.
	Bin string
	// User and Password are those of the account at the server.
	User, Password string
	// Device: the reference Find My Device runs, and is on. It needs root.
	Device bool
	// Keyring is the state in which the keyring starts.
	Keyring session.KeyringState
}

// Stage is a stage that stands.
type Stage struct {
	Options
	Session *session.Session
	System  *session.SystemBus
	Server  *davtest.Server
	Account *davtest.Account

	agent   *process
	relay   *process
	closers []func() error
}

// Start sets the stage up: buses, keyring and server; no account is signed in
// and no agent runs yet.
func Start(ctx context.Context, o Options) (_ *Stage, err error) {
	s := &Stage{Options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.Bin, err = public(o.Root, o.Bin); err != nil {
		return nil, err
	}
	if s.System, err = session.PrivateSystemBus(ctx, session.SystemOptions{Root: filepath.Join(o.Root, "system")}); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.System.Close)
	s.Session, err = session.Private(ctx, session.Options{Root: filepath.Join(o.Root, "s"), As: o.As, SystemBus: s.System.Address, Keyring: o.Keyring})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Session.Close)
	if s.Server, err = davtest.New(davtest.Options{Users: []davtest.User{{Name: o.User, Password: o.Password}}}); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Server.Close)
	s.Account = s.Server.User(o.User)
	return s, nil
}

// public copies the programs to where the session's user can read them.
func public(root, bin string) (string, error) {
	to := filepath.Join(root, "bin")
	if err := os.Mkdir(to, 0o755); err != nil {
		return "", err
	}
	if err := os.CopyFS(to, os.DirFS(bin)); err != nil {
		return "", fmt.Errorf("cannot copy the programs: %w", err)
	}
	return to, nil
}

// Identity is the account's name as the agent knows it.
func (s *Stage) Identity() string { return s.User + "@" + s.Server.Addr() }

// SignIn adds the account to goa-daemon, as its settings page does, and returns
// its object path.
func (s *Stage) SignIn(ctx context.Context) (dbus.ObjectPath, error) {
	conn, err := s.Session.Dial(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // everything was answered
	var path dbus.ObjectPath
	err = conn.Object("org.gnome.OnlineAccounts", "/org/gnome/OnlineAccounts/Manager").
		CallWithContext(ctx, "org.gnome.OnlineAccounts.Manager.AddAccount", 0, "owncloud", s.User, s.Identity(),
			map[string]dbus.Variant{"password": dbus.MakeVariant(s.Password)},
			map[string]string{"Uri": s.Server.URL(), "ContactsEnabled": "true", "CalendarEnabled": "true", "FilesEnabled": "true", "AcceptSslErrors": "true"}).
		Store(&path)
	if err != nil {
		return "", fmt.Errorf("cannot sign in: %w", err)
	}
	return path, nil
}

// TurnDeviceOn starts the reference Find My Device for the account, on. The
// person of the session is its single owner; their password is checked at the
// server.
func (s *Stage) TurnDeviceOn(ctx context.Context) error {
	uid := os.Getuid()
	if s.As != nil {
		uid = int(s.As.UID)
	}
	cmd := exec.Command(filepath.Join(s.Bin, "devicesim"), "--address", s.System.Address, "--vendor", "Demo",
		"--provider", "nextcloud", "--account", s.Identity(), "--owner-uid", strconv.Itoa(uid),
		"--check-url", s.Server.URL()+"remote.php/webdav/", "--check-user", s.User,
		"--state-file", filepath.Join(s.Root, "device-state"))
	p, err := launch(cmd, filepath.Join(s.Root, "device.log"))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, p.stop)
	return s.waitDevice(ctx)
}

func (s *Stage) waitDevice(ctx context.Context) error {
	conn, err := bus.Open(ctx, bus.Options{Address: s.System.Address})
	if err != nil {
		return err
	}
	defer conn.Close()
	return until(ctx, func() (bool, error) {
		_, ok, err := conn.OwnerUID(ctx, "org.clearance.FindMyDevice1.Demo")
		return ok, err
	})
}

// Socket is where the agent listens.
func (s *Stage) Socket() string {
	return filepath.Join(s.Session.RuntimeDir, "clearance", "agent.sock")
}

// StartAgent runs clearanced --user in the session and returns once it serves.
func (s *Stage) StartAgent(ctx context.Context, more ...string) error {
	cmd := s.Session.Command(context.Background(), filepath.Join(s.Bin, "clearanced"), append([]string{"--user"}, more...)...)
	p, err := launch(cmd, filepath.Join(s.Root, "agent.log"))
	if err != nil {
		return err
	}
	s.agent = p
	s.closers = append(s.closers, p.stop)
	c, err := s.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return until(ctx, func() (bool, error) {
		if err := p.ended(); err != nil {
			return false, err
		}
		_, err := c.Version(ctx)
		return err == nil, nil
	})
}

// StopAgent ends the agent as a service manager does.
func (s *Stage) StopAgent() error { return s.agent.stop() }

// KillAgent ends the agent as a power cut does.
func (s *Stage) KillAgent() error { return s.agent.kill() }

// Agent is the agent's process id.
func (s *Stage) Agent() int { return s.agent.cmd.Process.Pid }

// Clearance prepares the command line of the session's person.
func (s *Stage) Clearance(ctx context.Context, args ...string) *exec.Cmd {
	return s.Session.Command(ctx, filepath.Join(s.Bin, "clearance"), args...)
}

// Close stops everything that the stage started, the last first.
func (s *Stage) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// until tries check every 20 ms until it holds or ctx ends.
func until(ctx context.Context, check func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := check()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not come up: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
