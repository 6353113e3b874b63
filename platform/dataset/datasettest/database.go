package datasettest

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

// Database does one statement in an SQLite database as a program does, which is
// closed again after it; the folders above are made. The test's file imports
// go-sqlite3.
func Database(t *testing.T, at, statement string, args ...any) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
