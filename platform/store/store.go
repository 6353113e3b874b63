package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// applicationID marks the file as ours: "Clrn".
const applicationID = 0x436c726e

// Store is an open store.
type Store struct {
	write *sql.DB // one connection
	read  *sql.DB
}

// Open opens the store in a folder and brings its schema up to date. The folder
// is made with mode 0700 where it is missing.
func Open(ctx context.Context, folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state folder: %w", err)
	}
	path := filepath.Join(folder, "clearance.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	s := &Store{}
	if s.write, err = sql.Open("sqlite3", dsn(path, "rwc")); err != nil {
		return nil, fmt.Errorf("cannot open the store: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite3", dsn(path, "rw")); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the store: %w", err), s.write.Close())
	}
	s.read.SetMaxOpenConns(4)
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func dsn(path, mode string) string {
	q := url.Values{
		"mode":          {mode},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		"_busy_timeout": {"10000"},
		"_txlock":       {"immediate"},
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Close folds the log into the file and closes it.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Healthy asks the store for an answer.
func (s *Store) Healthy(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("the store does not answer: %w", err)
	}
	return nil
}

// tx runs fn in the one transaction that writes. An error from fn, or from the
// commit, leaves everything as it was.
func (s *Store) tx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot begin to write: %w", err)
	}
	if err := fn(tx); err != nil {
		if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
			return errors.Join(err, rerr)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	return nil
}
