package rclone

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
	"github.com/clearance-project/clearance/platform/xdg"
)

func TestMain(m *testing.M) { sessiontest.Main(m) }

// desk is a home in which the real rclone signs in and out.
type desk struct {
	t     *testing.T
	dirs  xdg.Dirs
	place *Place
}

func start(t *testing.T) *desk {
	t.Helper()
	sessiontest.Need(t, "rclone", "rclone")
	home := t.TempDir()
	d := &desk{t: t, dirs: xdg.Dirs{Home: home, Config: filepath.Join(home, ".config")}}
	d.place = New(d.dirs)
	return d
}

func (d *desk) rclone(args ...string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "rclone", append([]string{"config"}, args...)...)
	cmd.Env = []string{"HOME=" + d.dirs.Home, "XDG_CONFIG_HOME=" + d.dirs.Config, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("rclone %v: %v: %s", args, err, out)
	}
}

func (d *desk) write(text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dirs.Config, file), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func TestContractBindings(t *testing.T) {
	t.Run("rclone", func(t *testing.T) { bindingtest.Run(t, rig) })
}

func rig(t *testing.T) *bindingtest.Rig {
	d := start(t)
	const token = `{"access_token":"hunter2","token_type":"Bearer","expiry":"2030-01-01T00:00:00Z"}`
	return &bindingtest.Rig{
		Place: d.place, Secrets: []string{"hunter2"}, SameID: true,
		Who:      binding.Who{Type: "nextcloud", User: "alice", Host: "cloud.example"},
		OtherWho: binding.Who{Type: "google"},
		SignIn: func(context.Context, *testing.T) {
			d.rclone("create", "mycloud", "webdav", "url=https://cloud.example/remote.php/dav/files/alice", "vendor=nextcloud", "user=alice", "bearer_token=hunter2")
		},
		Other: func(context.Context, *testing.T) {
			d.rclone("create", "--non-interactive", "drive", "drive", "scope=drive", "token="+token)
		},
		ByHand: func(context.Context, *testing.T) { d.rclone("delete", "mycloud") },
		Break: func(context.Context, *testing.T) {
			d.write("# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n")
		},
		Flood: func(context.Context, *testing.T) {
			var b strings.Builder
			for i := range maxRemotes + 2 {
				fmt.Fprintf(&b, "[r%d]\ntype = webdav\n", i)
			}
			d.write(b.String())
		},
	}
}

// TestMounted: where a remote is mounted no copy may lie, and it is unmounted
// first.
func TestMounted(t *testing.T) {
	d := start(t)
	d.rclone("create", "my cloud", "webdav", "url=https://cloud.example/dav", "user=alice")
	d.place.mounts = func() ([]place.Mount, error) {
		return []place.Mount{{FSType: "fuse.rclone", From: "my cloud:photos", At: "/mnt/my cloud"}, {FSType: "fuse.rclone", From: "my cloud 2:", At: "/mnt/x"}, {FSType: "ext4", From: "my cloud:", At: "/y"}}, nil
	}
	entries, err := d.place.Entries(t.Context())
	if err != nil || len(entries) != 1 {
		t.Fatalf("%+v, %v", entries, err)
	}
	if want := "unmount it first: fusermount3 -u '/mnt/my cloud'; then run: rclone config delete 'my cloud'"; entries[0].Blocked.Text != want || !cmp.Equal(entries[0].Mounts, []string{"/mnt/my cloud"}) {
		t.Errorf("%+v, %q", entries[0].Mounts, entries[0].Blocked.Text)
	}
}

func TestParse(t *testing.T) {
	all, err := parse([]byte(`# a comment
[mycloud]
type = webdav
url = https://alice:secret@cloud.example:8443/dav
user = alice
pass = hunter2

[one]
type = onedrive
token = {"access_token":"x"}
drive_id = 1

[apple]
type = iclouddrive
apple_id = alice@icloud.com

[ssh]
type = sftp
host = box.example
user = bob

[secret]
type = crypt
remote = mycloud:x

[box]
type = dropbox
`))
	want := []remote{
		{"mycloud", binding.Who{Type: "webdav", User: "alice", Host: "cloud.example:8443"}},
		{"one", binding.Who{Type: "microsoft"}},
		{"apple", binding.Who{Type: "apple", User: "alice@icloud.com"}},
		{"ssh", binding.Who{Type: "sftp", User: "bob", Host: "box.example"}},
		{"box", binding.Who{Type: "dropbox"}},
	}
	if err != nil || !cmp.Equal(all, want, cmp.AllowUnexported(remote{})) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, all, cmp.AllowUnexported(remote{})))
	}
	for _, bad := range []string{"[x\n", "key = value\n", "[x]\nnothing\n", "RCLONE_ENCRYPT_V1:\n", strings.Repeat("x", maxFile+1)} {
		if got, err := parse([]byte(bad)); err == nil {
			t.Errorf("%.20q: %v", bad, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[mycloud]\ntype = webdav\nurl = https://cloud.example\nuser = alice\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parse([]byte(text))
		if err != nil {
			return
		}
		for _, r := range all {
			if word := shellWord(r.name); strings.ContainsAny(r.name, " $`\"'\\;&|<>*?\n") && word[0] != '\'' {
				t.Errorf("%q is no word", word)
			}
			if strings.ContainsAny(r.who.Host, "/@") {
				t.Errorf("%+v", r.who)
			}
		}
	})
}
