package viewer_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/viewer"
)

// proven is everything that the manifests cover, name by name.
func (c *copied) proven() map[string]string {
	c.t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(c.dir, p)
		if err != nil || d.IsDir() || strings.HasPrefix(rel, "export") || strings.HasPrefix(rel, ".clearance") || rel == "index.html" {
			return err
		}
		data, err := os.ReadFile(p)
		info, ierr := d.Info()
		if ierr == nil {
			sums[rel] = fmt.Sprintf("%x %v %v", sha256.Sum256(data), info.ModTime(), info.Mode())
		}
		return errors.Join(err, ierr)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return sums
}

func (c *copied) sameAs(before map[string]string) {
	c.t.Helper()
	after := c.proven()
	for name, sum := range before {
		if after[name] != sum {
			c.t.Errorf("%s was %s, is %s", name, sum, after[name])
		}
	}
	for name := range after {
		if before[name] == "" {
			c.t.Errorf("%s is new", name)
		}
	}
}

// TestFaults: whichever call fails, the copy is untouched, the error is told, and
// the next time everything is there.
func TestFaults(t *testing.T) {
	few := []file{{photos, "a.png", "", unlike(t, 1), june}, {book, "a", "", card("FN:Anna"), noon}}
	const trouble = syscall.EIO
	for n := 1; ; n++ {
		calls, fired := 0, false
		c := newCopy(t)
		c.put(few...)
		before := c.proven()
		if err := c.bag.Close(); err != nil {
			t.Fatal(err)
		}
		armed := false
		b, err := bag.Open(c.dir, bag.Options{Wrap: func(r disk.Root) disk.Root {
			return fault.Wrap(r, func(fault.Op, string) error {
				if !armed {
					return nil
				}
				if calls++; calls == n {
					fired = true
					return trouble
				}
				return nil
			})
		}})
		if err != nil {
			t.Fatal(err)
		}
		armed = true
		r, err := viewer.Write(t.Context(), b, viewer.Options{Workers: 1})
		if fired != (err != nil) || (err != nil) != (r.Outcome == viewer.Nothing) {
			t.Errorf("%v at call %d: %v, %+v", trouble, n, err, r)
		}
		c.sameAs(before)
		armed = false
		if _, err := viewer.Write(t.Context(), b, viewer.Options{Workers: 1}); err != nil {
			t.Errorf("%v at call %d: the next time: %v", trouble, n, err)
		}
		c.bag = b
		if index := c.read("index.html"); !strings.Contains(index, "</html>") {
			t.Errorf("%v at call %d: index.html is not whole", trouble, n)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if !fired {
			if n < 10 {
				t.Errorf("only %d calls", n)
			}
			break
		}
	}
}

// TestFullDisk: a disk that is full ends the making of previews; the error tells
// that the pages could not be written.
func TestFullDisk(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	before := c.proven()
	if err := c.bag.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := bag.Open(c.dir, bag.Options{Wrap: func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if op == fault.Write && strings.Contains(name, "view-") {
				return syscall.ENOSPC
			}
			return nil
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, err := viewer.Write(t.Context(), b, viewer.Options{})
	var full *bag.DestinationError
	if !errors.As(err, &full) || full.Trouble != bag.Full || !r.NoRoom {
		t.Errorf("%+v %v", r, err)
	}
	c.sameAs(before)
}

// TestLinks: where someone put a link in place of export, nothing is written
// through it.
func TestLinks(t *testing.T) {
	for _, at := range []string{"export", "export/view", "export/previews"} {
		c := newCopy(t)
		c.put(aLife(t)...)
		elsewhere := t.TempDir()
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(c.dir, at)), 0o700), os.Symlink(elsewhere, filepath.Join(c.dir, at))); err != nil {
			t.Fatal(err)
		}
		r, err := viewer.Write(t.Context(), c.bag, viewer.Options{})
		if err == nil || r.Outcome != viewer.Nothing {
			t.Errorf("%s: %+v", at, r)
		}
		if names, err := os.ReadDir(elsewhere); err != nil || len(names) > 0 {
			t.Errorf("%s: written elsewhere: %v %v", at, names, err)
		}
	}
}
