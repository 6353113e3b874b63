package copy_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/verify"
)

// The figures of goals.md: CLEARANCE_BENCH_SCALE=1 is their full size, the
// default a tenth. Run with -benchtime=1x; "rsync" and "sha256sum" are the peers
// on the same bytes.
func scale(n int) int {
	if s, err := strconv.ParseFloat(os.Getenv("CLEARANCE_BENCH_SCALE"), 64); err == nil {
		return max(1, int(float64(n)*s))
	}
	return max(1, n/10)
}

func fillPhotos(b *testing.B, dir string, n, size int) {
	b.Helper()
	buf := make([]byte, size)
	for i := range n {
		if _, err := rand.Read(buf); err != nil {
			b.Fatal(err)
		}
		d := filepath.Join(dir, fmt.Sprint(i/500))
		must(b, os.MkdirAll(d, 0o700))
		must(b, os.WriteFile(filepath.Join(d, fmt.Sprintf("IMG_%06d.jpg", i)), buf, 0o600))
	}
	command(b, "sync")
}

func command(b *testing.B, name string, args ...string) {
	b.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func initial(b *testing.B, n, size int) {
	b.Run("clearance", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			w := newWorld(b)
			fillPhotos(b, w.src, n, size)
			w.open()
			b.StartTimer()
			r, err := w.run(b.Context(), copy.Options{})
			must(b, err)
			b.StopTimer()
			if r.Copied != n || r.Outcome != copy.Complete {
				b.Fatalf("%+v", r)
			}
			b.StartTimer()
		}
	})
	b.Run("rsync", func(b *testing.B) {
		if _, err := exec.LookPath("rsync"); err != nil {
			b.Skip("SKIPPED: no rsync here")
		}
		for range b.N {
			b.StopTimer()
			w := newWorld(b)
			fillPhotos(b, w.src, n, size)
			b.StartTimer()
			command(b, "rsync", "-a", w.src+"/", w.dir+"/rsync/")
			command(b, "sync")
		}
	})
}

func BenchmarkInitialPhotos(b *testing.B) { initial(b, scale(2000), 800_000) }
func BenchmarkInitialSmall(b *testing.B)  { initial(b, scale(100_000), 300) }

func BenchmarkNothingChanged(b *testing.B) {
	n := scale(100_000)
	w := newWorld(b)
	fillPhotos(b, w.src, n, 300)
	w.mustRun()
	for name, trust := range map[string]bool{"looking-at-copies": false, "trusting-copies": true} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				w.close() // opening the ledger is part of it
				r, err := w.run(b.Context(), copy.Options{TrustCopies: trust})
				must(b, err)
				if r.Unchanged != n {
					b.Fatalf("%+v", r)
				}
			}
		})
	}
	b.Run("copy-stats", func(b *testing.B) {
		for range b.N {
			if _, err := verify.CopyStats(b.Context(), w.bag, w.ledger); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rsync", func(b *testing.B) {
		if _, err := exec.LookPath("rsync"); err != nil {
			b.Skip("SKIPPED: no rsync here")
		}
		command(b, "rsync", "-a", w.src+"/", w.dir+"/rsync/")
		for b.Loop() {
			command(b, "rsync", "-a", w.src+"/", w.dir+"/rsync/")
		}
	})
}

func BenchmarkVerifyCold(b *testing.B) {
	n := scale(2000)
	w := newWorld(b)
	fillPhotos(b, w.src, n, 800_000)
	w.mustRun()
	cold := func() {
		command(b, "sync")
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
			b.Skip("SKIPPED: only root can empty the cache")
		}
	}
	b.Run("clearance", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			cold()
			b.StartTimer()
			r, err := verify.Run(b.Context(), w.bag, w.ledger, verify.Options{})
			must(b, err)
			if !r.Whole() {
				b.Fatalf("%+v", r)
			}
		}
	})
	b.Run("sha256sum", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			cold()
			b.StartTimer()
			if out, err := sha256sum(w.bagDir()); err != nil {
				b.Fatal(out, err)
			}
		}
	})
}

func BenchmarkOneNewPhoto(b *testing.B) {
	w := newWorld(b)
	fillPhotos(b, w.src, scale(10_000), 300)
	w.mustRun()
	n := 0
	for b.Loop() {
		n++
		w.write(fmt.Sprintf("new/%d.jpg", n), fmt.Sprintf("%0800000d", n))
		r, err := w.run(b.Context(), copy.Options{TrustCopies: true})
		must(b, err)
		if r.Copied != 1 {
			b.Fatalf("%+v", r)
		}
	}
}
