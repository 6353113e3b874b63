package sqliteread

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// resting makes a database that keeps a log, and that no program has open.
func resting(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "x.db")
	db := walDatabase(t, path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

// TestNothingIsLeftBesideADatabaseThatRests: neither a log nor its index, nor in
// the folder of temporary copies.
func TestNothingIsLeftBesideADatabaseThatRests(t *testing.T) {
	dir, path := resting(t)
	if got := names(t, dir); got != "x.db" {
		t.Fatalf("it does not rest: %s", got)
	}
	before, _ := os.ReadFile(path)
	temp := t.TempDir()
	if got := strings.Join(texts(t, path, Limits{TempDir: temp}, "notes", "body"), "|"); got != "first|only in the log" {
		t.Errorf("rows %q", got)
	}
	after, _ := os.ReadFile(path)
	if got := names(t, dir); got != "x.db" || string(before) != string(after) || names(t, temp) != "" {
		t.Errorf("left behind: %s and %s", got, names(t, temp))
	}
}

// TestADatabaseInUseIsNoneThatRests: it has a log, or its owner holds it alone.
func TestADatabaseInUseIsNoneThatRests(t *testing.T) {
	_, path := resting(t)
	db := owner(t, path, "_journal_mode=WAL")
	exec(t, db, "INSERT INTO notes VALUES ('c', 'now')")
	if at, err := rest(path, Limits{}.withDefaults()); at != "" || err != nil {
		t.Errorf("it has a log: %q %v", at, err)
	}
	if got := strings.Join(texts(t, path, Limits{}, "notes", "body"), "|"); got != "first|only in the log|now" {
		t.Errorf("rows %q", got)
	}
}
