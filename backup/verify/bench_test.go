package verify_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

// The figures of goals.md: CLEARANCE_BENCH_SCALE=1 is their full size, the
// default a tenth. Run with -run - -benchtime=1x; "sha256sum" is the peer on the
// same bytes. Both begin with an empty cache.
func scale(n int) int {
	if s, err := strconv.ParseFloat(os.Getenv("CLEARANCE_BENCH_SCALE"), 64); err == nil {
		return max(1, int(float64(n)*s))
	}
	return max(1, n/10)
}

func BenchmarkColdPhotos(b *testing.B) { coldly(b, scale(2000), 800_000) }
func BenchmarkColdSmall(b *testing.B)  { coldly(b, scale(100_000), 300) }

func coldly(b *testing.B, n, size int) {
	bag, l := filled(b, n, size)
	empty := func() {
		b.StopTimer()
		defer b.StartTimer()
		shell(b, "", "sync")
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
			b.Skip("SKIPPED: only root can empty the cache")
		}
	}
	b.Run("clearance", func(b *testing.B) {
		for range b.N {
			empty()
			if r := run(b, bag, l, verify.Options{}); !r.Whole() || r.OK != n {
				b.Fatalf("%+v", r)
			}
		}
	})
	b.Run("sha256sum", func(b *testing.B) {
		for range b.N {
			empty()
			shell(b, bag.Path(), "sha256sum", "--quiet", "-c", "manifest-sha256.txt")
		}
	})
	b.Run("stats", func(b *testing.B) {
		for range b.N {
			if s, err := verify.CopyStats(b.Context(), bag, l); err != nil || !s.Sound() {
				b.Fatalf("%+v %v", s, err)
			}
		}
	})
}

func shell(b *testing.B, dir, name string, args ...string) {
	b.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func filled(b *testing.B, n, size int) (*bag.Bag, *ledger.Ledger) {
	b.Helper()
	to, err := bag.Create(b.TempDir(), "copy", bag.Options{})
	must(b, err)
	l, err := ledger.Open(b.TempDir())
	must(b, err)
	b.Cleanup(func() { _ = to.Close(); _ = l.Close() })
	content := make([]byte, size)
	var batch []bag.Addition
	for i := range n {
		_, err := rand.Read(content)
		must(b, err)
		s, err := to.Stage(int64(size))
		must(b, err)
		_, err = s.Write(content)
		must(b, err)
		must(b, s.Finish(time.Unix(1e9, 0)))
		it := &source.Item{Key: source.Key{Ref: source.Ref{Dataset: source.Photos, Source: "s"}, ID: fmt.Sprint(i)}, Path: fmt.Sprintf("%d/%d.jpg", i/500, i)}
		if batch = append(batch, bag.Addition{Item: it, Staged: s}); len(batch) < 1000 && i < n-1 {
			continue
		}
		records, err := to.Commit(batch)
		must(b, err)
		for _, r := range records {
			must(b, l.Put(&ledger.Entry{Key: r.Key, Size: r.Size, SHA256: r.SHA256, Path: r.Path}))
		}
		batch = nil
	}
	must(b, to.Fold(nil))
	return to, l
}
