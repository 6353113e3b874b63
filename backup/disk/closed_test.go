package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/clearance-project/clearance/backup/disk"
)

// A root that was closed touches nothing: its descriptor may be another's by now.
func TestAClosedRootTouchesNothing(t *testing.T) {
	mine, theirs := t.TempDir(), t.TempDir()
	for _, dir := range []string{mine, theirs} {
		if err := os.Mkdir(dir+"/sub", 0o700); err != nil {
			t.Fatal(err)
		}
	}
	root, err := disk.Open(mine)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Mkdir("sub/kept", 0o700); err != nil { // its folder is held open now
		t.Fatal(err)
	}
	if err := errors.Join(root.Close(), root.Close()); err != nil {
		t.Fatal(err)
	}
	// Whatever is opened next gets the numbers that were given back.
	for range 8 {
		f, err := os.Open(theirs)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	for what, do := range map[string]func() error{
		"mkdir":       func() error { return root.Mkdir("new", 0o700) },
		"mkdir below": func() error { return root.Mkdir("sub/new", 0o700) },
		"create":      func() error { _, err := root.Create("file", 0o600); return err },
		"remove":      func() error { return root.Remove("sub") },
		"lstat":       func() error { _, err := root.Lstat("sub"); return err },
		"names":       func() error { _, err := root.Names("."); return err },
		"sync":        func() error { return root.SyncDir(".") },
		"sync all":    root.SyncAll,
		"place":       func() error { return root.Place("sub", "other") },
	} {
		if err := do(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if root.SyncsAll() {
		t.Error("a closed root syncs")
	}
	list, err := os.ReadDir(theirs)
	if err != nil || len(list) != 1 {
		t.Errorf("another folder was touched: %v %v", list, err)
	}
}
