package unit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Installable refuses where the service would shadow a package's, or could not
// start.
func Installable(user bool) error {
	dirs := SystemDirs
	if user {
		dirs = UserDirs
	}
	if path, found := Packaged(dirs...); found {
		return fmt.Errorf("cannot install: %s came with a package; start it with systemctl instead", path)
	}
	if user {
		return nil
	}
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return fmt.Errorf("cannot install: %w", err)
	}
	return CheckProgram(exe)
}

// managedPolicy is where an organisation's policy lies.
const managedPolicy = "/etc/clearance/policy.d"

// PersonalClosed says why a person's own agent gives no permits here: the device's
// agent does, or an organisation decides.
func PersonalClosed() string {
	if path, found := Packaged(append([]string{"/etc/systemd/system"}, SystemDirs...)...); found {
		return "this device has an agent of its own (" + filepath.Base(path) + "): ask that one"
	}
	if _, err := os.Lstat(managedPolicy); !errors.Is(err, fs.ErrNotExist) {
		return "an organisation's policy stands on this device: only the device's own agent gives permits"
	}
	return ""
}
