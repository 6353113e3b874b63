package thunderbird

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/platform/mozilla"
	"github.com/clearance-project/clearance/platform/sqliteread"
)

// unknown is a number of items that is not known.
const unknown = -1

var limits = sqliteread.Limits{MaxBytes: 1 << 30, MaxValue: 16 << 20, MaxRows: 2_000_000, Timeout: 20 * time.Second}

// counts are the items of the databases of a profile, read once each.
type counts struct {
	profile mozilla.Profile
	events  map[string]int64 // by calendar; nil where not known
	asked   bool
}

// of is how many items a part has on this device, or unknown: of mail, and of a
// database that Thunderbird has for itself.
func (c *counts) of(ctx context.Context, p part) int64 {
	switch p.what {
	case book:
		if n, err := cards(ctx, filepath.Join(c.profile.Path, filepath.Base(p.file))); err == nil && p.file != "" {
			return n
		}
	case calendar:
		if !c.asked {
			c.asked = true
			c.events, _ = events(ctx, filepath.Join(c.profile.Path, "calendar-data", "cache.sqlite")) // Not known then.
		}
		if c.events != nil {
			return c.events[p.id]
		}
	}
	return unknown
}

// read opens a database that no program has for itself.
func read(ctx context.Context, at string, do func(*sqliteread.Snapshot) error) error {
	held, err := sqliteread.Held(at)
	if err != nil {
		return err
	}
	if held {
		return sqliteread.ErrBusy
	}
	db, err := sqliteread.Open(ctx, at, limits)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// cards counts the contacts of an address book: each has several properties.
func cards(ctx context.Context, at string) (int64, error) {
	seen := map[string]bool{}
	err := read(ctx, at, func(db *sqliteread.Snapshot) error {
		return db.Read(ctx, "properties", []string{"card"}, func(r sqliteread.Row) error {
			card, err := r.Text(0)
			seen[card] = true
			return err
		})
	})
	return int64(len(seen)), err
}

// events counts the events and tasks of each calendar.
func events(ctx context.Context, at string) (map[string]int64, error) {
	all := map[string]int64{}
	err := read(ctx, at, func(db *sqliteread.Snapshot) error {
		for _, table := range []string{"cal_events", "cal_todos"} {
			err := db.Read(ctx, table, []string{"cal_id", "recurrence_id"}, func(r sqliteread.Row) error {
				id, err := r.Text(0)
				if r.Null(1) {
					all[id]++ // What changed of one in a series is no other.
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
