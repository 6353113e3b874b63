package devicesvc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// state is what survives a restart.
type state struct {
	State       string `json:"state"` // "on", "off"
	ConfirmedBy string `json:"confirmed_by"`
	ObservedAt  int64  `json:"observed_at"` // seconds since 1970, 0: never confirmed
}

// readState returns "on" where there is no file yet. A file that cannot be read
// is an error, never "off".
func readState(path string) (state, error) {
	if !filepath.IsAbs(path) {
		return state{}, fmt.Errorf("the state file %q is not an absolute path", path)
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return state{State: "on"}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("cannot read the state: %w", err)
	}
	var s state
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || s.State != "on" && s.State != "off" {
		return state{}, fmt.Errorf("cannot read the state: %s does not hold one", path)
	}
	return s, nil
}

// writeState returns once the state is durable.
func writeState(path string, s state) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := renameio.WriteFile(path, append(raw, '\n'), 0o600, renameio.WithTempDir(folder), renameio.WithStaticPermissions(0o600)); err != nil {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
