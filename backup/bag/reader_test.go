package bag_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

var album = source.Ref{Account: "a", Dataset: source.Photos, Source: "pictures"}

// readable is a bag under test, made and changed by a writer.
type readable struct {
	t   testing.TB
	dir string
}

func newReadable(t testing.TB) *readable {
	t.Helper()
	r := &readable{t: t, dir: t.TempDir()}
	b, err := bag.Create(r.dir, "copy", bag.Options{})
	ok(t, err)
	ok(t, b.Close())
	return r
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *readable) path() string { return r.dir + "/copy" }

func (r *readable) write(o bag.Options) *bag.Bag {
	r.t.Helper()
	b, err := bag.Open(r.path(), o)
	ok(r.t, err)
	return b
}

func put(b *bag.Bag, id, text string) error {
	s, err := b.Stage(int64(len(text)))
	if err != nil {
		return err
	}
	if _, err := s.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.Finish(time.Unix(1000, 0)); err != nil {
		return err
	}
	it := &source.Item{Key: source.Key{Ref: album, ID: id}, Path: id}
	_, err = b.Commit([]bag.Addition{{Item: it, Staged: s}})
	return err
}

func (r *readable) open() *bag.Reader {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	from, err := bag.OpenReader(ctx, r.path(), bag.Options{})
	ok(r.t, err)
	r.t.Cleanup(func() { ok(r.t, from.Close()) })
	return from
}

// contents are what a reader gives: the newest of each id, checked against its
// sum.
func contents(t testing.TB, from *bag.Reader) map[string]string {
	t.Helper()
	got := map[string]string{}
	for rec, err := range from.Records() {
		ok(t, err)
		if rec.State == bag.Lost {
			continue
		}
		sum, err := from.Sum(rec.Path)
		if err != nil || sum != rec.SHA256 {
			t.Errorf("%s: %v", rec.Path, err)
		}
		got[rec.ID] = read(t, from, rec.Path)
		if sha256.Sum256([]byte(got[rec.ID])) != rec.SHA256 {
			t.Errorf("%s has %q", rec.Path, got[rec.ID])
		}
	}
	return got
}

func read(t testing.TB, from *bag.Reader, path string) string {
	t.Helper()
	f, err := from.Open(path)
	ok(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	ok(t, err)
	return string(text)
}

func want(t testing.TB, got map[string]string, pairs ...string) {
	t.Helper()
	if len(got) != len(pairs)/2 {
		t.Errorf("%v", got)
	}
	for i := 0; i < len(pairs); i += 2 {
		if got[pairs[i]] != pairs[i+1] {
			t.Errorf("%s is %q, not %q", pairs[i], got[pairs[i]], pairs[i+1])
		}
	}
}

func TestAReaderSeesWhatAnOpenWriterAcknowledgedAndKeepsItsMoment(t *testing.T) {
	r := newReadable(t)
	b := r.write(bag.Options{})
	defer func() { ok(t, b.Close()) }()
	ok(t, put(b, "a", "folded"))
	ok(t, b.Fold(nil))
	ok(t, put(b, "b", "in the journal"))
	from := r.open()
	want(t, contents(t, from), "a", "folded", "b", "in the journal")
	ok(t, put(b, "c", "later"))
	ok(t, b.Fold(nil))
	want(t, contents(t, from), "a", "folded", "b", "in the journal")
	want(t, contents(t, r.open()), "a", "folded", "b", "in the journal", "c", "later")
	if l, why := from.Lists(); l != bag.ListsWhole || from.Unreadable() != 0 {
		t.Errorf("%s: %s, %d", l, why, from.Unreadable())
	}
}

// failing fails the first call that matches, as a kill there would.
type failing struct {
	disk.Root
	at func(op, from, to string) bool
}

var errKilled = errors.New("killed")

func (f *failing) Place(from, to string) error {
	if f.at("place", from, to) {
		return errKilled
	}
	return f.Root.Place(from, to)
}

func (f *failing) Replace(from, to string) error {
	if f.at("replace", from, to) {
		return errKilled
	}
	return f.Root.Replace(from, to)
}

func TestAReaderFindsWhatAKilledWriterLeftUnfinished(t *testing.T) {
	for name, at := range map[string]func(op, from, to string) bool{
		"before the rename of a photo": func(op, _, to string) bool { return op == "place" && strings.HasSuffix(to, "/b") },
		"before the new manifest":      func(_, _, to string) bool { return to == "manifest-sha256.txt" },
		"before the new items.jsonl":   func(_, _, to string) bool { return to == "items.jsonl" },
		"before the new tag manifest":  func(_, _, to string) bool { return to == "tagmanifest-sha256.txt" },
	} {
		r := newReadable(t)
		b := r.write(bag.Options{})
		ok(t, put(b, "a", "first"))
		ok(t, b.Fold(nil))
		ok(t, b.Close())
		b = r.write(bag.Options{Wrap: func(root disk.Root) disk.Root { return &failing{root, at} }})
		err := put(b, "b", "second")
		if err == nil {
			err = b.Fold(nil)
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("%s: %v", name, err)
		}
		ok(t, b.Close())
		before := snapshot(t, r.path())
		from := r.open()
		want(t, contents(t, from), "a", "first", "b", "second")
		if l, why := from.Lists(); l != bag.ListsWhole {
			t.Errorf("%s: %s", name, why)
		}
		if after := snapshot(t, r.path()); after != before {
			t.Errorf("%s: the reader changed the copy", name)
		}
	}
}

// snapshot is every name with its size and time.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	var b bytes.Buffer
	ok(t, filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		b.WriteString(p + " " + st.Mode().String() + " " + st.ModTime().String() + "\n")
		return err
	}))
	return b.String()
}

