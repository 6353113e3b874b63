package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The command line is built without cgo, runs so, and links no database and no
// part of the platform.
func TestItIsBuiltWithoutCgo(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "clearance")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=1.2.3", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(exe, "--version").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "clearance 1.2.3" {
		t.Errorf("%q, %v", out, err)
	}
	deps, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(deps)) {
		for _, not := range []string{"go-sqlite3", "godbus", "clearance/platform", "clearance/backup"} {
			if strings.Contains(dep, not) {
				t.Errorf("it links %s", strings.TrimSpace(dep))
			}
		}
	}
}
