package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// List pages through the ids of the departures, newest first.
func (s *Store) List(ctx context.Context, after string, limit int) ([]string, error) {
	var ids []string
	err := rows(ctx, s.read, `SELECT id FROM departures
		WHERE ?1 = '' OR seq < (SELECT seq FROM departures WHERE id = ?1) ORDER BY seq DESC LIMIT ?2`,
		[]any{after, limit}, func(r *sql.Rows) error {
			var id string
			if err := r.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("cannot list what is being left: %w", err)
	}
	return ids, nil
}

// Events reads up to limit events with a higher sequence number.
func (s *Store) Events(ctx context.Context, after uint64, limit int) ([]engine.Event, error) {
	var evs []engine.Event
	err := rows(ctx, s.read, `SELECT seq, at, departure, kind, text FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
		[]any{after, limit}, func(r *sql.Rows) error {
			var e engine.Event
			var at int64
			if err := r.Scan(&e.Seq, &at, &e.Departure, &e.Kind, &e.Text); err != nil {
				return err
			}
			e.At = time.Unix(0, at).UTC()
			evs = append(evs, e)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("cannot read the history: %w", err)
	}
	return evs, nil
}

// Declare keeps an account that the person named.
func (s *Store) Declare(ctx context.Context, a departure.Account) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO accounts (id, provider, identity, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			a.ID, a.Provider, a.Identity, a.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot keep the account: %w", err)
	}
	return nil
}

// Declared lists the accounts that the person named.
func (s *Store) Declared(ctx context.Context) ([]departure.Account, error) {
	var as []departure.Account
	err := rows(ctx, s.read, `SELECT id, provider, identity, name FROM accounts ORDER BY provider, identity`, nil, func(r *sql.Rows) error {
		a := departure.Account{Declared: true}
		if err := r.Scan(&a.ID, &a.Provider, &a.Identity, &a.Name); err != nil {
			return err
		}
		as = append(as, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the accounts: %w", err)
	}
	return as, nil
}

// SetGiven replaces the sources given for an account.
func (s *Store) SetGiven(ctx context.Context, account string, given []engine.GivenSource) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM given WHERE account = ?`, account); err != nil {
			return err
		}
		for i, g := range given {
			_, err := tx.ExecContext(ctx, `INSERT INTO given (account, place, source, dataset, path) VALUES (?, ?, ?, ?, ?)`,
				account, i, string(g.ID), string(g.Dataset), g.Path)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot keep the folders that were given: %w", err)
	}
	return nil
}

// Given lists the sources given for an account.
func (s *Store) Given(ctx context.Context, account string) ([]engine.GivenSource, error) {
	var gs []engine.GivenSource
	err := rows(ctx, s.read, `SELECT source, dataset, path FROM given WHERE account = ? ORDER BY place`, []any{account}, func(r *sql.Rows) error {
		var g engine.GivenSource
		if err := r.Scan(&g.ID, &g.Dataset, &g.Path); err != nil {
			return err
		}
		gs = append(gs, g)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the folders that were given: %w", err)
	}
	return gs, nil
}
