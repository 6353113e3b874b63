package ledger_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

// peak is the most memory that the process had since forget, MB.
func peak(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	_, err = fmt.Sscan(rest, &kb)
	must(t, err)
	return kb / 1e3
}

// forget starts the count of peak anew.
func forget(t testing.TB) {
	t.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("SKIPPED: the peak of memory cannot be measured here: %v", err)
	}
}

func fill(t testing.TB, dir string, n int, verified bool) {
	t.Helper()
	l := open(t, dir)
	defer l.Close()
	for i := range n {
		e := entry(i)
		must(t, l.Put(e))
		if verified {
			must(t, l.Verified(e, time.Unix(3, 0), disk.Stat{Dev: 1, Ino: uint64(i), Size: 1, MtimeNS: 1e18, CtimeNS: 1e18}))
		}
	}
	must(t, l.Sync())
}

// BenchmarkMillion holds a ledger of a million items against goals.md: peak-MB
// is the whole process. Run with -run - -bench Million -benchtime 1x.
func BenchmarkMillion(b *testing.B) { held(b, 1_000_000) }

// BenchmarkHundredThousand is the same at the size of a large library.
func BenchmarkHundredThousand(b *testing.B) { held(b, 100_000) }

func held(b *testing.B, n int) {
	dir := b.TempDir()
	b.Run("put", func(b *testing.B) {
		forget(b)
		for range b.N {
			fill(b, b.TempDir(), n, false)
		}
		b.ReportMetric(peak(b), "peak-MB")
	})
	fill(b, dir, n, true)
	each := func(name string, f func(l *ledger.Ledger)) {
		b.Run(name, func(b *testing.B) {
			l := open(b, dir)
			defer l.Close()
			forget(b)
			b.ResetTimer()
			for range b.N {
				f(l)
			}
			b.ReportMetric(peak(b), "peak-MB")
		})
	}
	b.Run("open", func(b *testing.B) {
		forget(b)
		for range b.N {
			must(b, open(b, dir).Close())
		}
		b.ReportMetric(peak(b), "peak-MB")
	})
	each("state", func(l *ledger.Ledger) {
		seen := l.NewSeen()
		for i := range n {
			e := entry(i)
			if seen.State(&e.Key, e.Rev) != ledger.Held {
				b.Fatal(i)
			}
		}
	})
	each("all", func(l *ledger.Ledger) {
		for _, err := range l.All() {
			must(b, err)
		}
	})
	each("digest", func(l *ledger.Ledger) {
		must(b, l.Put(entry(0)))
		_, err := l.Digest()
		must(b, err)
	})
	each("content", func(l *ledger.Ledger) {
		_, _, err := l.ByContent(&entry(1).SHA256)
		must(b, err)
	})
}
