package libaccounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/sqliteread"
	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of one database: a person has some ten accounts.
const (
	maxAccounts = 1000
	maxSettings = 100_000
)

var limits = sqliteread.Limits{MaxBytes: 64 << 20, MaxValue: 1 << 20, MaxRows: maxSettings, Timeout: 20 * time.Second}

// file is where libaccounts keeps its rows, below the configuration folder.
const file = "libaccounts-glib/accounts.db"

// row is an account as libaccounts has it.
type row struct {
	app      string // the Flatpak or Snap whose it is, "" for the session's
	id       int64
	name     string
	provider string
	settings map[string]string // of the account itself and of its services
	services []service
	// identities are the numbers of what signond keeps for it, sorted.
	identities []uint32
}

type service struct{ name, kind string }

// rows are the accounts of every home.
func rows(ctx context.Context, dirs xdg.Dirs) ([]row, error) {
	homes, err := dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for accounts: %w", err)
	}
	var all []row
	for _, home := range homes {
		at := filepath.Join(home.Config, file)
		found, err := readRows(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", at, err)
		}
		for _, r := range found {
			r.app = home.App
			all = append(all, r)
		}
	}
	return all, nil
}

// readRows reads one database, which need not be there.
func readRows(ctx context.Context, at string) (_ []row, err error) {
	db, err := sqliteread.Open(ctx, at, limits)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tables, err := db.Tables(ctx)
	if err != nil || len(tables) == 0 {
		return nil, err // Made, and never filled.
	}
	byID := map[int64]*row{}
	err = db.Read(ctx, "Accounts", []string{"id", "name", "provider"}, func(r sqliteread.Row) error {
		var id int64
		var name, provider string
		if err := r.Scan(&id, &name, &provider); err != nil {
			return err
		}
		if len(byID) == maxAccounts {
			return fmt.Errorf("more than %d accounts", maxAccounts)
		}
		byID[id] = &row{id: id, name: name, provider: provider, settings: map[string]string{}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	services, err := readServices(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := readSettings(ctx, db, byID, services); err != nil {
		return nil, err
	}
	var all []row
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		r := byID[id]
		slices.Sort(r.identities)
		r.identities = slices.Compact(r.identities)
		all = append(all, *r)
	}
	return all, nil
}

func readServices(ctx context.Context, db *sqliteread.Snapshot) (map[int64]service, error) {
	services := map[int64]service{}
	err := db.Read(ctx, "Services", []string{"id", "display", "type"}, func(r sqliteread.Row) error {
		var id int64
		var s service
		err := r.Scan(&id, &s.name, &s.kind)
		services[id] = s
		return err
	})
	return services, err
}

// readSettings gives every account its settings. One of a service does not
// replace the account's own, which has the number 0 as its service.
func readSettings(ctx context.Context, db *sqliteread.Snapshot, byID map[int64]*row, services map[int64]service) error {
	return db.Read(ctx, "Settings", []string{"account", "service", "key", "type", "value"}, func(r sqliteread.Row) error {
		var account, number int64
		var key, kind string
		if err := r.Scan(&account, &number, &key, &kind); err != nil {
			return err
		}
		a, ok := byID[account]
		if !ok || !read(key) {
			return nil
		}
		raw, err := r.Text(4)
		if err != nil {
			return err
		}
		value, err := text(kind, raw)
		if err != nil {
			return fmt.Errorf("the setting %s of the account %d: %w", key, account, err)
		}
		switch {
		case key == credentials:
			id, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return fmt.Errorf("the setting %s of the account %d: %w", key, account, err)
			}
			if id != 0 {
				a.identities = append(a.identities, uint32(id))
			}
		case key == enabled:
			if s := services[number]; number != 0 && value == "true" {
				a.services = append(a.services, s)
			}
		case number == 0 || a.settings[key] == "":
			a.settings[key] = value
		}
		return nil
	})
}

// The settings that are read beside those that name a server or a person.
const (
	credentials = "CredentialsId"
	enabled     = "enabled"
)

// hostKeys and userKeys are the settings that name a server and a person, the
// most telling first.
var (
	hostKeys = []string{"server", "host", "dav/host", "server_address", "url"}
	userKeys = []string{"username", "user", "login"}
)

func read(key string) bool {
	return key == credentials || key == enabled || slices.Contains(hostKeys, key) || slices.Contains(userKeys, key)
}

// host is the account's server: an address, or a bare name.
func (r row) host() string {
	for _, key := range hostKeys {
		value := r.settings[key]
		if host := binding.Host(value); host != "" {
			return host
		}
		if host := binding.Host("https://" + value); value != "" && host != "" {
			return host
		}
	}
	return ""
}

// goes is what an account brings to this device.
func (r row) goes() []departure.Vanishing {
	var goes []departure.Vanishing
	for _, s := range r.services {
		what, name := s.kind, s.name
		if what == "" {
			what = "service"
		}
		goes = append(goes, departure.Vanishing{What: what, Name: name, Items: -1})
	}
	return goes
}
