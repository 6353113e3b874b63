// Package xdg finds a person's own folders (XDG Base Directory Specification
// 0.8, and xdg-user-dirs for pictures). It imports nothing of ours.
package xdg

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dirs are a person's folders, all absolute.
type Dirs struct {
	Home, Config, State string
	Data, Cache         string
	Runtime             string // "" where the session gave none
	Pictures            string // "" where there is no folder for pictures alone
}

// User are the folders of whoever runs the program.
func User() (Dirs, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Dirs{}, fmt.Errorf("cannot find your home: %w", err)
	}
	d := Dirs{Home: home, Config: base("XDG_CONFIG_HOME", home, ".config"), State: base("XDG_STATE_HOME", home, ".local/state"),
		Data: base("XDG_DATA_HOME", home, ".local/share"), Cache: base("XDG_CACHE_HOME", home, ".cache")}
	d.Runtime = os.Getenv("XDG_RUNTIME_DIR")
	d.Pictures = picturesOf(home, d.Config)
	return d, nil
}

// base is one of the base folders; a relative one is not valid and counts as
// unset.
func base(name, home, or string) string {
	if v := os.Getenv(name); filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(home, or)
}

// picturesOf is the person's pictures folder, as xdg-user-dirs has it: "" where
// there is none of its own.
func picturesOf(home, configHome string) string {
	f, err := os.Open(filepath.Join(configHome, "user-dirs.dirs"))
	if err != nil {
		return filepath.Join(home, "Pictures")
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		value, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "XDG_PICTURES_DIR=")
		if !ok {
			continue
		}
		at := strings.Replace(strings.Trim(value, `"`), "$HOME", home, 1)
		if !filepath.IsAbs(at) || filepath.Clean(at) == filepath.Clean(home) {
			return ""
		}
		return filepath.Clean(at)
	}
	return filepath.Join(home, "Pictures")
}
