package goa

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/platform/gkeyfile"
	"github.com/clearance-project/clearance/platform/xdg"
)

// maxKeyFile bounds accounts.conf, in bytes. An account takes about 500.
const maxKeyFile = 4 << 20

// groupPrefix starts the name of an account's group.
const groupPrefix = "Account "

// group is one account in GOA's key file.
type group map[string]string

// keyFilePath is where GOA keeps its accounts below the configuration folder.
func keyFilePath(configHome string) string {
	return filepath.Join(configHome, "goa-1.0", "accounts.conf")
}

// readKeyFile reads the groups of accounts.conf by account id. A file that is
// not there has none.
func readKeyFile(path string) (map[string]group, error) {
	text, err := xdg.ReadIfThere(path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot read GOA's accounts: %w", err)
	}
	groups, err := parseKeyFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("cannot read GOA's accounts in %s: %w", path, err)
	}
	return groups, nil
}

// parseKeyFile takes the accounts out of a key file. A line that is none of it
// makes the whole file unreadable, for GLib as for us.
func parseKeyFile(text string) (map[string]group, error) {
	file, err := gkeyfile.Parse(text, maxKeyFile)
	if err != nil {
		return nil, err
	}
	groups := map[string]group{}
	for name, values := range file {
		if id, ok := strings.CutPrefix(name, groupPrefix); ok {
			groups[id] = values
		}
	}
	return groups, nil
}

// isTrue reads a boolean as GLib writes one.
func (g group) isTrue(key string) bool { return strings.TrimSpace(g[key]) == "true" }
