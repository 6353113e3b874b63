package store

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations bring the schema from version i to i+1, each in a transaction with
// the bump of the version. One that was released is never changed.
var migrations = []string{
	`
CREATE TABLE accounts (
	id       TEXT PRIMARY KEY,
	provider TEXT NOT NULL,
	identity TEXT NOT NULL,
	name     TEXT NOT NULL,
	UNIQUE (provider, identity)
) STRICT;

CREATE TABLE given (
	account TEXT NOT NULL,
	place   INTEGER NOT NULL,
	source  TEXT NOT NULL,
	dataset TEXT NOT NULL,
	path    TEXT NOT NULL,
	PRIMARY KEY (account, source)
) STRICT;

CREATE TABLE departures (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	id       TEXT NOT NULL UNIQUE,
	provider TEXT NOT NULL,
	identity TEXT NOT NULL,
	state    TEXT NOT NULL,
	version  INTEGER NOT NULL,
	record   TEXT NOT NULL -- JSON; grants, acts and permits have tables of their own
) STRICT;
CREATE UNIQUE INDEX one_open_departure ON departures (provider, identity) WHERE state = 'open';

CREATE TABLE grants (
	id        TEXT PRIMARY KEY,
	departure TEXT NOT NULL REFERENCES departures (id),
	place     INTEGER NOT NULL,
	effect    TEXT NOT NULL,
	used      INTEGER NOT NULL CHECK (used IN (0, 1)),
	doc       TEXT NOT NULL
) STRICT;
CREATE INDEX grants_of ON grants (departure, place);
CREATE TRIGGER grant_stays_used BEFORE UPDATE ON grants
WHEN old.used = 1 AND (new.used = 0 OR new.effect <> old.effect)
BEGIN SELECT raise(ABORT, 'a used grant cannot be used again'); END;

CREATE TABLE acts (
	grant_id  TEXT PRIMARY KEY REFERENCES grants (id), -- one act of a grant
	departure TEXT NOT NULL REFERENCES departures (id),
	place     INTEGER NOT NULL,
	doc       TEXT NOT NULL
) STRICT;
CREATE INDEX acts_of ON acts (departure, place);

CREATE TABLE permits (
	id        TEXT PRIMARY KEY,
	departure TEXT NOT NULL REFERENCES departures (id),
	place     INTEGER NOT NULL,
	receipt   TEXT NOT NULL,
	revoked   INTEGER NOT NULL CHECK (revoked IN (0, 1)),
	doc       TEXT NOT NULL
) STRICT;
CREATE INDEX permits_of ON permits (departure, place);
CREATE TRIGGER permit_burns_once BEFORE UPDATE ON permits
WHEN old.receipt <> '' AND new.receipt <> old.receipt
BEGIN SELECT raise(ABORT, 'a permit is redeemed once'); END;
CREATE TRIGGER permit_stays_revoked BEFORE UPDATE ON permits
WHEN old.revoked = 1 AND (new.revoked = 0 OR new.receipt <> old.receipt)
BEGIN SELECT raise(ABORT, 'a revoked permit stays revoked'); END;

CREATE TABLE events (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL, -- nanoseconds since 1970, UTC
	departure TEXT NOT NULL,
	kind      TEXT NOT NULL,
	text      TEXT NOT NULL
) STRICT;
`,
}

func (s *Store) migrate(ctx context.Context) error {
	var id, version int
	if err := s.write.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("cannot read the store: %w", err)
	}
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("cannot read the store: %w", err)
	}
	switch {
	case id != 0 && id != applicationID, id == 0 && version != 0:
		return fmt.Errorf("cannot open the store: the file belongs to another program (application id %#x)", id)
	case version > len(migrations):
		return fmt.Errorf("cannot open the store: it was written by a newer version of the agent (schema %d, this one knows %d); install that version again",
			version, len(migrations))
	}
	for v := version; v < len(migrations); v++ {
		err := s.tx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, migrations[v]); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", v+1, applicationID))
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot bring the store to schema %d: %w", v+1, err)
		}
	}
	return nil
}
