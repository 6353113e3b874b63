package api

import (
	"os"
	"path/filepath"
	"strconv"
)

// Socket is where a personal agent listens: beneath $XDG_RUNTIME_DIR, or
// /run/user/UID where that is not set.
func Socket(runtimeDir string) string {
	if runtimeDir == "" {
		runtimeDir = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(runtimeDir, "clearance", "agent.sock")
}
