package tasks

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
)

// TestEarlierVersions: a version that was replaced at its source is read back
// too, once a day; damaged it is put aside, and said.
func TestEarlierVersions(t *testing.T) {
	d := newDesk(t)
	folder := d.folder("files", map[string]string{"one": "first"})
	d.declared(map[departure.Dataset]string{departure.Files: folder})
	eventually(t, "the first version in the copy", func() bool { d.backup(); return d.look().Copy.Items == 1 })
	must(t, os.WriteFile(filepath.Join(folder, "one"), []byte("second"), 0o600))
	eventually(t, "the second version in the copy", func() bool { d.backup(); return len(d.versions()) == 2 })
	first := d.versions()[0]
	must(t, os.Chmod(first, 0o600))
	must(t, os.WriteFile(first, []byte("damage"), 0o600))

	if res := d.verify(); res.Earlier != 1 || res.Failed != 0 || res.Done != 1 {
		t.Errorf("%+v", res)
	}
	if res := d.verify(); res.Earlier != 0 {
		t.Errorf("found again: %+v", res)
	}
	check := exec.Command("sha256sum", "-c", "--quiet", "manifest-sha256.txt")
	check.Dir = d.copyFolder()
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// copyFolder is the one copy at the destination.
func (d *desk) copyFolder() string {
	d.t.Helper()
	at, err := filepath.Glob(filepath.Join(d.job.Destination.Folder, "*", "bag-info.txt"))
	must(d.t, err)
	if len(at) != 1 {
		d.t.Fatalf("the copies are %v", at)
	}
	return filepath.Dir(at[0])
}

// versions are the files of the one item in the copy, the first one first.
func (d *desk) versions() []string {
	d.t.Helper()
	at, err := filepath.Glob(filepath.Join(d.copyFolder(), "data", "files", "*", "one*"))
	must(d.t, err)
	if len(at) == 0 {
		at, err = filepath.Glob(filepath.Join(d.copyFolder(), "data", "files", "one*"))
		must(d.t, err)
	}
	return at
}
