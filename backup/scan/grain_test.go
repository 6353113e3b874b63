package scan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/scan"
)

func TestRest(t *testing.T) {
	const ms = time.Millisecond
	stamp := time.Unix(1_700_000_000, 123_456_789)
	for _, fine := range []bool{false, true} {
		grain := 2 * time.Second
		if fine {
			grain = 100 * ms
		}
		for d, want := range map[time.Duration]time.Duration{
			0: grain + 1, grain: 1, grain + 1: 0, -grain: 2*grain + 1, -grain - 1: 0, 50 * ms: grain - 50*ms + 1,
		} {
			for name, s := range map[string]scan.Stat{
				"ctime": {CtimeNS: stamp.UnixNano(), Fine: fine},
				"mtime": {MtimeNS: stamp.UnixNano(), Fine: fine},
			} {
				if got := s.Rest(stamp.Add(d)); got != want {
					t.Errorf("fine %v, %v after its %s: must rest %v, want %v", fine, d, name, got, want)
				}
				if got := s.Unsettled(stamp.Add(d)); got != (want > 0) {
					t.Errorf("fine %v, %v after its %s: unsettled %v", fine, d, name, got)
				}
			}
		}
	}
}

// stamps lists the one file in dir and reads its stat in every other way too.
func stamps(t *testing.T, dir string) scan.Stat {
	t.Helper()
	r := open(t, dir)
	all := map[string]scan.Stat{}
	_, err := r.Walk(t.Context(), scan.Options{}, func(es []scan.Entry) error {
		for _, e := range es {
			all["listed"] = e.Stat
		}
		return nil
	})
	must(t, err)
	all["looked at"], err = r.Lstat("a")
	must(t, err)
	in, opened, err := r.OpenReader("a")
	must(t, err)
	all["opened"] = opened
	all["open"], err = in.Stat()
	must(t, err)
	must(t, in.Close())
	for how, s := range all {
		if s != opened {
			t.Errorf("%s: %+v, opened: %+v", how, s, opened)
		}
	}
	return opened
}

// fresh writes the one file in dir anew until its stamp is none of whole
// milliseconds, which one of a million is by chance.
func fresh(t *testing.T, dir string) scan.Stat {
	t.Helper()
	s := scan.Stat{}
	for range 3 {
		write(t, dir+"/a")
		if s = stamps(t, dir); s.CtimeNS%int64(time.Millisecond) != 0 {
			break
		}
	}
	return s
}

// TestGrainOfRealDisks holds what is known of a disk against real ones: ext4
// keeps nanoseconds or whole seconds, by the size of its inodes.
func TestGrainOfRealDisks(t *testing.T) {
	for size, fine := range map[string]bool{"128": false, "256": true} {
		dir := ext4(t, "-I", size)
		s := fresh(t, dir)
		if s.Fine != fine {
			t.Errorf("inodes of %s bytes: fine %v, want %v; %+v", size, s.Fine, fine, s)
		}
		if rest := s.Rest(time.Now()); !fine && rest < time.Millisecond*500 || rest > 4*time.Second {
			t.Errorf("inodes of %s bytes: a file written just now must rest %v", size, rest)
		}
		// The same disk, seen through another root: a mount beneath may have any grain.
		if s, err := open(t, filepath.Dir(dir)).Lstat(filepath.Base(dir) + "/a"); err != nil || s.Fine {
			t.Errorf("beneath another file system: %+v, %v", s, err)
		}
	}
}

// TestUnknownIsCoarse: a process in user space may stamp as it likes.
func TestUnknownIsCoarse(t *testing.T) {
	const overlay = "overlay"
	dir := t.TempDir()
	for _, d := range []string{"lower", "upper", "work", "all"} {
		must(t, os.Mkdir(filepath.Join(dir, d), 0o700))
	}
	over := filepath.Join(dir, "all")
	run(t, "mount", "-t", overlay, "-o", "lowerdir="+dir+"/lower,upperdir="+dir+"/upper,workdir="+dir+"/work", overlay, over)
	t.Cleanup(func() { must(t, unix.Unmount(over, 0)) })
	if s := fresh(t, over); s.Fine {
		t.Errorf("what lies beneath an overlay is not known: %+v", s)
	}
}

// ext4 is a new disk in a file, mounted.
func ext4(t *testing.T, options ...string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 8<<20))
	run(t, "/sbin/mkfs.ext4", append(append([]string{"-q", "-F"}, options...), image)...)
	dir := filepath.Join(t.TempDir(), "disk")
	must(t, os.Mkdir(dir, 0o700))
	run(t, "mount", "-o", "loop", image, dir)
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	return dir
}

// run is a command that needs root and a kernel that lets it.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT CHECKED: only root can mount a disk")
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("NOT CHECKED: this machine cannot %s: %v: %s", name, err, out)
	}
}
