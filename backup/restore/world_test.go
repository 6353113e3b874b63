package restore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("CLEARANCE_TEST_VICTIM"); dir != "" {
		victim(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

const account = "nextcloud:alice@example.org"

var (
	photos   = source.Ref{Account: account, Dataset: source.Photos, Source: "server:photos:"}
	files    = source.Ref{Account: account, Dataset: source.Files, Source: "server:files:"}
	contacts = source.Ref{Account: account, Dataset: source.Contacts, Source: "server:contacts:/book"}
	phone    = source.Ref{Account: account, Dataset: source.Contacts, Source: "book:address-book:/book"}
	calendar = source.Ref{Account: account, Dataset: source.Calendars, Source: "server:calendars:/cal"}
	memos    = source.Ref{Account: account, Dataset: source.Notes, Source: "book:memo-list:Notes"}
	notes    = source.Ref{Account: account, Dataset: source.Notes, Source: "server:notes:"}
)

// noon is when everything in a test was last written, unless it says otherwise.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 123456789, time.UTC)

// thing is an item to put into a bag.
type thing struct {
	ref    source.Ref
	id     string
	text   string
	folder string
	at     time.Time
	seen   time.Time
}

// byID are the sources whose items have no path of their own.
func byID(ref source.Ref) bool {
	return ref.Dataset == source.Contacts || ref.Dataset == source.Calendars || ref == memos
}

// copyWorld is a bag with things in it, and a folder to restore to.
type copyWorld struct {
	t   testing.TB
	dir string
}

func newCopy(t testing.TB, things ...thing) *copyWorld {
	t.Helper()
	w := &copyWorld{t: t, dir: t.TempDir()}
	must(t, os.MkdirAll(w.dir+"/disk", 0o700), os.Mkdir(w.dir+"/home", 0o700))
	b, err := bag.Create(w.dir+"/disk", "copy", bag.Options{})
	must(t, err)
	w.fill(b, things...)
	must(t, b.Fold(nil), b.Close())
	return w
}

func (w *copyWorld) bag() string { return w.dir + "/disk/copy" }

func (w *copyWorld) target() string { return w.dir + "/home/restored" }

func (w *copyWorld) add(things ...thing) {
	w.t.Helper()
	b, err := bag.Open(w.bag(), bag.Options{})
	must(w.t, err)
	w.fill(b, things...)
	must(w.t, b.Fold(nil), b.Close())
}

func (w *copyWorld) fill(b *bag.Bag, things ...thing) {
	w.t.Helper()
	var batch []bag.Addition
	for _, th := range things {
		it := &source.Item{Key: source.Key{Ref: th.ref, ID: th.id}, Name: filepath.Base(th.id), Folder: th.folder}
		if byID(th.ref) {
			it.Ext = ".ics"
			if th.ref.Dataset == source.Contacts {
				it.Ext = ".vcf"
			}
		} else {
			it.Path = th.id
		}
		if it.Folder == "" {
			it.Folder = map[source.Ref]string{photos: "server", contacts: "Family", phone: "Family (this device)", calendar: "Work", memos: "Notes (this device)", notes: "server"}[th.ref]
		}
		s, err := b.Stage(int64(len(th.text)))
		must(w.t, err)
		_, err = s.Write([]byte(th.text))
		must(w.t, err)
		at := th.at
		if at.IsZero() {
			at = noon
		}
		must(w.t, s.Finish(at))
		batch = append(batch, bag.Addition{Item: it, Staged: s, FirstSeen: th.seen})
	}
	_, err := b.Commit(batch)
	must(w.t, err)
}

func (w *copyWorld) reader() *bag.Reader {
	w.t.Helper()
	r, err := bag.OpenReader(context.Background(), w.bag(), bag.Options{})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, r.Close()) })
	return r
}

func (w *copyWorld) folder() *restore.Folder {
	w.t.Helper()
	f, err := restore.NewFolder(w.target(), restore.FolderOptions{})
	must(w.t, err)
	return f
}

// restore restores to a target and fails the test unless the run ended well.
func (w *copyWorld) restore(to restore.Target, sel restore.Selection, o restore.Options) restore.Report {
	w.t.Helper()
	r, err := restore.Run(context.Background(), w.reader(), to, sel, o)
	must(w.t, err)
	return r
}

// tree is every file beneath a folder with its content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.Type()&os.ModeSymlink != 0 {
			got[rel] = "link"
			return nil
		}
		if !d.Type().IsRegular() {
			got[rel] = "special"
			return nil
		}
		text, err := os.ReadFile(p)
		got[rel] = string(text)
		return err
	})
	if !errors.Is(err, os.ErrNotExist) {
		must(t, err)
	}
	return got
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func makePipe(t testing.TB, at string) {
	t.Helper()
	must(t, unix.Mkfifo(at, 0o600))
}
