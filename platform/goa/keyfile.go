package goa

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

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
	text, err := xdg.ReadFile(path, maxKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read GOA's accounts: %w", err)
	}
	groups, err := parseKeyFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("cannot read GOA's accounts in %s: %w", path, err)
	}
	return groups, nil
}

// parseKeyFile reads a key file as the Desktop Entry Specification's "Basic
// format of the file" has it, as GLib does. A line that is none of it makes the
// whole file unreadable, for GLib as for us.
func parseKeyFile(text string) (map[string]group, error) {
	groups := map[string]group{}
	var current group
	started := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(strings.TrimLeft(line, " \t"), "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			name, ok := strings.CutSuffix(strings.TrimRight(line[1:], " \t"), "]")
			if !ok || name == "" || strings.ContainsAny(name, "[]") {
				return nil, fmt.Errorf("line %d is no group", number)
			}
			started = true
			current = group{}
			if id, ok := strings.CutPrefix(name, groupPrefix); ok {
				if groups[id] == nil {
					groups[id] = current
				}
				current = groups[id]
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || !started {
			return nil, fmt.Errorf("line %d is neither a group nor a key and its value", number)
		}
		current[strings.TrimRight(key, " \t")] = strings.TrimLeft(value, " \t")
	}
	return groups, nil
}

// isTrue reads a boolean as GLib writes one.
func (g group) isTrue(key string) bool { return strings.TrimSpace(g[key]) == "true" }
