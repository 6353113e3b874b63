package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// KeyringState is the state in which a private session's keyring starts.
type KeyringState int

const (
	// KeyringUnlocked gives the session an unlocked default collection.
	KeyringUnlocked KeyringState = iota
	// KeyringLocked gives it a default collection that is locked, as a phone
	// with automatic login has.
	KeyringLocked
	// KeyringNone gives it no Secret Service at all, and none can be activated.
	KeyringNone
)

// Options says what a private session is made of. The zero value is a session
// of the calling user in a temporary folder with an unlocked keyring.
type Options struct {
	// Root is the folder that holds everything of the session. It is made where
	// it is missing and kept by Close. Empty: a temporary folder, removed by
	// Close. Keep it short: socket paths below it are limited to 107 bytes.
	Root string
	// As is the user that the session's processes run as. Nil: the caller, who
	// then must not be root.
	As *Credential
	// Keyring is the state in which the keyring starts.
	Keyring KeyringState
	// Password opens the keyring's default collection. Empty: DefaultPassword.
	Password string
	// Services are patterns (path.Match) for the names of D-Bus service files
	// that the bus may activate. Nil: DefaultServices; an empty list: none.
	Services []string
	// ServiceDirs are searched for those files. Nil: the system's folders.
	ServiceDirs []string
	// SystemBus is the address that the session's processes take for the system
	// bus, such as the one of a SystemBus. Empty: one that refuses everybody.
	SystemBus string
	// Env are further NAME=VALUE entries for the session's processes. They
	// cannot replace those that keep the session private.
	Env []string
}

// DefaultPassword opens the keyring of a session whose Options name no other.
const DefaultPassword = "private session"

// DefaultServices returns the patterns of the service files that a session may
// activate when Options name no others: accounts, their data and sign-on.
func DefaultServices() []string {
	return []string{
		"org.gnome.OnlineAccounts.service",
		"org.gnome.Identity.service",
		"org.gnome.evolution.dataserver.*.service",
		"com.google.code.AccountsSSO.*.service",
		"com.nokia.SingleSignOn*.service",
	}
}

// Session is a running private session. Its methods may be called from any
// goroutine.
type Session struct {
	// Root holds everything; Home, RuntimeDir and the rest lie below it.
	Root, Home, RuntimeDir                     string
	ConfigHome, DataHome, CacheHome, StateHome string
	// BusAddress is the D-Bus address of the session bus. It stays the same when
	// the bus is stopped and started again.
	BusAddress string
	// LogPath is the file that the session's processes write to.
	LogPath string

	opts    Options
	mark    string
	made    bool
	mu      sync.Mutex
	bus     *process
	keyring *process
	all     []*process
	closed  bool
}

// Private starts a session and returns once its bus answers and its keyring is
// in the state asked for. The context bounds the start alone; Close ends the
// session. A missing program is a *MissingError.
func Private(ctx context.Context, opts Options) (*Session, error) {
	if err := checkUser(opts.As); err != nil {
		return nil, err
	}
	if opts.Password == "" {
		opts.Password = DefaultPassword
	}
	s := &Session{opts: opts}
	if err := s.makeFolders(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Session) start(ctx context.Context) error {
	if err := s.writeBusConfig(); err != nil {
		return err
	}
	if err := s.StartBus(ctx); err != nil {
		return err
	}
	if s.opts.Keyring == KeyringNone {
		return nil
	}
	if err := s.startKeyring(ctx, true); err != nil {
		return err
	}
	if s.opts.Keyring == KeyringLocked {
		return s.LockKeyring(ctx)
	}
	return nil
}

// StartBus starts the session bus at BusAddress and returns once it listens.
// It is for use after StopBus.
func (s *Session) StartBus(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.bus != nil {
		return nil
	}
	p, err := startDaemon(ctx, daemonSpec{
		config: filepath.Join(s.Root, "bus.conf"), dir: s.Home,
		env: s.Env(), as: s.opts.As, log: s.LogPath,
	})
	if err != nil {
		return err
	}
	s.bus = p
	s.all = append(s.all, p)
	return nil
}

// StopBus kills the session bus, as a crash would, and waits for its end. The
// services that it activated lose their connection and end by themselves.
func (s *Session) StopBus() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bus == nil {
		return nil
	}
	err := s.bus.kill()
	s.bus = nil
	return err
}

