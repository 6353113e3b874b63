package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

var _ engine.Store = (*Store)(nil)

// Create keeps a new record; engine.ErrAlreadyOpen where its account has an open
// departure.
func (s *Store) Create(ctx context.Context, rec *engine.Record, events ...engine.Event) error {
	doc, err := document(rec)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		a := rec.Departure.Account
		_, err := tx.ExecContext(ctx, `INSERT INTO departures (id, provider, identity, state, version, record) VALUES (?, ?, ?, ?, 1, ?)`,
			rec.Departure.ID, a.Provider, a.Identity, rec.State, doc)
		if err != nil {
			return err
		}
		return writeParts(ctx, tx, rec, events)
	})
	if secondOpen(err) {
		return engine.ErrAlreadyOpen
	}
	if err != nil {
		return fmt.Errorf("cannot keep what is to be left: %w", err)
	}
	rec.Version = 1
	return nil
}

// secondOpen reports whether the schema refused a second open departure of an
// account. SQLite names the columns of the index that refused.
func secondOpen(err error) bool {
	var serr sqlite3.Error
	return errors.As(err, &serr) && serr.ExtendedCode == sqlite3.ErrConstraintUnique && strings.Contains(serr.Error(), "departures.identity")
}

// Save replaces a record by its next version; engine.ErrConflict where someone
// else saved in between, engine.ErrAlreadyOpen where it would be open beside
// another of its account.
func (s *Store) Save(ctx context.Context, rec *engine.Record, events ...engine.Event) error {
	doc, err := document(rec)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE departures SET state = ?, version = version + 1, record = ? WHERE id = ? AND version = ?`,
			rec.State, doc, rec.Departure.ID, rec.Version)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n != 1 {
			return engine.ErrConflict
		}
		return writeParts(ctx, tx, rec, events)
	})
	if secondOpen(err) {
		return engine.ErrAlreadyOpen
	}
	if err != nil {
		return fmt.Errorf("cannot keep the state of leaving: %w", err)
	}
	rec.Version++
	return nil
}

// document is the record without what has tables of its own.
func document(rec *engine.Record) (string, error) {
	r := *rec
	r.Version, r.Grants, r.Acts, r.Permits = 0, nil, nil, nil
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("cannot write the state of leaving down: %w", err)
	}
	return string(b), nil
}

func writeParts(ctx context.Context, tx *sql.Tx, rec *engine.Record, events []engine.Event) error {
	id := rec.Departure.ID
	for i, g := range rec.Grants {
		err := put(ctx, tx, `INSERT INTO grants (id, departure, place, effect, used, doc) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET effect = excluded.effect, used = excluded.used, doc = excluded.doc WHERE doc <> excluded.doc`,
			g, g.ID, id, i, string(g.Effect), !g.UsedAt.IsZero())
		if err != nil {
			return err
		}
	}
	for i, a := range rec.Acts {
		err := put(ctx, tx, `INSERT INTO acts (grant_id, departure, place, doc) VALUES (?, ?, ?, ?)
			ON CONFLICT (grant_id) DO UPDATE SET doc = excluded.doc WHERE doc <> excluded.doc`, a, a.Grant, id, i)
		if err != nil {
			return err
		}
	}
	if err := writePermits(ctx, tx, rec); err != nil {
		return err
	}
	for _, e := range events {
		_, err := tx.ExecContext(ctx, `INSERT INTO events (at, departure, kind, text) VALUES (?, ?, ?, ?)`, e.At.UnixNano(), e.Departure, e.Kind, e.Text)
		if err != nil {
			return err
		}
	}
	return nil
}

// writePermits keeps every permit of the record and forgets the others: the
// record drops its oldest.
func writePermits(ctx context.Context, tx *sql.Tx, rec *engine.Record) error {
	ids := make([]string, 0, len(rec.Permits))
	for i, p := range rec.Permits {
		ids = append(ids, p.ID)
		err := put(ctx, tx, `INSERT INTO permits (id, departure, place, receipt, revoked, doc) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET place = excluded.place, receipt = excluded.receipt, revoked = excluded.revoked, doc = excluded.doc
			WHERE doc <> excluded.doc OR place <> excluded.place`,
			p, p.ID, rec.Departure.ID, i, p.Receipt, !p.RevokedAt.IsZero())
		if err != nil {
			return err
		}
	}
	keep, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM permits WHERE departure = ? AND id NOT IN (SELECT value FROM json_each(?))`, rec.Departure.ID, string(keep))
	return err
}

// put runs a statement whose last parameter is doc as JSON.
func put(ctx context.Context, tx *sql.Tx, query string, doc any, args ...any) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, query, append(args, string(b))...)
	return err
}

// Load reads a record, engine.ErrNotFound where there is none.
func (s *Store) Load(ctx context.Context, id string) (*engine.Record, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("cannot read the state of leaving: %w", err)
	}
	rec, err := load(ctx, tx, id)
	if rerr := tx.Rollback(); err == nil && rerr != nil {
		err = rerr
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, engine.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the state of leaving: %w", err)
	}
	return rec, nil
}

func load(ctx context.Context, tx *sql.Tx, id string) (*engine.Record, error) {
	var doc string
	rec := &engine.Record{}
	var version int64
	if err := tx.QueryRowContext(ctx, `SELECT version, record FROM departures WHERE id = ?`, id).Scan(&version, &doc); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), rec); err != nil {
		return nil, err
	}
	rec.Version = version
	var err error
	if rec.Grants, err = parts[departure.Grant](ctx, tx, `SELECT doc FROM grants WHERE departure = ? ORDER BY place`, id); err != nil {
		return nil, err
	}
	if rec.Acts, err = parts[departure.Act](ctx, tx, `SELECT doc FROM acts WHERE departure = ? ORDER BY place`, id); err != nil {
		return nil, err
	}
	rec.Permits, err = parts[engine.Permit](ctx, tx, `SELECT doc FROM permits WHERE departure = ? ORDER BY place`, id)
	return rec, err
}

// parts reads documents of one column.
func parts[T any](ctx context.Context, q querier, query string, args ...any) (out []T, err error) {
	err = rows(ctx, q, query, args, func(r *sql.Rows) error {
		var doc string
		if err := r.Scan(&doc); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			return err
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func rows(ctx context.Context, q querier, query string, args []any, each func(*sql.Rows) error) (err error) {
	r, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		if err := each(r); err != nil {
			return err
		}
	}
	return r.Err()
}
