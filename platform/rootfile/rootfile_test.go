package rootfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/platform/rootfile"
)

const limit = 100

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// place is a tree etc/clearance/d/{a.json,b.json} that belongs to who runs the test.
func place(t *testing.T) (rootfile.Place, string) {
	t.Helper()
	base := t.TempDir()
	must(t, os.Chmod(base, 0o755))
	must(t, os.MkdirAll(filepath.Join(base, "etc", "clearance", "d"), 0o755))
	for _, name := range []string{"a.json", "b.json", "README"} {
		must(t, os.WriteFile(filepath.Join(base, "etc/clearance/d", name), []byte(name), 0o644))
	}
	return rootfile.Place{Base: base, Owner: uint32(os.Geteuid())}, base
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// TestWhoCanWrite spoils one thing of the path at a time. A spoilt file leaves
// the one beside it good, a spoilt folder leaves nothing.
func TestWhoCanWrite(t *testing.T) {
	for name, c := range map[string]struct {
		file, folder bool // still good
		spoil        func(t *testing.T, b string)
	}{
		"as it should be": {true, true, func(*testing.T, string) {}},
		"file writable":   {false, true, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc/clearance/d/a.json", 0o664)) }},
		"file is a link": {false, true, func(t *testing.T, b string) {
			must(t, os.Remove(b+"/etc/clearance/d/a.json"))
			must(t, os.Symlink("b.json", b+"/etc/clearance/d/a.json"))
		}},
		"file is a pipe": {false, true, func(t *testing.T, b string) {
			must(t, os.Remove(b+"/etc/clearance/d/a.json"))
			must(t, unix.Mkfifo(b+"/etc/clearance/d/a.json", 0o644))
		}},
		"file is a folder": {false, true, func(t *testing.T, b string) {
			must(t, os.Remove(b+"/etc/clearance/d/a.json"))
			must(t, os.Mkdir(b+"/etc/clearance/d/a.json", 0o755))
		}},
		"file too large": {false, true, func(t *testing.T, b string) { must(t, os.Truncate(b+"/etc/clearance/d/a.json", limit+1)) }},
		"file of another": {false, true, func(t *testing.T, b string) {
			needRoot(t)
			must(t, os.Chown(b+"/etc/clearance/d/a.json", 12345, 0))
		}},
		"folder writable":     {false, false, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc/clearance/d", 0o775)) }},
		"folder above sticky": {false, false, func(t *testing.T, b string) { must(t, os.Chmod(b+"/etc", 0o777|os.ModeSticky)) }},
		"base writable":       {false, false, func(t *testing.T, b string) { must(t, os.Chmod(b, 0o757)) }},
		"folder is a link": {false, false, func(t *testing.T, b string) {
			must(t, os.Rename(b+"/etc/clearance/d", b+"/etc/clearance/real"))
			must(t, os.Symlink("real", b+"/etc/clearance/d"))
		}},
		"folder above is a link": {false, false, func(t *testing.T, b string) {
			must(t, os.Rename(b+"/etc/clearance", b+"/etc/real"))
			must(t, os.Symlink("real", b+"/etc/clearance"))
		}},
		"folder is a file": {false, false, func(t *testing.T, b string) {
			must(t, os.RemoveAll(b+"/etc/clearance/d"))
			must(t, os.WriteFile(b+"/etc/clearance/d", nil, 0o644))
		}},
		"folder of another": {false, false, func(t *testing.T, b string) {
			needRoot(t)
			must(t, os.Chown(b+"/etc", 12345, 0))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p, base := place(t)
			c.spoil(t, base)
			raw, err := p.Read("/etc/clearance/d/a.json", limit)
			if (err == nil) != c.file || c.file && string(raw) != "a.json" || errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file: %q, %v", raw, err)
			}
			files, err := p.Folder("/etc/clearance/d", ".json", 10, limit)
			if (err == nil) != c.folder {
				t.Fatalf("the folder: %+v, %v", files, err)
			}
			if !c.folder {
				return
			}
			if len(files) != 2 || (files[0].Err == nil) != c.file || files[1].Err != nil || string(files[1].Raw) != "b.json" {
				t.Errorf("the folder holds %+v", files)
			}
		})
	}
}

func TestNothingThere(t *testing.T) {
	p, base := place(t)
	if _, err := p.Read("etc/clearance/d/c.json", limit); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, path := range []string{"etc/none", "none/none"} {
		if files, err := p.Folder(path, ".json", 10, limit); err != nil || files != nil {
			t.Errorf("%s: %v, %v", path, files, err)
		}
	}
	if files, err := p.Folder("etc/clearance/d", ".json", 1, limit); err == nil {
		t.Errorf("more files than may be: %v", files)
	}
	must(t, os.RemoveAll(base))
	if files, err := p.Folder("etc/clearance/d", ".json", 1, limit); err != nil || files != nil {
		t.Errorf("without a base: %v, %v", files, err)
	}
	if _, err := (rootfile.Place{Base: "/", Owner: 0}).Read(filepath.Join(t.TempDir(), "f"), limit); err == nil {
		t.Error("a file in a place where everybody can write was taken")
	}
}