// StallBus stops the session bus where it is, or lets it go on: it keeps its
// connections and answers nothing.
func (s *Session) StallBus(stalled bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bus == nil {
		return errors.New("cannot stall the session bus: it is not running")
	}
	sig := syscall.SIGCONT
	if stalled {
		sig = syscall.SIGSTOP
	}
	if err := syscall.Kill(s.bus.pid, sig); err != nil {
		return fmt.Errorf("cannot stall the session bus: %w", err)
	}
	return nil
}

// Dial opens a connection of its own to the session bus. The caller closes it.
func (s *Session) Dial(ctx context.Context) (*dbus.Conn, error) {
	return dial(ctx, s.BusAddress)
}

// Command prepares a program that runs inside the session: with its
// environment, as its user, in its home. Nothing of the caller's environment is
// passed on. The program is killed when the context ends, and by Close.
func (s *Session) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = s.Env()
	cmd.Dir = s.Home
	cmd.SysProcAttr = childAttributes(s.opts.As)
	cmd.SysProcAttr.Pdeathsig = 0 // Tied to a thread that the caller chooses.
	return cmd
}

// Close ends every process of the session, waits for their end, and removes
// the session's folder where Private made it. A second call does nothing.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.mark != "" {
		errs = append(errs, endAll(s.mark, s.all))
	}
	if s.made {
		errs = append(errs, os.RemoveAll(s.Root))
	}
	return errors.Join(errs...)
}

var errClosed = errors.New("cannot use the private session: it is closed")

func (s *Session) makeFolders() error {
	if s.opts.Root == "" {
		dir, err := os.MkdirTemp("", "cl-")
		if err != nil {
			return fmt.Errorf("cannot make a folder for the private session: %w", err)
		}
		s.Root, s.made = dir, true
	} else {
		dir, err := filepath.Abs(s.opts.Root)
		if err != nil {
			return fmt.Errorf("cannot resolve the private session's folder: %w", err)
		}
		s.Root = dir
	}
	s.name()
	for _, dir := range []string{s.Root, s.Home, s.RuntimeDir, s.ConfigHome,
		filepath.Dir(s.DataHome), s.DataHome, s.StateHome, s.CacheHome, s.servicesDir()} {
		if err := makeOwned(dir, s.opts.As); err != nil {
			return err
		}
	}
	if len(s.socketPath()) > maxSocketPath {
		return fmt.Errorf("cannot start a private session in %s: socket paths below it would be over %d bytes", s.Root, maxSocketPath)
	}
	var err error
	s.mark, err = newMark()
	return err
}

// newMark makes the value by which a session's processes are found again.
func newMark() (string, error) {
	mark := make([]byte, 16)
	if _, err := rand.Read(mark); err != nil {
		return "", fmt.Errorf("cannot name the private session: %w", err)
	}
	return hex.EncodeToString(mark), nil
}

func (s *Session) name() {
	s.Home = filepath.Join(s.Root, "home")
	s.RuntimeDir = filepath.Join(s.Root, "run")
	s.ConfigHome = filepath.Join(s.Home, ".config")
	s.DataHome = filepath.Join(s.Home, ".local", "share")
	s.StateHome = filepath.Join(s.Home, ".local", "state")
	s.CacheHome = filepath.Join(s.Home, ".cache")
	s.LogPath = filepath.Join(s.Root, "session.log")
	s.BusAddress = "unix:path=" + dbus.EscapeBusAddressValue(s.socketPath())
}

func (s *Session) socketPath() string  { return filepath.Join(s.RuntimeDir, "bus") }
func (s *Session) servicesDir() string { return filepath.Join(s.Root, "services") }

// makeOwned makes dir with mode 0700 and gives it to the session's user. A
// folder that is there already must be that user's.
func makeOwned(dir string, as *Credential) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the private session's folder: %w", err)
	}
	if as == nil {
		return nil
	}
	if err := os.Lchown(dir, int(as.UID), int(as.GID)); err != nil {
		return fmt.Errorf("cannot give the private session's folder to its user: %w", err)
	}
	return nil
}
