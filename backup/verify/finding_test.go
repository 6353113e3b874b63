package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

var errOdd = errors.New("not a photo")

func entries(t testing.TB, l *ledger.Ledger) (all []ledger.Entry) {
	t.Helper()
	for e, err := range l.All() {
		must(t, err)
		all = append(all, e)
	}
	return all
}

func notParsed(l *ledger.Ledger, e *ledger.Entry) bool {
	f, listed := l.Failure(&e.Key)
	return listed && f.Reason == ledger.NotParsed
}

// Whatever ends a run: what counts as read back was looked into, and what was
// found is listed.
func TestNoFindingIsLostWhenARunIsStopped(t *testing.T) {
	b, l := copies(t, 80, bag.Options{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var looked atomic.Int32
	_, err := verify.Run(ctx, b, l, verify.Options{Check: func(*ledger.Entry, io.ReaderAt) error {
		if looked.Add(1) == 20 {
			stop()
		}
		return errOdd
	}})
	if !errors.Is(err, context.Canceled) || l.LastReading() != (ledger.Reading{}) {
		t.Fatalf("%v, %+v", err, l.LastReading())
	}
	read := 0
	for _, e := range entries(t, l) {
		if e.VerifiedAt.IsZero() {
			continue
		}
		if read++; !notParsed(l, &e) {
			t.Errorf("%s counts as read back, and what was found is not listed", e.ID)
		}
	}
	if read == 0 || read == 80 {
		t.Errorf("%d were read: nothing was tested", read)
	}
}

func TestFindingGoesWhenNothingIsFoundAnyMore(t *testing.T) {
	b, l := copies(t, 3, bag.Options{})
	other := ledger.Failure{Key: entries(t, l)[2].Key, Reason: source.Special}
	must(t, l.Fail(&other))
	find := func(odd error) verify.Report {
		return run(t, b, l, verify.Options{Check: func(e *ledger.Entry, _ io.ReaderAt) error {
			if e.ID == "2" {
				return nil
			}
			return odd
		}})
	}
	if r := find(errOdd); r.Malformed != 2 || !r.Whole() {
		t.Fatalf("%+v", r)
	}
	for i, e := range entries(t, l) {
		if notParsed(l, &e) != (i < 2) {
			t.Errorf("%s: listed as not parsed: %v", e.ID, i >= 2)
		}
	}
	first, _ := l.Failure(&entries(t, l)[0].Key)
	find(errOdd)
	if f, _ := l.Failure(&entries(t, l)[0].Key); !f.At.Equal(first.At) {
		t.Error("what is listed is listed again: the list grows by it every day")
	}
	find(nil)
	if list, _ := l.Failures(); len(list) != 1 || list[0].Reason != source.Special {
		t.Errorf("%+v", list)
	}
}

func TestFindingThatCannotBeListedLeavesTheItemUnknown(t *testing.T) {
	b, l := copies(t, 2, bag.Options{})
	f := ledger.Failure{Reason: source.Special}
	for i := range ledger.MaxFailures {
		f.ID = string(rune(0x4e00+i%20000)) + string(rune('a'+i/20000))
		must(t, l.Fail(&f))
	}
	r := run(t, b, l, verify.Options{Check: func(e *ledger.Entry, _ io.ReaderAt) error {
		if e.ID == "1" {
			return errOdd
		}
		return nil
	}})
	if r.OK != 1 || r.Unknown != 1 || r.Malformed != 0 || len(r.Problems) != 1 || !errors.Is(r.Problems[0].Err, errOdd) {
		t.Fatalf("%+v", r)
	}
	if e := entries(t, l)[1]; !e.VerifiedAt.IsZero() {
		t.Error("it counts as read back")
	}
}

// large makes a bag with one file that is not kept in memory whole.
func large(t *testing.T, o bag.Options) (*bag.Bag, *ledger.Ledger, []byte) {
	t.Helper()
	b, l := copies(t, 0, o)
	content := make([]byte, 17<<20+123)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(content)
	s, err := b.Stage(int64(len(content)))
	must(t, err)
	_, err = s.Write(content)
	must(t, err)
	must(t, s.Finish(time.Unix(1e9, 0)))
	it := &source.Item{Key: source.Key{Ref: source.Ref{Dataset: source.Photos, Source: "s"}, ID: "film"}, Path: "film.mp4"}
	records, err := b.Commit([]bag.Addition{{Item: it, Staged: s}})
	must(t, err)
	must(t, l.Put(&ledger.Entry{Key: it.Key, Size: records[0].Size, SHA256: records[0].SHA256, Path: records[0].Path}))
	return b, l, content
}

func TestLargeFilesAreLookedIntoAnywhere(t *testing.T) {
	for name, o := range map[string]bag.Options{
		"direct": {}, "dropped": {Wrap: func(r disk.Root) disk.Root { return cached{Root: r} }},
	} {
		b, l, content := large(t, o)
		looked := false
		r := run(t, b, l, verify.Options{Check: func(_ *ledger.Entry, in io.ReaderAt) error {
			looked = true
			pick := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				off, n := pick.IntN(len(content)), pick.IntN(600_000)
				got := make([]byte, n)
				m, err := in.ReadAt(got, int64(off))
				if want := content[off:min(off+n, len(content))]; !bytes.Equal(got[:m], want) || (m < n) != errors.Is(err, io.EOF) {
					t.Fatalf("%s: %d bytes at %d: %d came: %v", name, n, off, m, err)
				}
			}
			return nil
		}})
		if !looked || !r.Whole() || r.OK != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// second fails every read but those in order.
type second struct{ disk.Root }

type secondFile struct{ disk.File }

func (r second) OpenDirect(name string) (disk.File, error) {
	f, err := r.Root.OpenDirect(name)
	if err != nil {
		f, err = r.Open(name)
	}
	return secondFile{f}, err
}

func (secondFile) ReadAt([]byte, int64) (int, error) { return 0, syscall.EIO }

func TestDiskThatFailsWhileLookingIntoAFileIsNoFinding(t *testing.T) {
	b, l, _ := large(t, bag.Options{Wrap: func(r disk.Root) disk.Root { return second{r} }})
	r := run(t, b, l, verify.Options{Check: func(_ *ledger.Entry, in io.ReaderAt) error {
		_, err := in.ReadAt(make([]byte, 10), 5)
		return err
	}})
	if r.Unknown != 1 || r.Malformed != 0 || !errors.Is(r.Problems[0].Err, syscall.EIO) {
		t.Errorf("%+v", r)
	}
}

func TestReadingElsewhereBeginsAnew(t *testing.T) {
	b, l := copies(t, 10, bag.Options{})
	o := verify.Options{OnlyNew: true}
	first := run(t, b, l, o)
	if first.At.Bag != b.ID() || first.At.Disk == "" || l.Place() != first.At {
		t.Fatalf("%+v", first.At)
	}
	if got := l.LastReading(); got.At != first.At || got.Items != 10 || got.Bytes != first.Bytes || got.Direct+got.Dropped != 10 ||
		!got.Began.Equal(first.Began) || !got.Ended.Equal(first.Ended) || got.Wrong != 0 {
		t.Errorf("%+v", got)
	}
	if r := run(t, b, l, o); r.Skipped != 10 || l.LastReading().Stood != 10 {
		t.Fatalf("%+v", r)
	}
	here := entries(t, l)
	must(t, l.ReadFrom(ledger.Destination{Disk: "another", Bag: b.ID()}))
	for i := range here { // read there, with the very stats that the copies here have
		must(t, l.Verified(&here[i], time.Now(), here[i].Stat))
	}
	if s, err := verify.CopyStats(t.Context(), b, l); err != nil || s.Unverified != 10 || s.Sound() || !s.Oldest.IsZero() {
		t.Errorf("%+v %v", s, err)
	}
	if r := run(t, b, l, o); r.OK != 10 || r.Skipped != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAnotherDiskInThePlaceOfTheCopy(t *testing.T) {
	b, l := copies(t, 3, bag.Options{})
	if err := syscall.Mount("none", b.Path(), "tmpfs", 0, ""); err != nil {
		t.Skipf("SKIPPED: nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(b.Path(), syscall.MNT_DETACH) })
	if r, err := verify.Run(t.Context(), b, l, verify.Options{}); err == nil || r.Items != 0 {
		t.Errorf("it was read back: %+v", r)
	}
	if s, err := verify.CopyStats(t.Context(), b, l); err == nil {
		t.Errorf("it was looked at: %+v", s)
	}
}

// TestWhatIsMountedInTheCopyIsNotTheCopy: files that are right, and are elsewhere.
func TestWhatIsMountedInTheCopyIsNotTheCopy(t *testing.T) {
	b, l := copies(t, 3, bag.Options{})
	at, other := b.Path()+"/data/photos", t.TempDir()
	must(t, b.Close()) // which holds its folders open
	must(t, os.CopyFS(other, os.DirFS(at)))
	if err := syscall.Mount(other, at, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("SKIPPED: nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
	b, err := bag.Open(b.Path(), bag.Options{})
	must(t, err)
	defer b.Close()
	r := run(t, b, l, verify.Options{})
	if r.OK != 0 || r.Unknown != 3 || !errors.Is(r.Problems[0].Err, disk.ErrMount) {
		t.Errorf("%+v", r)
	}
	if s, err := verify.CopyStats(t.Context(), b, l); err != nil || s.Sound() || s.Unknown != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A copy in memory cannot be read from a disk.
func TestCopyInMemoryIsUnknown(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "clearance")
	if err != nil {
		t.Skipf("SKIPPED: no tmpfs at /dev/shm: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b, err := bag.Create(dir, "copy", bag.Options{})
	must(t, err)
	defer b.Close()
	l, err := ledger.Open(t.TempDir())
	must(t, err)
	defer l.Close()
	for _, r := range add(t, b, 0, 3) {
		must(t, l.Put(&ledger.Entry{Key: r.Key, Size: r.Size, SHA256: r.SHA256, Path: r.Path}))
	}
	r := run(t, b, l, verify.Options{})
	if r.Unknown != 3 || r.Whole() || !errors.Is(r.Problems[0].Err, verify.ErrCached) {
		t.Errorf("%+v", r)
	}
}

func TestReadAgainAfterItMoved(t *testing.T) {
	b, l := copies(t, 3, bag.Options{})
	run(t, b, l, verify.Options{})
	at := filepath.Join(b.Path(), entries(t, l)[1].Path)
	text, err := os.ReadFile(at)
	must(t, err)
	must(t, os.WriteFile(at+"~", text, fs.FileMode(0o400)))
	must(t, os.Chtimes(at+"~", time.Unix(1e9, 0), time.Unix(1e9, 0)))
	must(t, os.Rename(at+"~", at)) // the same bytes and time in another file
	if r := run(t, b, l, verify.Options{OnlyNew: true}); r.OK != 1 || r.Skipped != 2 || !r.Whole() {
		t.Errorf("%+v", r)
	}
}
