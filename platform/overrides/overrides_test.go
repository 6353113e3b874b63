package overrides_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/platform/overrides"
	"github.com/clearance-project/clearance/platform/rootfile"
)

const acme = `{"id": "acme", "name": "Acme", "tracker": {"runs_tracker": "unknown", "confidence": "L"}}`

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// device is a place whose folder of overrides belongs to who runs the test.
func device(t *testing.T) (place rootfile.Place, folder string) {
	t.Helper()
	base := t.TempDir()
	must(t, os.Chmod(base, 0o755))
	folder = filepath.Join(base, provider.OverrideFolder)
	must(t, os.MkdirAll(folder, 0o755))
	return rootfile.Place{Base: base, Owner: uint32(os.Geteuid())}, folder
}

func load(t *testing.T, place rootfile.Place) (*provider.Catalogue, string) {
	t.Helper()
	var log bytes.Buffer
	c, err := overrides.Load(place, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	return c, log.String()
}

func TestLoad(t *testing.T) {
	place, folder := device(t)
	must(t, os.WriteFile(filepath.Join(folder, "acme.json"), []byte(acme), 0o644))
	must(t, os.WriteFile(filepath.Join(folder, "README"), []byte("{"), 0o666))
	c, log := load(t, place)
	if !c.Replaced("acme") || c.Lookup("acme").Name != "Acme" || len(c.Faults()) != 0 || log != "" {
		t.Errorf("faults %v, log %s", c.Faults(), log)
	}
	must(t, os.WriteFile(filepath.Join(folder, "xiaomi.json"), []byte(strings.ReplaceAll(acme, "acme", "xiaomi")), 0o644))
	must(t, os.Chmod(filepath.Join(folder, "xiaomi.json"), 0o666))
	c, log = load(t, place)
	if !c.Replaced("acme") || c.Replaced("xiaomi") || !c.Lookup("xiaomi").Known || !strings.Contains(c.Broken("xiaomi"), "written by others") ||
		c.Broken("acme") != "" || !strings.Contains(log, "written by others") {
		t.Errorf("faults %v, log %s", c.Faults(), log)
	}
	must(t, os.Chmod(folder, 0o777))
	if c, log = load(t, place); c.Replaced("acme") || c.Broken("nextcloud") == "" || log == "" {
		t.Errorf("faults %v, log %s", c.Faults(), log)
	}
}

func TestNoFolder(t *testing.T) {
	place, folder := device(t)
	must(t, os.Remove(folder))
	if c, log := load(t, place); len(c.Faults()) != 0 || log != "" {
		t.Errorf("faults %v, log %s", c.Faults(), log)
	}
}
