package bag_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
)

// A line was durable and its file not yet in place when the run ended, and then
// the folder that it goes to was gone, or something else had its name.
func TestTheFolderOfALineIsGone(t *testing.T) {
	for name, harm := range map[string]func(folder string) error{
		"gone":   os.RemoveAll,
		"a file": func(at string) error { return os.WriteFile(at, []byte("mine"), 0o600) },
		"a link": func(at string) error { return os.Symlink(t.TempDir(), at) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReadable(t)
			b := r.write(bag.Options{Wrap: func(root disk.Root) disk.Root {
				return fault.Wrap(root, func(op fault.Op, name string) error {
					if op == fault.Rename && strings.HasPrefix(name, "data/") {
						return syscall.EIO
					}
					return nil
				})
			}})
			if err := put(b, "summer/a.jpg", "photo"); err == nil {
				t.Fatal("it was placed")
			}
			_ = b.Close()
			folders, err := filepath.Glob(r.path() + "/data/photos/*/summer")
			if err != nil || len(folders) != 1 {
				t.Fatal(folders, err)
			}
			ok(t, os.RemoveAll(folders[0]))
			if name != "gone" {
				ok(t, harm(folders[0]))
			}
			b, err = bag.Open(r.path(), bag.Options{})
			if err != nil {
				t.Fatalf("the copy cannot be opened any more: %v", err)
			}
			defer b.Close()
			if b.Recovered().Finished != 1 {
				t.Errorf("%+v", b.Recovered())
			}
			ok(t, b.Fold(nil))
			found := false
			for line, err := range b.Manifest() {
				ok(t, err)
				if strings.HasSuffix(line.Path, "/a.jpg") {
					text, err := os.ReadFile(filepath.Join(r.path(), line.Path))
					found = err == nil && string(text) == "photo"
				}
			}
			if !found {
				t.Error("the photo is not in the copy")
			}
		})
	}
}
