package sqliteread

import (
	"path/filepath"
	"testing"
)

func TestHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := Held(path); err == nil {
		t.Error("a missing database is not held")
	}
	db := owner(t, path, "_locking_mode=EXCLUSIVE&_journal_mode=WAL")
	exec(t, db, "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")
	if held, err := Held(path); err != nil || !held {
		t.Errorf("held %v, %v, by a program that lets nobody read", held, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if held, err := Held(path); err != nil || held {
		t.Errorf("held %v, %v, by nobody", held, err)
	}
	open := filepath.Join(t.TempDir(), "y.db")
	walDatabase(t, open)
	if held, err := Held(open); err != nil || held {
		t.Errorf("held %v, %v, by a program that lets others read", held, err)
	}
}
