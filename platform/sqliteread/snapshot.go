package sqliteread

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Limits bound one snapshot. Zero fields take the defaults.
type Limits struct {
	MaxBytes    int64         // of the whole database, default 2 GiB
	MemoryBytes int64         // up to here the copy is in memory, else in TempDir; default 64 MiB
	MaxValue    int           // bytes of one value or row, default 128 MiB
	MaxRows     int           // of one query, default 1,000,000
	Timeout     time.Duration // of Open, and of each query; default 60 s
	TempDir     string        // where a large copy lies, default os.TempDir()
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MaxBytes, 2<<30)
	def(&l.MemoryBytes, 64<<20)
	if l.MaxValue <= 0 {
		l.MaxValue = 128 << 20
	}
	if l.MaxRows <= 0 {
		l.MaxRows = 1_000_000
	}
	if l.Timeout <= 0 {
		l.Timeout = time.Minute
	}
	return l
}

// Snapshot is a private copy of a database as it was at one moment. It is
// not safe for use by several goroutines.
type Snapshot struct {
	conn   *sqlite3.SQLiteConn
	limits Limits
	dir    string // of the temporary copy, "" in memory
	bytes  int64
}

// SQLite's limit categories, sqlite3.h.
const (
	limitLength   = 0
	limitAttached = 7
)

const (
	stepPages = 2048 // copied between two looks at the context
	maxSchema = 4096 // tables, or columns of one
)

// Open copies the database at path, which must be a regular file, into a
// snapshot. Errors are ErrNotDatabase, ErrTooLarge, ErrBusy, ErrHotJournal,
// ErrUnreadable, or the context's.
func Open(ctx context.Context, path string, limits Limits) (_ *Snapshot, err error) {
	limits = limits.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if err := regular(path); err != nil {
		return nil, err
	}
	resting, err := rest(path, limits)
	if err != nil {
		return nil, err
	}
	if resting != "" {
		path = resting
		defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(resting))) }()
	}
	src, err := openSource(ctx, path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	size, err := beginRead(ctx, src)
	if err != nil {
		return nil, err
	}
	if size > limits.MaxBytes {
		return nil, fmt.Errorf("cannot read the database: it has %d bytes, %w of %d", size, ErrTooLarge, limits.MaxBytes)
	}
	s, err := newSnapshot(limits, size)
	if err != nil {
		return nil, err
	}
	if err := s.copyFrom(ctx, src); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func regular(path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot open the database: %w (%w)", ErrUnreadable, fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("cannot open the database: %w", ErrUnreadable)
	case !st.Mode().IsRegular():
		return fmt.Errorf("cannot open the database: %w (a %s)", ErrNotDatabase, st.Mode().Type())
	}
	return nil
}

func openSource(ctx context.Context, path string) (*sqlite3.SQLiteConn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", ErrUnreadable)
	}
	u := url.URL{Path: abs}
	// url leaves some characters as they are that SQLite's parser or the
	// driver's gives a meaning: ? and # are escaped by url, ; and & mean
	// nothing before the question mark.
	dsn := "file:" + u.EscapedPath() + "?mode=ro&_query_only=true&_busy_timeout=250"
	return open(ctx, dsn)
}

func open(ctx context.Context, dsn string) (*sqlite3.SQLiteConn, error) {
	c, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, classify(ctx, "open the database", err)
	}
	conn, ok := c.(*sqlite3.SQLiteConn)
	if !ok {
		return nil, fmt.Errorf("cannot open the database: %w (driver gave %T)", ErrUnreadable, c)
	}
	return conn, nil
}

// beginRead opens the one read transaction that all pages are taken in and
// returns the database's size.
func beginRead(ctx context.Context, src *sqlite3.SQLiteConn) (int64, error) {
	for {
		size, err := tryRead(src)
		if err == nil {
			return size, nil
		}
		if !isBusy(err) || ctx.Err() != nil {
			return 0, classify(ctx, "read the database", err)
		}
	}
}

func tryRead(src *sqlite3.SQLiteConn) (int64, error) {
	if _, err := src.Exec("BEGIN", nil); err != nil {
		return 0, err
	}
	var pages, pageSize int64
	err := scalar(src, "SELECT count(*) FROM sqlite_master", new(int64))
	if err == nil {
		err = scalar(src, "PRAGMA page_count", &pages)
	}
	if err == nil {
		err = scalar(src, "PRAGMA page_size", &pageSize)
	}
	if err != nil {
		_, rollback := src.Exec("ROLLBACK", nil)
		if rollback != nil && !isBusy(err) {
			err = errors.Join(err, rollback)
		}
		return 0, err
	}
	return pages * pageSize, nil
}

func isBusy(err error) bool {
	var se sqlite3.Error
	return errors.As(err, &se) && (se.Code == sqlite3.ErrBusy || se.Code == sqlite3.ErrLocked)
}

