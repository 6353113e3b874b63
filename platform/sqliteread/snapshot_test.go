package sqliteread

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// owner opens a database as the program that owns it would.
func owner(t *testing.T, path, params string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+params)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, stmts ...string) {
	t.Helper()
	for _, s := range stmts {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func texts(t *testing.T, path string, limits Limits, table, column string) []string {
	t.Helper()
	s, err := Open(t.Context(), path, limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	err = s.Read(t.Context(), table, []string{column}, func(r Row) error {
		v, err := r.Text(0)
		got = append(got, v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func walDatabase(t *testing.T, path string) *sql.DB {
	t.Helper()
	db := owner(t, path, "_journal_mode=WAL")
	exec(t, db, "PRAGMA wal_autocheckpoint=0", "CREATE TABLE notes (id TEXT, body TEXT)", "INSERT INTO notes VALUES ('a', 'first')",
		"PRAGMA wal_checkpoint(TRUNCATE)", "INSERT INTO notes VALUES ('b', 'only in the log')")
	return db
}

func TestRowsOnlyInTheLogAreSeen(t *testing.T) {
	for _, odd := range []string{"plain.db", "odd name?#%20&;é.db"} {
		path := filepath.Join(t.TempDir(), odd)
		walDatabase(t, path)
		main, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(main, []byte("only in the log")) {
			t.Fatal("the row is in the main file already: this test shows nothing")
		}
		wal, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(texts(t, path, Limits{}, "notes", "body"), "|"); got != "first|only in the log" {
			t.Errorf("%s: rows %q", odd, got)
		}
		if got := strings.Join(texts(t, path, Limits{MemoryBytes: 1, TempDir: t.TempDir()}, "notes", "body"), "|"); got != "first|only in the log" {
			t.Errorf("%s: rows through a file %q", odd, got)
		}
		after, _ := os.ReadFile(path)
		afterWAL, _ := os.ReadFile(path + "-wal")
		if !bytes.Equal(main, after) || !bytes.Equal(wal, afterWAL) {
			t.Errorf("%s: reading changed the database", odd)
		}
	}
}

// An owner that was killed leaves main file and log, and no live index.
func TestLogOfADeadOwnerIsSeen(t *testing.T) {
	live := filepath.Join(t.TempDir(), "live.db")
	walDatabase(t, live)
	dead := filepath.Join(t.TempDir(), "dead.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(live + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dead+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(texts(t, dead, Limits{}, "notes", "body"), "|"); got != "first|only in the log" {
		t.Errorf("rows %q", got)
	}
	st, err := os.Stat(dead + "-wal")
	if err != nil || st.Size() == 0 {
		t.Errorf("the log was folded or removed: %v %v", st, err)
	}
}

func TestSnapshotIsOneMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := walDatabase(t, path)
	s, err := Open(t.Context(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	exec(t, db, "INSERT INTO notes VALUES ('c', 'later')")
	n := 0
	if err := s.Read(t.Context(), "notes", []string{"id"}, func(Row) error { n++; return nil }); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestTemporaryCopyIsRemoved(t *testing.T) {
	path, dir := filepath.Join(t.TempDir(), "x.db"), t.TempDir()
	walDatabase(t, path)
	s, err := Open(t.Context(), path, Limits{MemoryBytes: 1, TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Fatalf("%d temporary folders", len(entries))
	}
	if st, _ := entries[0].Info(); st.Mode().Perm() != 0o700 {
		t.Errorf("the copy is open to others: %v", st.Mode())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ = os.ReadDir(dir); len(entries) != 0 {
		t.Error("the copy was left behind")
	}
}

func TestHostileDatabases(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := filepath.Join(dir, "good.db")
	db := owner(t, good, "")
	exec(t, db, "CREATE TABLE t (v TEXT)")
	for i := range 200 {
		exec(t, db, fmt.Sprintf("INSERT INTO t VALUES ('%d%s')", i, strings.Repeat("x", 500)))
	}
	db.Close()
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		limits     Limits
		want       error
	}{
		{"missing", filepath.Join(dir, "none.db"), Limits{}, fs.ErrNotExist},
		{"folder", dir, Limits{}, ErrNotDatabase},
		{"symbolic link", link, Limits{}, ErrNotDatabase},
		{"text", write("text.db", bytes.Repeat([]byte("no database "), 1000)), Limits{}, ErrNotDatabase},
		{"truncated", write("cut.db", whole[:len(whole)/2]), Limits{}, ErrNotDatabase},
		{"too large", good, Limits{MaxBytes: 4096}, ErrTooLarge},
	} {
		s, err := Open(t.Context(), c.path, c.limits)
		if err == nil {
			err = s.Read(t.Context(), "t", []string{"v"}, func(Row) error { return nil })
			s.Close()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestViewsTypesAndRowLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := owner(t, path, "")
	exec(t, db, "CREATE TABLE t (n INTEGER, v TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, NULL)",
		"CREATE VIEW v AS WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r) SELECT i AS v FROM r")
	s, err := Open(t.Context(), path, Limits{MaxRows: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nop := func(Row) error { return nil }
	if err := s.Read(t.Context(), "v", []string{"v"}, nop); !errors.Is(err, ErrNoTable) {
		t.Errorf("view: %v", err)
	}
	if err := s.Read(t.Context(), "t", []string{"nothing"}, nop); !errors.Is(err, ErrNoTable) {
		t.Errorf("column: %v", err)
	}
	if err := s.Read(t.Context(), "t", []string{"n"}, nop); !errors.Is(err, ErrTooLarge) {
		t.Errorf("rows: %v", err)
	}
	err = s.Read(t.Context(), "t", []string{"n"}, func(r Row) error {
		_, err := r.Text(0)
		return err
	})
	if !errors.Is(err, ErrType) {
		t.Errorf("type: %v", err)
	}
}

func TestEndlessQueryEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	exec(t, owner(t, path, ""), "CREATE TABLE t (n INTEGER)")
	s, err := Open(t.Context(), path, Limits{Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.query(t.Context(), "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r) SELECT count(*) FROM r", nil, 1, func(Row) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestLockedDatabaseEndsAtTheDeadline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := owner(t, path, "_locking_mode=EXCLUSIVE&_journal_mode=DELETE")
	exec(t, db, "CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (1)")
	_, err := Open(t.Context(), path, Limits{Timeout: 300 * time.Millisecond})
	if !errors.Is(err, ErrBusy) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestHotJournalIsLeftToItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := owner(t, path, "_journal_mode=DELETE&_cache_size=1")
	exec(t, db, "CREATE TABLE t (v BLOB)", "INSERT INTO t VALUES (randomblob(100000))")
	exec(t, db, "PRAGMA cache_spill=1", "BEGIN", "UPDATE t SET v=randomblob(100000)", "INSERT INTO t VALUES (randomblob(900000))")
	dead := filepath.Join(t.TempDir(), "dead.db")
	for _, suffix := range []string{"", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dead+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.ReadFile(dead)
	s, err := Open(t.Context(), dead, Limits{})
	if err == nil {
		s.Close()
		t.Skip("this build of SQLite spilled nothing: no hot journal to find")
	}
	if !errors.Is(err, ErrHotJournal) {
		t.Errorf("%v", err)
	}
	if after, _ := os.ReadFile(dead); !bytes.Equal(before, after) {
		t.Error("the database was changed")
	}
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.db")
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE folder_id (uid TEXT, vcard TEXT, bdata BLOB); INSERT INTO folder_id VALUES ('a', 'BEGIN:VCARD', NULL)"); err != nil {
		f.Fatal(err)
	}
	db.Close()
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		p := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), p, Limits{MaxBytes: 1 << 20, Timeout: 2 * time.Second})
		if err != nil {
			return
		}
		defer s.Close()
		_ = s.Read(t.Context(), "folder_id", []string{"uid", "vcard"}, func(r Row) error {
			_, err := r.Text(0)
			return err
		})
	})
}
