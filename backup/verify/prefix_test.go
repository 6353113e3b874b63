package verify_test

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/verify"
)

// A kill leaves a part of what a run wrote: in none of them does an item count as
// read back whose finding is not listed.
func TestNoFindingIsLostInAnyPartOfTheList(t *testing.T) {
	b, err := bag.Create(t.TempDir(), "copy", bag.Options{})
	must(t, err)
	defer b.Close()
	state := t.TempDir()
	l, err := ledger.Open(state)
	must(t, err)
	for _, r := range add(t, b, 0, 5) {
		must(t, l.Put(&ledger.Entry{Key: r.Key, Size: r.Size, SHA256: r.SHA256, Path: r.Path}))
	}
	run(t, b, l, verify.Options{Check: func(*ledger.Entry, io.ReaderAt) error { return errOdd }})
	must(t, l.Close())
	text, err := os.ReadFile(filepath.Join(state, "ledger"))
	must(t, err)
	read := 0
	for n := len(text); n > 64; n -= 29 {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "ledger"), text[:n], 0o600))
		l, err := ledger.Open(dir)
		must(t, err)
		for _, e := range entries(t, l) {
			if e.VerifiedAt.IsZero() {
				continue
			}
			if read++; !notParsed(l, &e) {
				t.Errorf("of %d bytes: %s counts as read back, and what was found is not listed", n, e.ID)
			}
		}
		must(t, l.Close())
	}
	if read == 0 {
		t.Error("nothing was tested")
	}
}

// restless is a file system on which files change while they are read.
type restless struct{ disk.Root }

func (r restless) OpenDirect(name string) (disk.File, error) {
	f, err := r.Root.OpenDirect(name)
	return &restlessFile{File: f}, err
}

func (r restless) Open(name string) (disk.File, error) {
	f, err := r.Root.Open(name)
	return &restlessFile{File: f}, err
}

type restlessFile struct {
	disk.File
	asked atomic.Int64
}

func (f *restlessFile) Stat() (disk.Stat, error) {
	st, err := f.File.Stat()
	st.CtimeNS += f.asked.Add(1)
	return st, err
}

func TestFileThatChangesWhileItIsReadIsUnknown(t *testing.T) {
	b, l := copies(t, 3, bag.Options{Wrap: func(r disk.Root) disk.Root { return restless{r} }})
	r := run(t, b, l, verify.Options{})
	if r.Unknown != 3 || r.OK != 0 {
		t.Errorf("%+v", r)
	}
	for _, e := range entries(t, l) {
		if !e.VerifiedAt.IsZero() {
			t.Error("it counts as read back")
		}
	}
}

// stubborn opens with O_DIRECT and refuses to read so.
type stubborn struct{ disk.Root }

func (r stubborn) OpenDirect(name string) (disk.File, error) {
	f, err := r.Root.Open(name)
	return stubbornFile{f}, err
}

type stubbornFile struct{ disk.File }

func (stubbornFile) Read([]byte) (int, error) { return 0, syscall.EINVAL }

func TestWhatRefusesToReadPastTheCacheIsReadAfterIt(t *testing.T) {
	b, l := copies(t, 3, bag.Options{Wrap: func(r disk.Root) disk.Root { return stubborn{r} }})
	if r := run(t, b, l, verify.Options{}); !r.Whole() || r.OK != 3 || r.Direct != 0 || l.LastReading().Dropped != 3 {
		t.Errorf("%+v", r)
	}
}
