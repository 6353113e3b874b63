package disk

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A tmpfs takes O_DIRECT (since Linux 6.6) and reads from memory all the same.
func TestDirectOnlyWhereItIsReal(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "clearance")
	var st unix.Statfs_t
	if err != nil || unix.Statfs(dir, &st) != nil || st.Type != unix.TMPFS_MAGIC {
		t.Skipf("SKIPPED: no tmpfs at /dev/shm: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(dir+"/a", []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if f, err := r.OpenDirect("a"); !errors.Is(err, ErrNoDirect) || f != nil {
		t.Errorf("read past what has no cache: %v %v", f, err)
	}
	f, err := r.Create("b", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Direct() {
		t.Error("writes past what has no cache")
	}
}

func TestDirectOnExt4(t *testing.T) {
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Type != unix.EXT4_SUPER_MAGIC {
		t.Skipf("SKIPPED: no ext4 at %s: %v", dir, err)
	}
	if err := os.WriteFile(dir+"/a", make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, err := r.OpenDirect("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	buf, err := unix.Mmap(-1, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(buf) }()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if left, err := f.Drop(); left != 0 || err != nil {
		t.Fatalf("%d bytes stay cached: %v", left, err)
	}
	if n, err := f.Read(buf); n != 5000 || err != nil {
		t.Errorf("%d bytes: %v", n, err)
	}
	if left, err := resident(f.(*file).fd); left != 0 || err != nil {
		t.Errorf("%d bytes went through the cache: %v", left, err)
	}
}

// Two ways to ask what is cached: where the first is new or sees nothing, the
// other answers.
func TestBothWaysSeeWhatIsCached(t *testing.T) {
	name := t.TempDir() + "/a"
	if err := os.WriteFile(name, make([]byte, 20000), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, ask := range []func(int) (int64, error){resident, residentByMincore} {
		if n, err := ask(int(f.Fd())); n < 20000 || err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if overlaid(int(f.Fd())) {
		t.Log("this is an overlay")
	}
}