func TestAReaderNeverMixesTwoMoments(t *testing.T) {
	r := newReadable(t)
	var stop, done sync.WaitGroup
	stop.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan error, 1)
	done.Add(1)
	go func() {
		defer done.Done()
		b, err := bag.Open(r.path(), bag.Options{})
		for i := 0; err == nil && ctx.Err() == nil; i++ {
			if err = put(b, "photo-"+time.Duration(i).String(), time.Duration(i).String()); err == nil {
				err = b.Fold(nil)
			}
			if i == 0 {
				stop.Done()
			}
		}
		written <- errors.Join(err, b.Close())
	}()
	stop.Wait()
	for range 30 {
		from, err := bag.OpenReader(context.Background(), r.path(), bag.Options{})
		var busy *bag.BusyError
		if errors.As(err, &busy) {
			continue // said clearly
		}
		ok(t, err)
		if l, why := from.Lists(); l != bag.ListsWhole {
			t.Errorf("%s", why)
		}
		if len(contents(t, from)) == 0 {
			t.Error("nothing was read")
		}
		ok(t, from.Close())
	}
	cancel()
	done.Wait()
	ok(t, <-written)
}

func TestEditedPhotosAreVersionsOfTheirItem(t *testing.T) {
	r := newReadable(t)
	b := r.write(bag.Options{})
	ok(t, put(b, "a", "original"))
	ok(t, b.Fold(nil))
	at := r.path() + "/data/photos/pictures/a"
	ok(t, os.Chmod(at, 0o600))
	ok(t, os.WriteFile(at, []byte("rotated"), 0o600))
	sum := sha256.Sum256([]byte("original"))
	_, err := b.Heal("data/photos/pictures/a", sum, 8)
	ok(t, err)
	for range 2 {
		var got []string
		for rec, err := range r.open().Records() {
			ok(t, err)
			got = append(got, rec.ID+" "+string(rec.State)+" "+rec.Path)
		}
		if len(got) != 2 || got[1] != "a edited data/photos/pictures/a~edited" {
			t.Errorf("%q", got)
		}
		ok(t, b.Fold(nil))
	}
	ok(t, b.Close())
}

func TestWhatIsNoBagIsRefused(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.Mkdir(dir+"/empty", 0o700))
	ok(t, os.Mkdir(dir+"/other", 0o700))
	ok(t, os.WriteFile(dir+"/other/bag-info.txt", []byte("External-Identifier: someone else's\n"), 0o600))
	ok(t, os.MkdirAll(dir+"/folder/bag-info.txt", 0o700))
	ok(t, os.Mkdir(dir+"/link", 0o700))
	ok(t, os.Symlink("/etc/hosts", dir+"/link/bag-info.txt"))
	for _, name := range []string{"empty", "other", "folder", "link", "nothing"} {
		if _, err := bag.OpenReader(context.Background(), dir+"/"+name, bag.Options{}); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
}

func TestPathsThatLeadOutAreNotOpened(t *testing.T) {
	r := newReadable(t)
	b := r.write(bag.Options{})
	ok(t, put(b, "a", "x"))
	ok(t, b.Fold(nil))
	ok(t, b.Close())
	ok(t, os.Symlink("/etc", r.path()+"/data/photos/etc"))
	ok(t, os.Symlink("/etc/hosts", r.path()+"/data/photos/hosts"))
	from := r.open()
	for _, p := range []string{"../secret", "/etc/hosts", "data/../bag-info.txt", "bag-info.txt", "data/photos/etc/hosts", "data/photos/hosts", "data", "", "data/photos"} {
		if f, err := from.Open(p); err == nil {
			t.Errorf("%q was opened", p)
			ok(t, f.Close())
		}
	}
}
