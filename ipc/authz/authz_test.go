package authz

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
)

func TestPersonal(t *testing.T) {
	rule := Personal{UID: 1000}
	classes := []api.Class{api.Read, api.Act, api.Owner, api.Manage, "", "everyone"}
	for name, tc := range map[string]struct {
		caller  Caller
		allowed map[api.Class]bool
	}{
		"own uid":          {Peer(1000, false), map[api.Class]bool{api.Read: true, api.Act: true, api.Owner: true}},
		"own uid confined": {Peer(1000, true), map[api.Class]bool{api.Read: true}},
		"other uid":        {Peer(1001, false), nil},
		"root":             {Peer(0, false), nil},
		"nobody":           {Caller{}, nil},
	} {
		for _, class := range classes {
			err := rule.Authorize(context.Background(), tc.caller, class, api.Object{})
			if (err == nil) != tc.allowed[class] {
				t.Errorf("%s, class %q: %v", name, class, err)
			}
			if err != nil && api.Tell(err).Kind != agent.KindNotAuthorized {
				t.Errorf("%s, class %q is refused as %q", name, class, api.Tell(err).Kind)
			}
		}
	}
}

func TestTheZeroCallerIsNobodyEvenForRoot(t *testing.T) {
	if (Personal{UID: 0}).Authorize(context.Background(), Caller{}, api.Read, api.Object{}) == nil {
		t.Error("nobody passed as root")
	}
	if uid, ok := (Caller{}).UID(); ok {
		t.Errorf("nobody has uid %d", uid)
	}
	if !(Caller{}).Confined() {
		t.Error("nobody is free")
	}
}

// tree builds a /proc with ourselves and process 7, both free.
func tree(t *testing.T) string {
	t.Helper()
	proc := t.TempDir()
	root := t.TempDir()
	for _, who := range []string{"self", "7"} {
		dir := filepath.Join(proc, who)
		must(t, os.MkdirAll(filepath.Join(dir, "ns"), 0o700))
		must(t, os.MkdirAll(filepath.Join(dir, "attr"), 0o700))
		must(t, os.Symlink("mnt:[1]", filepath.Join(dir, "ns", "mnt")))
		must(t, os.Symlink("pid:[2]", filepath.Join(dir, "ns", "pid")))
		must(t, os.Symlink(root, filepath.Join(dir, "root")))
		write(t, filepath.Join(dir, "cgroup"), "0::/user.slice/user-1000.slice/session-2.scope\n")
		write(t, filepath.Join(dir, "attr", "current"), "unconfined\n")
	}
	return proc
}

func TestConfinedProcess(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, proc string)
		want   bool
	}{
		"free": {func(*testing.T, string) {}, false},
		"no label in this kernel": {func(t *testing.T, proc string) {
			must(t, os.Remove(filepath.Join(proc, "7", "attr", "current")))
		}, false},
		"flatpak": {func(t *testing.T, proc string) {
			write(t, filepath.Join(proc, "7", "root", flatpakMark), "[Application]\n")
		}, true},
		"snap group": {func(t *testing.T, proc string) {
			write(t, filepath.Join(proc, "7", "cgroup"), "0::/user.slice/app.slice/snap.mail.app-1.scope\n")
		}, true},
		"snap label": {func(t *testing.T, proc string) {
			write(t, filepath.Join(proc, "7", "attr", "current"), "snap.mail.app (enforce)\n")
		}, true},
		"other mounts": {func(t *testing.T, proc string) {
			relink(t, "mnt:[9]", filepath.Join(proc, "7", "ns", "mnt"))
		}, true},
		"other processes": {func(t *testing.T, proc string) {
			relink(t, "pid:[9]", filepath.Join(proc, "7", "ns", "pid"))
		}, true},
		"other root": {func(t *testing.T, proc string) {
			relink(t, t.TempDir(), filepath.Join(proc, "7", "root"))
		}, true},
		"gone": {func(t *testing.T, proc string) {
			must(t, os.RemoveAll(filepath.Join(proc, "7")))
		}, true},
		"groups unreadable": {func(t *testing.T, proc string) {
			must(t, os.Remove(filepath.Join(proc, "7", "cgroup")))
		}, true},
		"ourselves unreadable": {func(t *testing.T, proc string) {
			must(t, os.Remove(filepath.Join(proc, "self", "ns", "mnt")))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			proc := tree(t)
			tc.change(t, proc)
			if got := confinedProcess(proc, 7); got != tc.want {
				t.Errorf("confined: %v", got)
			}
		})
	}
}

func TestQuota(t *testing.T) {
	q := NewQuota(2)
	one, ok := q.Take(Peer(5, false))
	if !ok {
		t.Fatal("the first was refused")
	}
	if _, ok := q.Take(Peer(5, true)); !ok {
		t.Fatal("the second was refused")
	}
	if _, ok := q.Take(Peer(5, false)); ok {
		t.Error("a third was given")
	}
	if _, ok := q.Take(Peer(6, false)); !ok {
		t.Error("another uid was refused")
	}
	if _, ok := q.Take(Caller{}); ok {
		t.Error("nobody was given one")
	}
	one()
	one() // gives back once only
	if _, ok := q.Take(Peer(5, false)); !ok {
		t.Error("what was given back was refused")
	}
	if _, ok := q.Take(Peer(5, false)); ok {
		t.Error("one was given back twice")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func relink(t *testing.T, target, path string) {
	t.Helper()
	must(t, os.Remove(path))
	must(t, os.Symlink(target, path))
}