func scalar(c *sqlite3.SQLiteConn, query string, into *int64) error {
	rows, err := c.Query(query, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	dest := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(dest); err != nil {
		return err
	}
	v, ok := dest[0].(int64)
	if !ok {
		return fmt.Errorf("%w: %T for a number", ErrType, dest[0])
	}
	*into = v
	return nil
}

func newSnapshot(limits Limits, size int64) (*Snapshot, error) {
	s := &Snapshot{limits: limits, bytes: size}
	dsn := ":memory:"
	if size > limits.MemoryBytes {
		dir, err := os.MkdirTemp(limits.TempDir, "clearance-sqlite-")
		if err != nil {
			return nil, fmt.Errorf("cannot make room for a copy of the database: %w", err)
		}
		s.dir = dir
		u := url.URL{Path: filepath.Join(dir, "copy.db")}
		dsn = "file:" + u.EscapedPath() + "?_journal_mode=OFF&_synchronous=OFF"
	}
	conn, err := open(context.Background(), dsn)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.conn = conn
	return s, nil
}

// copyFrom moves the pages, looking at the context every stepPages.
func (s *Snapshot) copyFrom(ctx context.Context, src *sqlite3.SQLiteConn) error {
	b, err := s.conn.Backup("main", src, "main")
	if err != nil {
		return classify(ctx, "copy the database", err)
	}
	done := false
	for err == nil && !done {
		if err = ctx.Err(); err == nil {
			done, err = s.step(ctx, b)
		}
	}
	if closeErr := b.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return classify(ctx, "copy the database", err)
	}
	return s.harden(ctx)
}

// step copies some pages; without progress (a lock) it waits a little.
func (s *Snapshot) step(ctx context.Context, b *sqlite3.SQLiteBackup) (bool, error) {
	before := b.Remaining()
	done, err := b.Step(stepPages)
	if err != nil || done || b.Remaining() != before {
		return done, err
	}
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-t.C:
		return false, nil
	}
}

// harden makes the copy read-only and bounds what a hostile one can ask for.
func (s *Snapshot) harden(ctx context.Context) error {
	s.conn.SetLimit(limitLength, s.limits.MaxValue)
	s.conn.SetLimit(limitAttached, 0)
	for _, p := range []string{"PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA query_only=ON", "PRAGMA mmap_size=0"} {
		if _, err := s.conn.Exec(p, nil); err != nil {
			return classify(ctx, "read the database", err)
		}
	}
	return classify(ctx, "read the database", scalar(s.conn, "SELECT count(*) FROM sqlite_master", new(int64)))
}

// Bytes is the size of the database.
func (s *Snapshot) Bytes() int64 { return s.bytes }

// Close frees the copy.
func (s *Snapshot) Close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
		s.conn = nil
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
		s.dir = ""
	}
	return err
}

// Tables returns the names of the ordinary tables (no views, no virtual
// tables), sorted.
func (s *Snapshot) Tables(ctx context.Context) ([]string, error) {
	var names []string
	err := s.query(ctx, `SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE TABLE%' ORDER BY name`, nil, maxSchema, func(r Row) error {
		name, err := r.Text(0)
		names = append(names, name)
		return err
	})
	return names, err
}

// Columns returns a table's columns in their order. ErrNoTable where there
// is none, or it is a view.
func (s *Snapshot) Columns(ctx context.Context, table string) ([]string, error) {
	tables, err := s.Tables(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(tables, table) {
		return nil, fmt.Errorf("cannot read table %q: %w", table, ErrNoTable)
	}
	var cols []string
	err = s.query(ctx, `SELECT name FROM pragma_table_info(?)`, []any{table}, maxSchema, func(r Row) error {
		name, err := r.Text(0)
		cols = append(cols, name)
		return err
	})
	return cols, err
}

// Read hands each row of an ordinary table to f, with the given columns in
// the given order; all but NULL come as they are stored. A column that the
// table lacks is ErrNoTable. An error of f ends the reading and is returned.
func (s *Snapshot) Read(ctx context.Context, table string, columns []string, f func(Row) error) error {
	have, err := s.Columns(ctx, table)
	if err != nil {
		return err
	}
	quoted := make([]string, len(columns))
	for i, c := range columns {
		if !slices.Contains(have, c) {
			return fmt.Errorf("cannot read column %q of table %q: %w", c, table, ErrNoTable)
		}
		quoted[i] = quote(c)
	}
	return s.query(ctx, "SELECT "+strings.Join(quoted, ", ")+" FROM "+quote(table), nil, s.limits.MaxRows, f)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (s *Snapshot) query(ctx context.Context, query string, args []any, maxRows int, f func(Row) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.limits.Timeout)
	defer cancel()
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := s.conn.QueryContext(ctx, query, named)
	if err != nil {
		return classify(ctx, "read the database", err)
	}
	defer rows.Close()
	row := Row{values: make([]driver.Value, len(rows.Columns()))}
	for n := 0; ; n++ {
		err := rows.Next(row.values)
		if errors.Is(err, io.EOF) {
			return classify(ctx, "read the database", ctx.Err())
		}
		if err != nil {
			return classify(ctx, "read the database", err)
		}
		if n == maxRows {
			return fmt.Errorf("cannot read the database: more than %d rows: %w", n, ErrTooLarge)
		}
		if err := f(row); err != nil {
			return err
		}
	}
}
