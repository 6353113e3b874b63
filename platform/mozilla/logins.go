package mozilla

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/xdg"
)

// maxJSON bounds a profile's list of passwords.
const maxJSON = 64 << 20

// Logins are the places that a password is stored for: "https://cloud.example",
// "imap://mail.example". Whose they are is encrypted, and not read. Sorted, each
// once.
// Source: toolkit/components/passwordmgr, LoginStore.
func (p Profile) Logins() ([]string, error) {
	var file struct {
		Logins []struct {
			Hostname string `json:"hostname"`
			Deleted  bool   `json:"deleted"`
		} `json:"logins"`
	}
	if err := p.decode("logins.json", &file); err != nil {
		return nil, err
	}
	var at []string
	for _, l := range file.Logins {
		if !l.Deleted && l.Hostname != "" && !strings.HasPrefix(l.Hostname, "chrome://") { // The program's own.
			at = append(at, l.Hostname)
		}
	}
	slices.Sort(at)
	return slices.Compact(at), nil
}

// Account is the address of the Mozilla account that a profile is signed in to,
// "" for none.
// Source: services/fxaccounts, FxAccountsStorage (signedInUser.json).
func (p Profile) Account() (string, error) {
	var file struct {
		AccountData *struct {
			Email string `json:"email"`
		} `json:"accountData"`
	}
	if err := p.decode("signedInUser.json", &file); err != nil || file.AccountData == nil {
		return "", err
	}
	return file.AccountData.Email, nil
}

// decode reads a JSON file of a profile, which need not be there.
func (p Profile) decode(name string, into any) error {
	at := filepath.Join(p.Path, name)
	raw, err := xdg.ReadIfThere(at, maxJSON)
	if err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("cannot read %s: %w", at, err)
	}
	return nil
}
