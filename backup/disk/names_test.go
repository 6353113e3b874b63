package disk_test

import (
	"os"
	"testing"

	"github.com/clearance-project/clearance/backup/disk"
)

func TestNamesAreBytes(t *testing.T) {
	dir := t.TempDir()
	r, err := disk.Open(dir)
	must(t, err)
	defer r.Close()
	must(t, r.Mkdir("d\xff", 0o700))
	create(t, r, "d\xff/caf\xe9", "x")
	if _, err := os.Stat(dir + "/d\xff/caf\xe9"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "/", "a/", "/a", "a//b", "a\x00b", "./a", "a/..", "."} {
		if _, err := r.Lstat(bad); err == nil {
			t.Errorf("%q was looked at", bad)
		}
	}
}
