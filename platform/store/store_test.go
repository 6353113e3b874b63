package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest"
	"github.com/clearance-project/clearance/platform/store"
)

func open(t *testing.T, folder string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContractStore(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		enginetest.StoreContract(t, func(t *testing.T) engine.Store { return open(t, t.TempDir()) })
	})
}

func opened(t *testing.T, s *store.Store) *engine.Record {
	t.Helper()
	rec := &engine.Record{
		Departure: departure.Departure{ID: "d", Account: departure.Account{Provider: "p", Identity: "i"}},
		State:     engine.Open,
		Grants:    []departure.Grant{{ID: "g", Effect: departure.UnbindEffect("b")}},
		Permits:   []engine.Permit{{ID: "p", Basis: "b"}},
	}
	if err := s.Create(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// The schema refuses what the core must never do, should the core be wrong.
func TestSchemaRefuses(t *testing.T) {
	now := time.Unix(9, 0)
	for name, wrong := range map[string]func(*engine.Record){
		"a used grant is used again": func(r *engine.Record) { r.Grants[0].UsedAt = time.Time{} },
		"an act without a grant": func(r *engine.Record) {
			r.Acts = append(r.Acts, departure.Act{Grant: "g2", Effect: departure.UnbindEffect("b")})
		},
		"another receipt of a permit":    func(r *engine.Record) { r.Permits[0].Receipt = "two" },
		"a revoked permit comes to life": func(r *engine.Record) { r.Permits[1].RevokedAt = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			rec := opened(t, s)
			rec.Grants[0].UsedAt = now
			rec.Acts = []departure.Act{{Grant: "g", Effect: departure.UnbindEffect("b"), State: departure.ActIntended}}
			rec.Permits[0].Receipt = "one"
			rec.Permits = append(rec.Permits, engine.Permit{ID: "q", RevokedAt: now})
			if err := s.Save(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			wrong(rec)
			if err := s.Save(t.Context(), rec); err == nil {
				t.Error("the store took it")
			}
		})
	}
}

func TestReopened(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	first, err := store.Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	rec := opened(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, folder)
	got, err := second.Load(t.Context(), rec.Departure.ID)
	if err != nil || len(got.Grants) != 1 || len(got.Permits) != 1 {
		t.Fatalf("after reopening: %+v, %v", got, err)
	}
	if err := second.Healthy(t.Context()); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(folder, "clearance.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestSecondAgent(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	first := open(t, folder)
	if s, err := store.Open(t.Context(), folder); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("the same folder twice: %v, %v", s, err)
	}
	opened(t, first) // it goes on
}

func TestForeignFilesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ pragma, want string }{
		"newer schema":    {"PRAGMA application_id = 1131180654; PRAGMA user_version = 99", "newer version"},
		"another program": {"PRAGMA application_id = 77; PRAGMA user_version = 1", "another program"},
		"nobody's":        {"PRAGMA user_version = 3", "another program"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			db, err := sql.Open("sqlite3", filepath.Join(folder, "clearance.db"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(c.pragma); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(context.Background(), folder)
			if err == nil {
				t.Error(s.Close())
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}
