package tasks

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLeftDrills: what a killed drill left goes with its note; a folder of the
// person's that has such a name stays, whatever it holds.
func TestLeftDrills(t *testing.T) {
	notes, home := t.TempDir(), t.TempDir()
	folder := func(name string, lock, note bool) string {
		t.Helper()
		at := filepath.Join(home, drillPrefix+name)
		must(t, os.Mkdir(at, 0o700))
		must(t, os.WriteFile(filepath.Join(at, "photo.jpg"), []byte("photo"), 0o600))
		if lock {
			must(t, os.WriteFile(filepath.Join(at, "lock"), nil, 0o600))
		}
		if note {
			must(t, os.WriteFile(filepath.Join(notes, filepath.Base(at)+noteSuffix), []byte(at), 0o600))
		}
		return at
	}
	left := folder("left", true, true)
	stay := []string{folder("2026", false, false), folder("photos", true, false), folder("unlocked", false, true)}
	running := folder("running", true, true)
	lock, err := lockDrill(running, 0)
	must(t, err)
	defer lock.Close()
	must(t, os.WriteFile(filepath.Join(notes, drillPrefix+"odd"+noteSuffix), []byte(home), 0o600))

	must(t, removeLeftDrills(notes))
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was left is there: %v", err)
	}
	for _, at := range append(stay, running) {
		if _, err := os.Stat(filepath.Join(at, "photo.jpg")); err != nil {
			t.Error(err)
		}
	}
}
