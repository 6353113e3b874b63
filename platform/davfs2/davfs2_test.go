package davfs2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/xdg"
)

// desk is a home with davfs2's files as its manual has them; nothing is mounted.
type desk struct {
	t      *testing.T
	home   string
	mounts []place.Mount
	place  *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, home: t.TempDir()}
	d.place = New(xdg.Dirs{Home: d.home, Config: filepath.Join(d.home, ".config")})
	d.place.fstab = filepath.Join(d.home, "fstab")
	d.place.mounts = func() ([]place.Mount, error) { return d.mounts, nil }
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	at := filepath.Join(d.home, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

func TestContractBindings(t *testing.T) {
	t.Run("davfs2", func(t *testing.T) { bindingtest.Run(t, rig) })
}

func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	other := ""
	const line = "https://cloud.example/remote.php/webdav/ alice \"hunter2\"\n"
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "dav", User: "alice", Host: "cloud.example"},
		OtherWho: binding.Who{Type: "dav", User: "bob", Host: "other.example"},
		SignIn:   func(context.Context, *testing.T) { d.write(secretsFile, line+other) },
		Other: func(context.Context, *testing.T) {
			other = "https://other.example/dav bob x\n"
			d.write(secretsFile, other)
		},
		ByHand: func(context.Context, *testing.T) { d.write(secretsFile, other) },
		Break: func(context.Context, *testing.T) {
			if err := os.Remove(filepath.Join(d.home, secretsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				d.t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(d.home, secretsFile), 0o700); err != nil {
				d.t.Fatal(err)
			}
		},
		Flood: func(context.Context, *testing.T) {
			var b strings.Builder
			for i := range maxServers + 1 {
				fmt.Fprintf(&b, "https://cloud%d.example alice x\n", i)
			}
			d.write(secretsFile, b.String())
		},
	}
}

// TestTogether: what the table, the mounts and the passwords say of one server is
// one entry, also where the password goes by the folder.
func TestTogether(t *testing.T) {
	d := start(t)
	d.write("fstab", "# a comment\nUUID=1 / ext4 defaults 0 1\nhttps://cloud.example/dav/ /home/me/My\\040cloud davfs user,noauto 0 0\n")
	d.write(secretsFile, "# passwords\n\"/home/me/My cloud\" alice hun\\ ter2\n/mnt/gone carol x\n")
	d.mounts = []place.Mount{{FSType: "fuse", From: "https://cloud.example/dav", At: "/home/me/My cloud"}, {FSType: "fuse", From: "https://two.example", At: "/mnt/two"},
		{FSType: "fuse", From: "portal", At: "/run/x"}, {FSType: "ext4", From: "https://no.example", At: "/y"}}
	entries, err := d.place.Entries(t.Context())
	if err != nil || len(entries) != 3 {
		t.Fatalf("%+v, %v", entries, err)
	}
	e := entries[0]
	want := "unmount /home/me/My cloud; remove the line with https://cloud.example/dav from " + filepath.Join(d.home, secretsFile) +
		"; as an administrator, remove the line with https://cloud.example/dav from " + d.place.fstab
	if e.Who != (binding.Who{Type: "dav", User: "alice", Host: "cloud.example"}) || e.Blocked.Text != want || !cmp.Equal(e.Mounts, []string{"/home/me/My cloud"}) {
		t.Errorf("%+v, %+v", e, e.Blocked)
	}
	if entries[1].Who.Host != "two.example" {
		t.Errorf("%+v", entries)
	}
	gone := entries[2]
	want = "if it is of this account, remove the line with /mnt/gone from " + filepath.Join(d.home, secretsFile)
	if gone.Who != (binding.Who{Type: "dav", User: "carol", AnyHost: true}) || gone.Blocked.Text != want {
		t.Errorf("%+v, %+v", gone, gone.Blocked)
	}
}

// TestFolderSetUpNowhere: a password for a folder that is set up nowhere may be
// the account's while its user has the same name, or none is told. A proxy's and a
// certificate's are not.
func TestFolderSetUpNowhere(t *testing.T) {
	d := start(t)
	d.write(secretsFile, "/mnt/a alice x\n/mnt/b bob x\n/home/me/.davfs2/certs/private/me.p12 hunter2\nproxy alice x\nme.p12 hunter2\n")
	entries, err := d.place.Entries(t.Context())
	if err != nil || len(entries) != 5 {
		t.Fatalf("%+v, %v", entries, err)
	}
	alice := departure.Account{Provider: "nextcloud", Identity: "alice@cloud.example"}
	for i, want := range []binding.Match{binding.MatchUnknown, binding.MatchNo, binding.MatchUnknown, binding.MatchNo, binding.MatchNo} {
		if got := entries[i].Who.Of("", alice); got != want {
			t.Errorf("%+v: %v, want %v", entries[i].Who, got, want)
		}
		if strings.Contains(fmt.Sprintf("%+v %+v", entries[i], entries[i].Blocked), "hunter2") {
			t.Errorf("%+v has the password", entries[i])
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`"/home/me/My cloud" alice hun\ ter2 # x`)
	f.Add(`https://cloud.example /home/me/My\040cloud davfs`)
	f.Fuzz(func(t *testing.T, line string) {
		size := 0
		for _, word := range split(line) {
			size += len(word)
		}
		if size > len(line) {
			t.Errorf("%d bytes of %d", size, len(line))
		}
	})
}
