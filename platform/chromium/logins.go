package chromium

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/sqliteread"
)

// login is a saved password's place and name.
type login struct{ user, host string }

var limits = sqliteread.Limits{MaxBytes: 256 << 20, MaxValue: 8 << 20, MaxRows: 200_000, Timeout: 20 * time.Second}

var errRuns = errors.New("the browser has them for itself while it runs: close it, and look once more")

// logins are the saved passwords of a profile, on this device alone and in its
// account, each once.
func logins(ctx context.Context, p profile) ([]login, error) {
	var all []login
	seen := map[login]bool{} // The browser keeps some in both.
	for _, name := range []string{"Login Data", "Login Data For Account"} {
		at := filepath.Join(p.path, name)
		held, err := sqliteread.Held(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return all, err
		}
		if held {
			return all, errRuns
		}
		db, err := sqliteread.Open(ctx, at, limits)
		if err != nil {
			return all, err
		}
		err = db.Read(ctx, "logins", []string{"signon_realm", "origin_url", "username_value", "blacklisted_by_user"}, func(r sqliteread.Row) error {
			var realm, origin, user string
			var never int64
			if err := r.Scan(&realm, &origin, &user, &never); err != nil {
				return err
			}
			l := login{user, binding.Host(origin)}
			if l.host == "" {
				l.host = binding.Host(realm)
			}
			if never == 0 && l.host != "" && !seen[l] {
				seen[l] = true
				all = append(all, l)
			}
			return nil
		})
		if err := errors.Join(err, db.Close()); err != nil {
			return all, err
		}
	}
	return all, nil
}
