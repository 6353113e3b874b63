package eds

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/platform/sqliteread"
)

// Sync says how an item of a cache stands to its server, as EDS believed.
type Sync int

// The values are those of EOfflineState in libebackend (e-offline-listener.h,
// e-cache.h).
const (
	SyncUnknown     Sync = -1
	Synced          Sync = 0
	CreatedOffline  Sync = 1 // only here: the server never saw it
	ModifiedOffline Sync = 2 // the server has an older one
	DeletedOffline  Sync = 3 // the server still has it
)

func (s Sync) String() string {
	switch s {
	case Synced:
		return "synced"
	case CreatedOffline:
		return "created offline"
	case ModifiedOffline:
		return "changed offline"
	case DeletedOffline:
		return "deleted offline"
	}
	return "unknown"
}

// Cached is one item of a cache.db.
type Cached struct {
	UID  string // as the cache has it; instances of an event: UID, line feed, RECURRENCE-ID
	Rev  string
	Data string // vCard or component; file: URIs point to where the cache lay before it went to the trash
	Sync Sync
}

// ReadCache hands every item of an EDS cache.db to f: the only place of
// contacts that were made offline once their account was removed (the folder
// is in the trash then, see Trash). f's error ends the reading.
// ErrReply where the file is no such cache; sqliteread's errors otherwise.
func ReadCache(ctx context.Context, path string, f func(Cached) error) error {
	db, err := sqliteread.Open(ctx, path, sqliteread.Limits{})
	if err != nil {
		return err
	}
	err = db.Read(ctx, "ECacheObjects", []string{"ECacheUID", "ECacheREV", "ECacheOBJ", "ECacheState"}, func(r sqliteread.Row) error {
		c, err := cachedOf(r)
		if err != nil {
			return err
		}
		return f(c)
	})
	if errors.Is(err, sqliteread.ErrNoTable) {
		err = fmt.Errorf("cannot read the cache: %w: it has no such table", ErrReply)
	}
	return errors.Join(err, db.Close())
}

func cachedOf(r sqliteread.Row) (Cached, error) {
	c := Cached{Sync: SyncUnknown}
	var state int64
	if err := r.Scan(&c.UID, &c.Rev, &c.Data, &state); err != nil {
		return Cached{}, fmt.Errorf("cannot read the cache: %w: %w", ErrReply, err)
	}
	if c.UID == "" {
		c.UID = propertyOf(c.Data, "UID")
	}
	if !r.Null(3) && state >= int64(Synced) && state <= int64(DeletedOffline) {
		c.Sync = Sync(state)
	}
	return c, nil
}

// Unsynced returns the items of a cache that the server has not, or not in
// this form. An unknown state counts. It can be asked of a live cache too:
// cache.db in Store.Folder of an account's store.
func Unsynced(ctx context.Context, path string) ([]Cached, error) {
	var out []Cached
	err := ReadCache(ctx, path, func(c Cached) error {
		if c.Sync != Synced && c.Sync != DeletedOffline && strings.TrimSpace(c.Data) != "" {
			out = append(out, c)
		}
		return nil
	})
	return out, err
}
