package davfs2

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// mountDavfs mounts a server by the real mount.davfs, which wants root.
func mountDavfs(t *testing.T, address, user, password string) (at string) {
	t.Helper()
	sessiontest.Need(t, "mount.davfs", "davfs2")
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("this kernel has no FUSE:", err)
	}
	at = t.TempDir()
	conf := filepath.Join(t.TempDir(), "davfs2.conf")
	if err := os.WriteFile(conf, []byte("use_locks 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mount := exec.CommandContext(ctx, "mount.davfs", address, at, "-o", "conf="+conf)
	mount.Stdin = strings.NewReader(user + "\n" + password + "\n")
	if out, err := mount.CombinedOutput(); err != nil {
		t.Fatalf("mount.davfs: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if mounted(t, at) {
			unmount(t, at)
		}
	})
	return at
}

func mounted(t *testing.T, at string) bool {
	t.Helper()
	all, err := place.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.At == at {
			return true
		}
	}
	return false
}

func unmount(t *testing.T, at string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "umount", at).CombinedOutput(); err != nil {
		t.Errorf("umount: %v: %s", err, out)
	}
}

// TestMounted: a server that davfs2 has really mounted is found among this
// device's mounts, as somebody's while no file says whose, and is gone with the
// mount.
func TestMounted(t *testing.T) {
	s, err := davtest.New(davtest.Options{Users: []davtest.User{{Name: "alice", Password: "hunter2"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	address := s.URL() + "remote.php/webdav/"
	at := mountDavfs(t, address, "alice", "hunter2")
	d := start(t)
	d.place.mounts = place.Mounts
	only := func() binding.Entry {
		t.Helper()
		entries, err := d.place.Entries(t.Context())
		if err != nil || len(entries) != 1 {
			t.Fatalf("%+v, %v", entries, err)
		}
		return entries[0]
	}
	e := only()
	if e.Who != (binding.Who{Type: "dav", Host: s.Addr()}) || e.Name != s.Addr()+" in davfs2" || !cmp.Equal(e.Mounts, []string{at}) || e.Blocked.Text != "unmount "+at {
		t.Errorf("%+v, %+v", e, e.Blocked)
	}
	d.write(secretsFile, fmt.Sprintf("%s alice hunter2\n", at))
	if e = only(); e.Who != (binding.Who{Type: "dav", User: "alice", Host: s.Addr()}) || !cmp.Equal(e.Mounts, []string{at}) {
		t.Errorf("with a password in a file: %+v", e)
	}
	d.write(secretsFile, "")
	unmount(t, at)
	if entries, err := d.place.Entries(t.Context()); err != nil || len(entries) != 0 {
		t.Errorf("after it: %+v, %v", entries, err)
	}
}
