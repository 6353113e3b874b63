// Package unit is the text of clearanced's systemd units, as templates for
// kardianos/service, and the checks that come before one is installed.
//
// It may import the standard library and kardianos/service. The syntax is that of the small
// engine in kardianos/service 1.3.0 (option SystemdScript), which fills in
// Description, Path and Arguments.
//
// Invariants: the template is ours and not the library's, which restarts after
// two minutes, does not wait for readiness and has no hardening; and a unit that
// a package brought is never shadowed by one in /etc.
package unit

import (
	_ "embed" // the two templates
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Name is the service's name, without ".service".
const Name = "clearanced"

//go:embed clearanced.service.in
var system string

//go:embed clearanced-user.service.in
var user string

// Template is the unit of the system service.
func Template() string { return system }

// UserTemplate is the unit of the service of one person, `clearanced --user`.
func UserTemplate() string { return user }

// SystemDirs are the folders into which packages put system units, and UserDirs
// those for users' units (systemd.unit(5)).
var (
	SystemDirs = []string{"/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system"}
	UserDirs   = []string{"/usr/lib/systemd/user", "/lib/systemd/user", "/usr/local/lib/systemd/user"}
)

// Packaged returns the unit that a package installed in one of dirs. A folder
// that cannot be looked into counts as having one: a package's unit must not be
// shadowed by accident.
func Packaged(dirs ...string) (string, bool) {
	for _, dir := range dirs {
		path := filepath.Join(dir, Name+".service")
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, true
		}
	}
	return "", false
}

// hidden are the folders that the system unit's service cannot see (ProtectHome
// and PrivateTmp, systemd.exec(5)).
var hidden = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp"}

// CheckProgram refuses a program that the system service could not start,
// because its unit hides the folder that the program lies in. Path is absolute,
// with its symbolic links resolved.
func CheckProgram(path string) error {
	for _, dir := range hidden {
		if strings.HasPrefix(path, dir+"/") {
			return fmt.Errorf("cannot install %s: the service does not see %s; copy the program to /usr/local/bin and install it from there", path, dir)
		}
	}
	return nil
}
