package verify_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// copies makes a bag of n files, of sizes around those that matter to O_DIRECT.
func copies(t testing.TB, n int, o bag.Options) (*bag.Bag, *ledger.Ledger) {
	t.Helper()
	b, err := bag.Create(t.TempDir(), "copy", o)
	must(t, err)
	l, err := ledger.Open(t.TempDir())
	must(t, err)
	t.Cleanup(func() { _ = b.Close(); _ = l.Close() })
	for _, r := range add(t, b, 0, n) {
		must(t, l.Put(&ledger.Entry{Key: r.Key, Size: r.Size, SHA256: r.SHA256, Path: r.Path}))
	}
	must(t, b.Fold(nil))
	return b, l
}

// add puts items from one number to another into the bag.
func add(t testing.TB, b *bag.Bag, from, to int) []bag.Record {
	t.Helper()
	sizes := []int{1, 0, 511, 512, 4095, 4096, 4097, 1 << 20, 1<<20 + 1, 3<<20 - 1}
	var batch []bag.Addition
	for i := from; i < to; i++ {
		s, err := b.Stage(-1)
		must(t, err)
		_, err = io.WriteString(s, strings.Repeat(string(rune('a'+i%26)), sizes[i%len(sizes)])+fmt.Sprint(i))
		must(t, err)
		must(t, s.Finish(time.Unix(1e9, 0)))
		it := &source.Item{Key: source.Key{Ref: source.Ref{Dataset: source.Photos, Source: "s"}, ID: fmt.Sprint(i)}, Path: fmt.Sprintf("%d/%d.jpg", i%3, i)}
		batch = append(batch, bag.Addition{Item: it, Staged: s})
	}
	records, err := b.Commit(batch)
	must(t, err)
	return records
}

func run(t testing.TB, b *bag.Bag, l *ledger.Ledger, o verify.Options) verify.Report {
	t.Helper()
	r, err := verify.Run(t.Context(), b, l, o)
	must(t, err)
	return r
}

func TestEveryKindOfDamageIsFoundByName(t *testing.T) {
	b, l := copies(t, 40, bag.Options{})
	if r := run(t, b, l, verify.Options{}); !r.Whole() || r.OK != 40 {
		t.Fatalf("%+v", r)
	}
	at := func(i int) string { return filepath.Join(b.Path(), fmt.Sprintf("data/photos/s/%d/%d.jpg", i%3, i)) }
	rewrite := func(i int, change func([]byte) []byte) {
		text, err := os.ReadFile(at(i))
		must(t, err)
		st, err := os.Stat(at(i))
		must(t, err)
		must(t, os.Chmod(at(i), 0o600))
		must(t, os.WriteFile(at(i), change(text), 0o600))
		must(t, os.Chtimes(at(i), st.ModTime(), st.ModTime()))
	}
	rewrite(9, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) // a bit
	rewrite(7, func(b []byte) []byte { return b[:len(b)-1] })        // the end
	rewrite(3, func(b []byte) []byte { return append(b, 'x') })      // more
	must(t, os.Remove(at(12)))                                       // gone
	must(t, os.Rename(at(15), at(15)+"~"))                           // two that changed
	must(t, os.Rename(at(18), at(15)))                               // places
	must(t, os.Rename(at(15)+"~", at(18)))                           //
	must(t, os.Remove(at(21)))                                       // a link in its place
	must(t, os.Symlink("24.jpg", at(21)))                            //
	must(t, os.Remove(at(27)))                                       // a folder in its place
	must(t, os.Mkdir(at(27), 0o700))                                 //
	must(t, os.WriteFile(at(30)+".tmp", make([]byte, 2), 0o600))     // replaced by
	must(t, os.Rename(at(30)+".tmp", at(30)))                        // other content
	r := run(t, b, l, verify.Options{})
	want := map[string]verify.Status{
		"9": verify.Damaged, "7": verify.Damaged, "3": verify.Damaged, "12": verify.Missing, "15": verify.Damaged,
		"18": verify.Damaged, "21": verify.Damaged, "27": verify.Damaged, "30": verify.Damaged,
	}
	if r.Whole() || r.Damaged != 8 || r.Missing != 1 || r.OK != 31 || len(r.Problems) != len(want) {
		t.Fatalf("%+v", r)
	}
	for _, p := range r.Problems {
		if want[p.ID] != p.Status || p.Err == nil {
			t.Errorf("%s: %v %v", p.ID, p.Status, p.Err)
		}
	}
}

