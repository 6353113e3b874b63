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
			d.write("[mycloud\n")
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

// encrypt puts a password on the list of remotes, as rclone itself does; it asks for
// one on its terminal alone, so that the file is written as its documentation has it.
func (d *desk) encrypt(body string) {
	d.write("# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n" + body + "\n")
}

// TestEncrypted: a list that only the person can read is an entry of nobody's, new
// with each change; what was listed before and may be in it is not gone.
func TestEncrypted(t *testing.T) {
	d := start(t)
	d.rclone("create", "mycloud", "webdav", "url=https://cloud.example/dav", "user=alice")
	before, err := d.place.Entries(t.Context())
	if err != nil || len(before) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	d.place.mounts = func() ([]place.Mount, error) {
		return []place.Mount{{FSType: "fuse.rclone", From: "any:", At: "/mnt/any"}}, nil
	}
	d.encrypt("AAAA")
	first, err := d.place.Entries(t.Context())
	if err != nil || len(first) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	e := first[0]
	if e.Unread == "" || e.Who.User != "" || e.Guided || e.Carries || !cmp.Equal(e.Mounts, []string{"/mnt/any"}) || e.Why.Code != "encrypted" ||
		e.Blocked == nil || !strings.Contains(e.Blocked.Text, "rclone config show") {
		t.Errorf("it is %+v, %+v", e, e.Blocked)
	}
	if left, err := d.place.ReadBack(t.Context(), before[0].ID); err == nil {
		t.Errorf("what may be in it is said to be gone: %+v", left)
	}
	d.encrypt("BBBB")
	again, err := d.place.Entries(t.Context())
	if err != nil || len(again) != 1 || again[0].ID != e.ID || again[0].Unread == e.Unread {
		t.Errorf("after a change: %+v, %v", again, err)
	}
}

// TestOneNameTwice: rclone takes two parts of one name for one remote. That one is
// listed, and what the parts say by themselves too; none hides another.
func TestOneNameTwice(t *testing.T) {
	d := start(t)
	d.rclone("create", "x", "alias", "remote=/tmp")
	d.write("[a]\ntype = webdav\nurl = https://cloud.example\nuser = bob\n[a]\nuser = alice\n[a]\ntype = sftp\nhost = cloud.example\n[a]\ntype = webdav\n")
	entries, err := d.place.Entries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids, users := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		ids[e.ID], users[e.Who.User] = true, true
		if left, err := d.place.ReadBack(t.Context(), e.ID); err != nil || len(left) == 0 {
			t.Errorf("%s is said to be gone: %v", e.ID, err)
		}
	}
	if len(ids) != len(entries) || !users["bob"] || !users["alice"] {
		t.Errorf("%+v", entries)
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
	for _, bad := range []string{"[x\n", "key = value\n", "[x]\nnothing\n", strings.Repeat("x", maxFile+1)} {
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
