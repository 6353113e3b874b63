package gvfs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

// desk is a session with the real GVfs, and a server to mount.
type desk struct {
	*sessiontest.Session
	t     *testing.T
	ctx   context.Context
	place *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	sessiontest.Need(t, "gio", "libglib2.0-bin")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s := sessiontest.Start(t, session.Options{Keyring: session.KeyringNone, Services: []string{"org.gtk.vfs.Daemon.service"}, Env: []string{"GIO_USE_VFS=gvfs", "GIO_USE_VOLUME_MONITOR=unix", "GVFS_DISABLE_FUSE=1"}})
	b, err := bus.Open(ctx, bus.Options{Address: s.BusAddress})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return &desk{Session: s, t: t, ctx: ctx, place: New(b)}
}

// server is a server with one person's files.
func (d *desk) server(user string) string {
	d.t.Helper()
	s, err := davtest.New(davtest.Options{Users: []davtest.User{{Name: user, Password: "hunter2"}}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			d.t.Error(err)
		}
	})
	return s.Addr()
}

func (d *desk) gio(input string, args ...string) {
	d.t.Helper()
	cmd := d.Command(d.ctx, "gio", append([]string{"mount"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("gio mount %v: %v: %s", args, err, out)
	}
}

func TestContractBindings(t *testing.T) {
	t.Run("gvfs", func(t *testing.T) { bindingtest.Run(t, rig) })
}

func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	at, otherAt := d.server("alice"), d.server("bob")
	address := func(user, at string) string { return "dav://" + user + "@" + at + "/remote.php/webdav/" }
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "dav", User: "alice", Host: at},
		OtherWho: binding.Who{Type: "dav", User: "bob", Host: otherAt},
		SignIn:   func(context.Context, *testing.T) { d.gio("hunter2\n", address("alice", at)) },
		Other:    func(context.Context, *testing.T) { d.gio("hunter2\n", address("bob", otherAt)) },
		ByHand:   func(context.Context, *testing.T) { d.gio("", "-u", address("alice", at)) },
		Break: func(context.Context, *testing.T) {
			if err := d.StopBus(); err != nil {
				d.t.Fatal(err)
			}
		},
	}
}

// TestCommand: the command that a person is told closes the mount.
func TestCommand(t *testing.T) {
	d := start(t)
	d.gio("hunter2\n", "dav://alice@"+d.server("alice")+"/remote.php/webdav/")
	entries, err := d.place.Entries(d.ctx)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	if out, err := d.Command(d.ctx, "sh", "-c", entries[0].Blocked.Command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", entries[0].Blocked.Command, err, out)
	}
	if entries, err := d.place.Entries(d.ctx); err != nil || len(entries) != 0 {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestMount: whose a mount is, by what GVfs says of it.
func TestMount(t *testing.T) {
	for name, c := range map[string]struct {
		items  map[string]string
		prefix string
		who    binding.Who
		uri    string
	}{
		"Nextcloud": {map[string]string{"type": "dav", "host": "Cloud.example", "ssl": "true", "user": "alice"}, "/remote.php/webdav",
			binding.Who{Type: "dav", User: "alice", Host: "cloud.example"}, "davs://alice@Cloud.example/remote.php/webdav"},
		"Google": {map[string]string{"type": "google-drive", "host": "gmail.com", "user": "alice"}, "/",
			binding.Who{Type: "google", User: "alice@gmail.com"}, "google-drive://alice@gmail.com/"},
		"a share": {map[string]string{"type": "smb-share", "server": "nas", "share": "x", "user": "bob"}, "",
			binding.Who{Type: "smb", User: "bob", Host: "nas"}, "smb://bob@nas/x"},
		"another port": {map[string]string{"type": "sftp", "host": "box.example", "port": "2222"}, "/",
			binding.Who{Type: "sftp", Host: "box.example:2222"}, "sftp://box.example:2222/"},
		"a phone": {map[string]string{"type": "mtp", "host": "x"}, "/", binding.Who{}, ""},
		"nothing": {nil, "", binding.Who{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := listed{Stable: name, Fuse: []byte("/run/user/1/gvfs/x\x00")}
			l.Spec.Prefix, l.Spec.Items = []byte(c.prefix+"\x00"), map[string]dbus.Variant{"odd": dbus.MakeVariant(uint32(1))}
			for k, v := range c.items {
				l.Spec.Items[k] = dbus.MakeVariant([]byte(v + "\x00"))
			}
			m, ok := l.mount()
			if ok != (c.uri != "") || m.who != c.who || m.uri != c.uri || ok && m.folder != "/run/user/1/gvfs/x" {
				t.Errorf("%+v, %v", m, ok)
			}
		})
	}
}