func TestOnlyNew(t *testing.T) {
	b, l := copies(t, 10, bag.Options{})
	now := time.Now()
	clock := func() time.Time { return now }
	o := verify.Options{OnlyNew: true, Now: clock}
	if r := run(t, b, l, o); r.OK != 10 {
		t.Fatalf("%+v", r)
	}
	if r := run(t, b, l, o); r.Skipped != 10 || r.OK != 0 || !r.Whole() {
		t.Fatalf("%+v", r)
	}
	must(t, os.Chmod(filepath.Join(b.Path(), "data/photos/s/1/1.jpg"), 0o600))
	if r := run(t, b, l, o); r.Skipped != 9 || r.OK != 1 {
		t.Fatalf("another stat: %+v", r)
	}
	now = now.Add(24*time.Hour + 1)
	if r := run(t, b, l, o); r.OK != 10 {
		t.Fatalf("a day later: %+v", r)
	}
	now = now.Add(-48 * time.Hour)
	if r := run(t, b, l, o); r.OK != 10 {
		t.Fatalf("verified in the future: %+v", r)
	}
}

func TestCopyStatsAreThoseThatTheReadingTook(t *testing.T) {
	b, l := copies(t, 10, bag.Options{})
	stats := func() verify.Stats {
		s, err := verify.CopyStats(t.Context(), b, l)
		must(t, err)
		return s
	}
	if s := stats(); s.Unverified != 10 || s.Sound() {
		t.Fatalf("%+v", s)
	}
	run(t, b, l, verify.Options{})
	one := stats()
	if !one.Sound() || one.Items != 10 || stats() != one {
		t.Fatalf("%+v", one)
	}
	must(t, os.Chmod(filepath.Join(b.Path(), "data/photos/s/1/1.jpg"), 0o600))
	must(t, os.Remove(filepath.Join(b.Path(), "data/photos/s/2/2.jpg")))
	if s := stats(); s.Differ != 1 || s.Missing != 1 || s.Digest == one.Digest {
		t.Fatalf("%+v", s)
	}
}

func TestCheckSeesTheContentOfWholeItemsOnly(t *testing.T) {
	b, l := copies(t, 10, bag.Options{})
	must(t, os.Remove(filepath.Join(b.Path(), "data/photos/s/2/2.jpg")))
	odd := errors.New("not a photo")
	r := run(t, b, l, verify.Options{Check: func(e *ledger.Entry, content io.ReaderAt) error {
		got, err := io.ReadAll(io.NewSectionReader(content, 0, 1<<62))
		if err != nil || sha256.Sum256(got) != e.SHA256 {
			t.Errorf("%s: %d bytes: %v", e.ID, len(got), err)
		}
		if e.ID == "2" {
			t.Error("a missing item was looked at")
		}
		if e.ID == "4" {
			return odd
		}
		return nil
	}})
	if r.Malformed != 1 || r.Odd[0].ID != "4" || !errors.Is(r.Odd[0].Err, odd) || r.OK != 9 || r.Missing != 1 {
		t.Fatalf("%+v", r)
	}
}

// cached is a file system that has no O_DIRECT and, where stuck, keeps every page.
type cached struct {
	disk.Root
	stuck bool
}

func (c cached) OpenDirect(string) (disk.File, error) { return nil, disk.ErrNoDirect }

func (c cached) Open(name string) (disk.File, error) {
	f, err := c.Root.Open(name)
	if err != nil || !c.stuck {
		return f, err
	}
	return stuckFile{f}, nil
}

type stuckFile struct{ disk.File }

func (stuckFile) Drop() (int64, error) { return 4096, nil }

func TestWithoutDirectReadingWhatStaysCachedIsUnknown(t *testing.T) {
	b, l := copies(t, 10, bag.Options{Wrap: func(r disk.Root) disk.Root { return cached{Root: r} }})
	if r := run(t, b, l, verify.Options{}); !r.Whole() || r.OK != 10 {
		t.Fatalf("%+v", r)
	}
	b, l = copies(t, 10, bag.Options{Wrap: func(r disk.Root) disk.Root { return cached{Root: r, stuck: true} }})
	r := run(t, b, l, verify.Options{})
	if r.Unknown != 10 || r.Whole() || !errors.Is(r.Problems[0].Err, verify.ErrCached) {
		t.Fatalf("%+v", r)
	}
}
