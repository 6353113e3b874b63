package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMemory holds the engine's peak on 30,000 files of distinct content. The bar
// is 100 MB for a million (`make bench`). The collector comes by often here, so
// that the peak is what is kept and not what lies about when it comes: that is
// within 1 MB from run to run in place of 10, and 300 bytes a file too many show.
func TestMemory(t *testing.T) {
	const files, folder = 30_000, 1000
	dir := t.TempDir()
	engine, from, to := filepath.Join(dir, "engine"), filepath.Join(dir, "from"), filepath.Join(dir, "to")
	// By itself, for the race detector would multiply what it takes.
	if out, err := exec.Command("go", "build", "-o", engine, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, os.Mkdir(to, 0o700))
	for i := range files {
		in := fmt.Sprintf("%s/%02d", from, i/folder)
		if i%folder == 0 {
			must(t, os.MkdirAll(in, 0o700))
		}
		must(t, os.WriteFile(fmt.Sprintf("%s/IMG_%06d.jpg", in, i), fmt.Appendf(nil, "photo %d", i), 0o600))
	}
	for _, run := range []struct {
		name string
		args []string
		most int64 // bytes
		did  func(*done) int
	}{
		{"the first copy", []string{"copy", from, to}, 36e6, func(d *done) int { return d.Copied }},
		{"nothing changed", []string{"copy", from, to}, 22e6, func(d *done) int { return d.Listed }}, // some, still young, are read again
		{"read back", []string{"verify", to}, 25e6, func(d *done) int { return d.Verified }},
	} {
		cmd := exec.CommandContext(t.Context(), engine, run.args...)
		cmd.Env = append(os.Environ(), "GOGC=20")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		must(t, err)
		var d done
		must(t, json.Unmarshal(out, &d))
		if n := run.did(&d); n != files {
			t.Fatalf("%s: %d of %d files", run.name, n, files)
		}
		t.Logf("%s: %.1f MB", run.name, float64(d.PeakKB)*1024/1e6)
		if d.PeakKB*1024 > run.most {
			t.Errorf("%s took %d kB, of at most %d", run.name, d.PeakKB, run.most>>10)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
