package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/clearance-project/clearance/agent/departure"
)

// accountMemory is what is kept on disk of an account: no secret, no item.
type accountMemory struct {
	Server serverMemory `json:"server"`
	// Books are the data sources of evolution-data-server that the account
	// brought, for their trash and for what was kept of them.
	Books []bookMemory `json:"books,omitempty"`
	Kept  keptMemory   `json:"kept"`
	// Collections are the address books and calendars last found at the server,
	// so that each can be named while the server cannot be asked.
	Collections []departure.Source `json:"collections,omitempty"`
	// Copies says in which folder, under a destination, the copy with an id is.
	Copies map[string]string `json:"copies,omitempty"`
}

// serverMemory are the addresses of the account's server.
type serverMemory struct {
	User              string `json:"user"`
	Contacts          string `json:"contacts,omitempty"`
	Calendars         string `json:"calendars,omitempty"`
	Files             string `json:"files,omitempty"`
	AcceptInvalidCert bool   `json:"accept_invalid_cert,omitempty"`
	// Token: it was last asked with a token of the provider's, not with a password.
	Token bool `json:"token,omitempty"`
}

// bookMemory is one book: its uid, new at every sign-in, and its stable source.
type bookMemory struct {
	UID    string           `json:"uid"`
	Source departure.Source `json:"source"`
}

// keptMemory is what step 4 left: on which of our own books, over which items.
type keptMemory struct {
	Over   departure.Digest    `json:"over"` // of the books' keys
	Needed int64               `json:"needed"`
	Shelf  map[string][]string `json:"shelf,omitempty"` // shelf uid → uids of items read back
}

func (w *Worker) memoryPath(account string) string {
	return filepath.Join(w.cfg.State, "accounts", account+".json")
}

// recall reads what is kept of an account; nothing is an empty memory.
func (w *Worker) recall(account string) (accountMemory, error) {
	var m accountMemory
	b, err := os.ReadFile(w.memoryPath(account))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("cannot read what is known of the account: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("cannot read what is known of the account: %w", err)
	}
	return m, nil
}

// remember changes what is kept of an account; nothing is written where nothing
// changed.
func (w *Worker) remember(account string, change func(*accountMemory)) error {
	m, err := w.recall(account)
	if err != nil {
		return err
	}
	before := departure.DigestOf(m)
	change(&m)
	if departure.DigestOf(m) == before {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("cannot keep what is known of the account: %w", err)
	}
	if err := renameio.WriteFile(w.memoryPath(account), b, 0o600); err != nil {
		return fmt.Errorf("cannot keep what is known of the account: %w", err)
	}
	return nil
}
