package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/clearanced/unit"
	"github.com/clearance-project/clearance/ipc/api"
)

// places are where the agent's things are.
type places struct {
	user                       bool
	state, socket              string
	home, configHome, pictures string
}

func placesOf(g *grammar) (places, error) {
	p := places{user: g.User, state: g.State, socket: g.Socket}
	if !g.User {
		if p.state == "" {
			p.state = "/var/lib/clearance"
		}
		if p.socket == "" {
			p.socket = "/run/clearance/agent.sock"
		}
		return p, nil
	}
	var err error
	if p.home, err = os.UserHomeDir(); err != nil {
		return p, fmt.Errorf("cannot find your home: %w", err)
	}
	p.configHome = xdg("XDG_CONFIG_HOME", p.home, ".config")
	if p.state == "" {
		p.state = filepath.Join(xdg("XDG_STATE_HOME", p.home, ".local/state"), "clearance")
	}
	if p.socket == "" {
		p.socket = api.Socket(os.Getenv("XDG_RUNTIME_DIR"))
	}
	p.pictures = picturesOf(p.home, p.configHome)
	return p, nil
}

// xdg is one of the base folders (XDG Base Directory Specification 0.8); a
// relative one is not valid and counts as unset.
func xdg(name, home, or string) string {
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

// managedPolicy is where an organisation's policy lies.
const managedPolicy = "/etc/clearance/policy.d"

// closed says why a person's own agent gives no permits here: the device's
// agent does, or an organisation decides.
func closed() string {
	if path, found := unit.Packaged(append([]string{"/etc/systemd/system"}, unit.SystemDirs...)...); found {
		return "this device has an agent of its own (" + filepath.Base(path) + "): ask that one"
	}
	if _, err := os.Lstat(managedPolicy); !errors.Is(err, fs.ErrNotExist) {
		return "an organisation's policy stands on this device: only the device's own agent gives permits"
	}
	return ""
}

// closing closes what an error left open.
func closing(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
