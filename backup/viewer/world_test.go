package viewer_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/viewer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	photos = source.Ref{Account: "nextcloud:alice", Dataset: source.Photos, Source: "Pictures"}
	book   = source.Ref{Account: "nextcloud:alice", Dataset: source.Contacts, Source: "Personal"}
	memos  = source.Ref{Account: "nextcloud:alice", Dataset: source.Notes, Source: "Notes"}
	dates  = source.Ref{Account: "nextcloud:alice", Dataset: source.Calendars, Source: "Family"}
)

// copied is a bag in a folder of its own.
type copied struct {
	t   testing.TB
	bag *bag.Bag
	dir string
}

func newCopy(t testing.TB) *copied {
	t.Helper()
	parent := t.TempDir()
	b, err := bag.Create(parent, "copy of #1 100 “alice”", bag.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return &copied{t: t, bag: b, dir: b.Path()}
}

// file is something to put into a copy.
type file struct {
	ref  source.Ref
	id   string // its path for photos and notes
	name string
	data []byte
	mod  time.Time
}

// put copies files into the bag and brings its lists up to date.
func (c *copied) put(files ...file) {
	c.t.Helper()
	for part := range slices.Chunk(files, 500) {
		var batch []bag.Addition
		for _, f := range part {
			it := &source.Item{Key: source.Key{Ref: f.ref, ID: f.id}, Name: f.name, Size: int64(len(f.data)), ModTime: f.mod}
			switch f.ref.Dataset {
			case source.Photos, source.Notes, source.Files:
				it.Path = f.id
			case source.Contacts:
				it.Ext = ".vcf"
			default:
				it.Ext = ".ics"
			}
			if it.ModTime.IsZero() {
				it.ModTime = noon
			}
			s, err := c.bag.Stage(it.Size)
			if err == nil {
				_, err = s.Write(f.data)
			}
			if err == nil {
				err = s.Finish(it.ModTime)
			}
			if err != nil {
				c.t.Fatal(err)
			}
			batch = append(batch, bag.Addition{Item: it, Staged: s, FirstSeen: noon})
		}
		if _, err := c.bag.Commit(batch); err != nil {
			c.t.Fatal(err)
		}
	}
	c.fold()
}

func (c *copied) fold(failures ...bag.Failure) {
	c.t.Helper()
	if err := c.bag.Fold(slices.Values(failures)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *copied) write(change ...func(*viewer.Options)) viewer.Report {
	c.t.Helper()
	o := viewer.Options{Now: func() time.Time { return noon }, Zone: time.UTC, Account: "alice@example.org at Nextcloud"}
	for _, f := range change {
		f(&o)
	}
	r, err := viewer.Write(c.t.Context(), c.bag, o)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *copied) read(name string) string {
	c.t.Helper()
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}
