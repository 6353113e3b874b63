package bag

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// TestANameIsUsedAgain: a person removes an old version, and a third takes its
// name.
func TestANameIsUsedAgain(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		b, err := Create(t.TempDir(), "copy", Options{})
		must(t, err)
		first := put(t, b, "a.jpg", "one")
		put(t, b, "b.jpg", "bee")
		put(t, b, "a.jpg", "two")
		must(t, b.Fold(nil))
		must(t, b.Close())
		must(t, os.Remove(filepath.Join(b.Path(), first.Path)))
		b, err = Open(b.Path(), Options{})
		must(t, err)
		if third := put(t, b, "a.jpg", "three"); third.Path != first.Path {
			t.Fatalf("the third version lies at %s", third.Path)
		}
		if reopen { // then the fold knows nothing but the journal
			must(t, b.Close())
			b, err = Open(b.Path(), Options{})
			must(t, err)
		}
		must(t, b.Fold(nil))
		check(t, b.Path())
		must(t, b.Close())
	}
}

// TestANameIsUsedAgainBeforeAFold: twice in one journal.
func TestANameIsUsedAgainBeforeAFold(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	first := put(t, b, "a.jpg", "one")
	must(t, os.Remove(filepath.Join(b.Path(), first.Path)))
	b.names = newNames(b.root) // as if it had been forgotten for others
	if again := put(t, b, "a.jpg", "two"); again.Path != first.Path {
		t.Fatalf("it lies at %s", again.Path)
	}
	must(t, b.Fold(nil))
	check(t, b.Path())
	must(t, b.Close())
}

// TestWhatWasCopiedSinceStaysInItsPlace: a person edits a photo and then removes
// the edited file, and the same bytes come from the source.
func TestWhatWasCopiedSinceStaysInItsPlace(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	r := put(t, b, "a.jpg", "one")
	at := filepath.Join(b.Path(), r.Path)
	must(t, os.Chmod(at, 0o600))
	must(t, os.WriteFile(at, []byte("two"), 0o600))
	if whole, err := b.Heal(r.Path, r.SHA256, r.Size); whole || err != nil {
		t.Fatal(whole, err)
	}
	must(t, os.Remove(filepath.Join(b.Path(), "data/files/a~edited.jpg")))
	if r = put(t, b, "a.jpg", "two"); r.Path != "data/files/a.jpg" {
		t.Fatalf("it lies at %s", r.Path)
	}
	must(t, b.Close())
	b, err = Open(b.Path(), Options{})
	must(t, err)
	if _, err := os.Stat(at); err != nil {
		t.Error(err)
	}
	must(t, b.Fold(nil))
	check(t, b.Path())
	must(t, b.Close())
}

// TestAFileThatHasBothNamesIsOne: where a file system renames in two steps, a
// power cut may leave it so.
func TestAFileThatHasBothNamesIsOne(t *testing.T) {
	b, err := Create(t.TempDir(), "copy", Options{})
	must(t, err)
	r := put(t, b, "a.jpg", "one")
	temp := ""
	must(t, b.eachEntry(func(e *entry) error { temp = e.Temp; return nil }))
	must(t, b.Close())
	must(t, os.Link(filepath.Join(b.Path(), r.Path), filepath.Join(b.Path(), temp)))
	b, err = Open(b.Path(), Options{})
	must(t, err)
	if _, err := os.Lstat(filepath.Join(b.Path(), temp)); err == nil || b.Recovered().Finished != 1 {
		t.Errorf("%+v", b.Recovered())
	}
	must(t, b.Fold(nil))
	check(t, b.Path())
	lines := 0
	for l, err := range b.Manifest() {
		must(t, err)
		if l.Path != aboutName && l.Path != r.Path {
			t.Errorf("the manifest has %s", l.Path)
		}
		lines++
	}
	if lines != 2 {
		t.Errorf("%d lines", lines)
	}
	must(t, b.Close())
}

