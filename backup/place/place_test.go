package place

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(t *testing.T, path string) *Place {
	t.Helper()
	p, err := Look(path)
	must(t, err)
	return &p
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	p := at(t, dir)
	if !p.Exists || !p.Folder || !p.Writable || p.FSType == "" || p.FreeBytes <= 0 || p.MountAt == "" || p.Self == nil || len(p.Above) < 2 {
		t.Errorf("%+v", p)
	}
	n := at(t, dir+"/new/folder")
	if n.Exists || n.Folder || n.Self != nil || n.Above[0] != *p.Self || n.MountID != p.MountID || n.Path != p.Path+"/new/folder" {
		t.Errorf("%+v", n)
	}
	if p := at(t, "/proc"); p.FSType != "proc" {
		t.Errorf("%+v", p)
	}
	must(t, os.Symlink("nowhere", dir+"/broken"))
	if _, err := Look(dir + "/broken/x"); err == nil {
		t.Error("a link to nothing is a place")
	}
}

func TestOverlaps(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/home/Pictures/2024", 0o700))
	must(t, os.MkdirAll(dir+"/home/Pictures2", 0o700))
	must(t, os.Symlink(dir+"/home/Pictures", dir+"/link"))
	tests := []struct {
		a, b string
		want bool
	}{
		{"home/Pictures", "home/Pictures", true},
		{"home/Pictures", "home", true},
		{"home/Pictures/2024", "home/Pictures", true},
		{"home/Pictures/not/yet", "home/Pictures", true},
		{"link", "home/Pictures", true},
		{"link/2024", "home/Pictures", true},
		{"link/new", "home/Pictures", true},
		{"home/Pictures2", "home/Pictures", false},
		{"home/new", "home/Pictures", false},
		{"home/new", "home/new/er", true},
		{"home/new", "home/newer", false},
	}
	for _, tt := range tests {
		a, b := at(t, filepath.Join(dir, tt.a)), at(t, filepath.Join(dir, tt.b))
		if Overlaps(a, b) != tt.want || Overlaps(b, a) != tt.want {
			t.Errorf("%s and %s: want %v", tt.a, tt.b, tt.want)
		}
	}
}

func TestMounts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting needs root")
	}
	dir := t.TempDir()
	for _, d := range []string{"home/Pictures", "card", "with space", "outer"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o700))
	}
	if err := unix.Mount(dir+"/home/Pictures", dir+"/card", "", unix.MS_BIND, ""); err != nil {
		t.Skipf("SKIPPED: cannot mount: %v", err)
	}
	defer func() { must(t, unix.Unmount(dir+"/card", unix.MNT_DETACH)) }()
	if !Overlaps(at(t, dir+"/card/copy"), at(t, dir+"/home/Pictures")) {
		t.Error("a bind mount of the source is apart from it")
	}
	if !Overlaps(at(t, dir+"/home"), at(t, dir+"/card")) {
		t.Error("what is around the folder behind a bind mount is apart from it")
	}
	if Overlaps(at(t, dir+"/outer"), at(t, dir+"/card")) {
		t.Error("the mount point's neighbours overlap")
	}
	must(t, unix.Mount("none", dir+"/with space", "tmpfs", 0, "size=1m"))
	defer func() { must(t, unix.Unmount(dir+"/with space", unix.MNT_DETACH)) }()
	p := at(t, dir+"/with space/x")
	if p.FSType != "tmpfs" || !p.Memory() || p.Fronted() || !strings.HasSuffix(p.MountAt, "/with space") || p.FreeBytes != 1<<20 || p.AllBytes != 1<<20 {
		t.Errorf("%+v", p)
	}
	if Overlaps(p, at(t, dir+"/outer")) {
		t.Error("another file system overlaps")
	}
}

func TestFronted(t *testing.T) {
	for kind, want := range map[string]bool{"fuse.rclone": true, "fuse": true, "fuseblk": true, "davfs": true, "ext4": false, "nfs4": false, "cifs": false, "fusectl": false} {
		if got := (&Place{FSType: kind}).Fronted(); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}

// A line that is not understood is not passed over: what it mounts could hide a
// folder.
func TestParseMounts(t *testing.T) {
	ms, err := ParseMounts(strings.NewReader("36 35 98:7 /sub /a\\040b rw,noatime master:1 - ext3 /dev/root rw\n37 36 0:22 / /none rw - tmpfs  rw\n"))
	must(t, err)
	want := []Mount{{36, unix.Mkdev(98, 7), "/sub", "/a b", "ext3", "/dev/root"}, {37, unix.Mkdev(0, 22), "/", "/none", "tmpfs", ""}}
	if !slices.Equal(ms, want) {
		t.Errorf("%+v, want %+v", ms, want)
	}
	for _, bad := range []string{"nonsense", "1 2 3 - ext4", "1 2 3 4 5 -", "1 2 3 / /a rw - ext4 x rw", "x 2 0:3 / /a rw - ext4 x rw", "1 2 0:y / /a rw - ext4 x rw"} {
		if ms, err := ParseMounts(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, ms)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add([]byte("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw\n"), uint64(36))
	f.Add([]byte("36 - \n"), uint64(36))
	f.Fuzz(func(t *testing.T, text []byte, id uint64) {
		ms, err := ParseMounts(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		if m, err := mountOf(ms, id); err == nil && m.FSType == "" {
			t.Fatalf("%+v", m)
		}
	})
}
