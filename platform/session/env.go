package session

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// markName is the environment entry by which a session's processes are found
// again, those included that the bus activated.
const markName = "CLEARANCE_PRIVATE_SESSION"

const maxSocketPath = 107

// systemPath is used where the caller's PATH is empty.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Env returns the whole environment of the session's processes, as NAME=VALUE.
// Of the caller's environment it holds PATH alone.
func (s *Session) Env() []string {
	path := os.Getenv("PATH")
	if path == "" {
		path = systemPath
	}
	system := s.opts.SystemBus
	if system == "" {
		system = "unix:path=" + filepath.Join(s.RuntimeDir, "no-system-bus")
	}
	private := []string{
		"HOME=" + s.Home,
		"XDG_RUNTIME_DIR=" + s.RuntimeDir,
		"XDG_CONFIG_HOME=" + s.ConfigHome,
		"XDG_DATA_HOME=" + s.DataHome,
		"XDG_CACHE_HOME=" + s.CacheHome,
		"XDG_STATE_HOME=" + s.StateHome,
		"DBUS_SESSION_BUS_ADDRESS=" + s.BusAddress,
		"DBUS_SYSTEM_BUS_ADDRESS=" + system,
		markName + "=" + s.mark,
	}
	env := []string{
		"PATH=" + path,
		"LC_ALL=C.UTF-8",
		"GIO_USE_VFS=local",
		"GSETTINGS_BACKEND=memory",
		"NO_AT_BRIDGE=1",
		// The real monitor calls a machine with loopback alone offline, and
		// evolution-data-server then asks no server.
		"GIO_USE_NETWORK_MONITOR=base",
		"GIO_USE_PROXY_RESOLVER=dummy",
	}
	for _, entry := range s.opts.Env {
		name, _, ok := strings.Cut(entry, "=")
		if ok && !slices.ContainsFunc(private, func(p string) bool { return strings.HasPrefix(p, name+"=") }) {
			env = append(env, entry)
		}
	}
	return append(env, private...)
}
