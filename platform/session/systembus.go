package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// SystemOptions says what a private system bus is made of.
type SystemOptions struct {
	// Root is the folder that holds the bus. It is made where it is missing and
	// kept by Close. Empty: a temporary folder, removed by Close.
	Root string
	// Owners are the users that may own names. Nil: root, and the caller.
	Owners []uint32
	// ServiceDir is searched for services to activate. Empty: none.
	ServiceDir string
}

// SystemBus is a private bus with the shape of a system bus: everybody may
// connect, call and listen; only Owners may own names. It runs as the caller,
// who may be root.
type SystemBus struct {
	// Address is the D-Bus address; it stays the same over Stop and Start.
	Address string
	// LogPath is the file that dbus-daemon writes to.
	LogPath string

	root, mark string
	made       bool
	mu         sync.Mutex
	daemon     *process
	all        []*process
	closed     bool
}

const systemConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>%s</listen>
  <auth>EXTERNAL</auth>
%s  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <allow send_destination="*"/>
    <allow send_type="signal"/>
    <allow receive_sender="*"/>
  </policy>
%s</busconfig>
`

// PrivateSystemBus starts a bus and returns once it listens. The context bounds
// the start alone; Close ends the bus.
func PrivateSystemBus(ctx context.Context, opts SystemOptions) (*SystemBus, error) {
	b := &SystemBus{root: opts.Root}
	if opts.Root == "" {
		dir, err := os.MkdirTemp("", "cl-sys-")
		if err != nil {
			return nil, fmt.Errorf("cannot make a folder for the private system bus: %w", err)
		}
		b.root, b.made = dir, true
	}
	if err := b.prepare(opts); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if err := b.Start(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *SystemBus) prepare(opts SystemOptions) error {
	// Every user must reach the socket.
	if err := os.MkdirAll(b.root, 0o755); err != nil {
		return fmt.Errorf("cannot make a folder for the private system bus: %w", err)
	}
	if err := os.Chmod(b.root, 0o755); err != nil {
		return fmt.Errorf("cannot open the private system bus's folder: %w", err)
	}
	mark, err := newMark()
	if err != nil {
		return err
	}
	b.mark = mark
	socket := filepath.Join(b.root, "system_bus_socket")
	if len(socket) > maxSocketPath {
		return fmt.Errorf("cannot start a private system bus in %s: its socket's path would be over %d bytes", b.root, maxSocketPath)
	}
	b.Address = "unix:path=" + dbus.EscapeBusAddressValue(socket)
	b.LogPath = filepath.Join(b.root, "bus.log")
	return writeConfig(filepath.Join(b.root, "bus.conf"), systemText(b.Address, opts))
}

func systemText(address string, opts SystemOptions) string {
	owners := opts.Owners
	if owners == nil {
		owners = []uint32{0, uint32(os.Geteuid())}
	}
	var policies strings.Builder
	for _, uid := range owners {
		fmt.Fprintf(&policies, "  <policy user=\"%d\"><allow own=\"*\"/></policy>\n", uid)
	}
	services := ""
	if opts.ServiceDir != "" {
		services = fmt.Sprintf("  <servicedir>%s</servicedir>\n", escape(opts.ServiceDir))
	}
	return fmt.Sprintf(systemConfig, escape(address), services, policies.String())
}

// Start starts the bus at Address. It is for use after Stop.
func (b *SystemBus) Start(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errors.New("cannot use the private system bus: it is closed")
	}
	if b.daemon != nil {
		return nil
	}
	p, err := startDaemon(ctx, daemonSpec{
		config: filepath.Join(b.root, "bus.conf"), dir: b.root, log: b.LogPath,
		env: []string{"PATH=" + systemPath, "LC_ALL=C.UTF-8", markName + "=" + b.mark,
			"DBUS_SYSTEM_BUS_ADDRESS=" + b.Address, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + b.root + "/no-session-bus"},
	})
	if err != nil {
		return err
	}
	b.daemon = p
	b.all = append(b.all, p)
	return nil
}

// Stop kills the bus, as a crash would, and waits for its end.
func (b *SystemBus) Stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.daemon == nil {
		return nil
	}
	err := b.daemon.kill()
	b.daemon = nil
	return err
}

// Dial opens a connection of its own to the bus. The caller closes it.
func (b *SystemBus) Dial(ctx context.Context) (*dbus.Conn, error) {
	return dial(ctx, b.Address)
}

// Close ends the bus and what it activated, and removes its folder where
// PrivateSystemBus made it. A second call does nothing.
func (b *SystemBus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	var errs []error
	if b.mark != "" {
		errs = append(errs, endAll(b.mark, b.all))
	}
	if b.made {
		errs = append(errs, os.RemoveAll(b.root))
	}
	return errors.Join(errs...)
}