// Whatever a person does to the files of old versions and of new ones, once the
// copy was looked through and folded the manifest has one line a file, each
// right, for all that is there.
func TestOneLineForEachFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("/dev/shm", "bag") // nothing here is about what lasts
		if err != nil {
			dir, err = os.MkdirTemp("", "bag")
		}
		must2(t, err)
		defer os.RemoveAll(dir)
		b, err := Create(dir, "copy", Options{})
		must2(t, err)
		defer func() { must2(t, b.Close()) }()
		held := map[string]Record{} // the newest of each id
		t.Repeat(map[string]func(*rapid.T){
			"a version comes": func(t *rapid.T) {
				id := rapid.SampledFrom([]string{"a.jpg", "A.jpg", "b/c.jpg", "b/d.jpg"}).Draw(t, "id")
				text := fmt.Sprint("text ", rapid.IntRange(0, 5).Draw(t, "text"))
				s, err := b.Stage(int64(len(text)))
				must2(t, err)
				_, err = s.Write([]byte(text))
				must2(t, err)
				it := &source.Item{Key: source.Key{Ref: source.Ref{Account: "a", Dataset: source.Files, Source: "s"}, ID: id}, Path: id}
				must2(t, s.Finish(it.ModTime))
				list, err := b.Commit([]Addition{{Item: it, Staged: s}})
				must2(t, err)
				held[id] = list[0]
			},
			"a person removes an old version": func(t *rapid.T) {
				for _, p := range payload(t, b.Path()) {
					old := true
					for _, r := range held {
						old = old && r.Path != p
					}
					if old && p != aboutName && rapid.Bool().Draw(t, p) {
						must2(t, os.Remove(filepath.Join(b.Path(), p)))
						break
					}
				}
			},
			"a person edits": func(t *rapid.T) {
				if ids := slices.Sorted(maps.Keys(held)); len(ids) > 0 {
					id := ids[0]
					r := held[id]
					must2(t, os.Chmod(filepath.Join(b.Path(), r.Path), 0o600))
					must2(t, os.WriteFile(filepath.Join(b.Path(), r.Path), []byte(rapid.SampledFrom([]string{"text 1", "mine"}).Draw(t, "edit")), 0o600))
					delete(held, id)
					whole, err := b.Heal(r.Path, r.SHA256, r.Size)
					must2(t, err)
					if whole {
						held[id] = r
					}
					for other, o := range held { // of one content with it
						if !whole && o.Path == r.Path {
							delete(held, other)
						}
					}
				}
			},
			"it is opened again": func(t *rapid.T) {
				must2(t, b.Close())
				b, err = Open(filepath.Join(dir, "copy"), Options{})
				must2(t, err)
			},
			"a fold": func(t *rapid.T) { must2(t, b.Fold(nil)) },
		})
		must2(t, b.Fold(nil))
		oneLineEach(t, b)
	})
}

func must2(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// payload are the paths of the files beneath data/, in order.
func payload(t *rapid.T, at string) (list []string) {
	must2(t, filepath.WalkDir(filepath.Join(at, "data"), func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, strings.TrimPrefix(p, at+"/"))
		}
		return err
	}))
	return list
}

func oneLineEach(t *rapid.T, b *Bag) {
	there := map[string]bool{}
	for _, p := range payload(t, b.Path()) {
		there[p] = true
	}
	root, err := disk.Open(b.Path())
	must2(t, err)
	defer root.Close()
	told := map[string]bool{}
	for l, err := range b.Manifest() {
		must2(t, err)
		if told[l.Path] {
			t.Errorf("%s has two lines", l.Path)
		}
		told[l.Path] = true
		if !there[l.Path] {
			continue // what a person removed shows until it is looked for
		}
		if sum, _, err := hashFile(root, l.Path); err != nil || sum != l.SHA256 {
			t.Errorf("the line of %s is wrong: %v", l.Path, err)
		}
	}
	for p := range there {
		if !told[p] {
			t.Errorf("%s has no line", p)
		}
	}
}
