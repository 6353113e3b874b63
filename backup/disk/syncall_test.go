package disk_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
)

// A file system in the kernel is synced whole, one that is not known is not.
func TestSyncsAllWhereThatReachesTheDisk(t *testing.T) {
	for dir, want := range map[string]bool{t.TempDir(): true, "/proc/self": false} {
		r, err := disk.Open(dir)
		must(t, err)
		var st unix.Statfs_t
		must(t, unix.Statfs(dir, &st))
		if got := r.SyncsAll(); got != want {
			t.Errorf("%s, of type %x: %v", dir, st.Type, got)
		}
		must(t, r.Close())
	}
}
