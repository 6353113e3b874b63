package eds

import (
	"testing"

	"github.com/clearance-project/clearance/platform/sqliteread"
)

// cached is one item of an EDS cache.db.
type cached struct {
	uid, data string
	sync      int64
}

// createdOffline is an item that the server never saw: EOfflineState in libebackend
// (e-offline-listener.h, e-cache.h), where 0 is in step and 3 was deleted.
const createdOffline = 1

// cacheOf reads all items of a cache.db, and those that the server has not, or not
// in this form.
func cacheOf(t *testing.T, path string) (all int, unsynced []cached) {
	t.Helper()
	db, err := sqliteread.Open(t.Context(), path, sqliteread.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Read(t.Context(), "ECacheObjects", []string{"ECacheUID", "ECacheOBJ", "ECacheState"}, func(r sqliteread.Row) error {
		var c cached
		err := r.Scan(&c.uid, &c.data, &c.sync)
		if all++; c.sync != 0 && c.sync != 3 {
			unsynced = append(unsynced, c)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, unsynced
}

// descendants are the sources that descend from a GOA account, the account's own
// collection included.
func descendants(list []Source, goaAccount string) []Source {
	var out []Source
	for _, s := range list {
		if s.GOAAccount == goaAccount {
			out = append(out, s)
		}
	}
	return out
}
