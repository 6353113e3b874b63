package eds

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/xdg"
)

// sandbox is a home with Evolution as a Flatpak.
type sandbox struct {
	t      *testing.T
	folder string
	place  *Sandboxed
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	home := t.TempDir()
	s := &sandbox{t: t, folder: filepath.Join(home, ".var/app/org.gnome.Evolution/config/evolution/sources"), place: NewSandboxed(xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")})}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sandbox) write(uid, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, uid+sourceExt), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

const (
	sandboxedBook = "[Data Source]\nDisplayName=Work\nEnabled=true\nParent=carddav-stub\n\n[Address Book]\nBackendName=carddav\nOrder=0\n\n" +
		"[Authentication]\nHost=Cloud.Example\nMethod=plain/password\nPort=8443\nUser=alice\n\n[Security]\nMethod=tls\n\n[WebDAV Backend]\nResourcePath=/remote.php/dav/addressbooks/users/alice/contacts/\n"
	sandboxedDays = "[Data Source]\nDisplayName=Days\nParent=caldav-stub\n\n[Calendar]\nBackendName=caldav\n\n[Authentication]\nHost=other.example\nPort=443\nUser=bob\n\n[Security]\nMethod=tls\n\n[WebDAV Backend]\nResourcePath=/bob/\n"
)

// sandboxRig writes files as the real registry does: see TestSandboxedAsWritten.
func sandboxRig(t *testing.T) *bindingtest.Rig {
	s := newSandbox(t)
	uid := "a0"
	return &bindingtest.Rig{
		Place: s.place,
		Who:   binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example:8443"}, OtherWho: binding.Who{Type: "caldav", User: "bob", Host: "other.example"},
		SignIn: func(context.Context, *testing.T) { uid += "1"; s.write(uid, sandboxedBook) }, // EDS gives each a new one
		Other:  func(context.Context, *testing.T) { s.write("b", sandboxedDays) },
		ByHand: func(context.Context, *testing.T) {
			if err := os.Remove(filepath.Join(s.folder, uid+sourceExt)); err != nil {
				t.Fatal(err)
			}
		},
		Break: func(context.Context, *testing.T) { s.write("broken", "no key file") },
		Flood: func(context.Context, *testing.T) { s.write("large", strings.Repeat("#", maxData+1)) },
	}
}

// TestSandboxedAsWritten: the files that the real registry writes of what a person
// sets up, moved into a sandbox, say the same as the registry does.
func TestSandboxedAsWritten(t *testing.T) {
	d := startClient(t, Options{})
	ctx := t.Context()
	uid := d.setUp(ctx, t, "Work", "Address Book", "carddav", "cloud.example", "8443", "alice", "/remote.php/dav/addressbooks/users/alice/contacts/")
	written := filepath.Join(d.ConfigHome, "evolution", "sources", uid+sourceExt)
	raw, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	s := newSandbox(t)
	s.write(uid, string(raw))
	entries, err := s.place.Entries(ctx)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	source, err := d.client.Source(ctx, uid)
	if err != nil {
		t.Fatal(err)
	}
	if e := entries[0]; e.Who != source.Who() || e.Server != source.server() || !e.Guided || !e.Carries || !strings.Contains(e.Name, "org.gnome.Evolution") {
		t.Errorf("%+v, the registry has %+v", e, source)
	}
}
