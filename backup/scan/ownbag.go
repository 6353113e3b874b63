package scan

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// bagInfo and bagIDLabel are where a bag says who it is (RFC 8493, 2.2.2).
const (
	bagInfo    = "bag-info.txt"
	bagIDLabel = "External-Identifier:"
	bagInfoMax = 64 << 10
)

// ownBag reports whether the open folder dir carries one of the bag ids.
func ownBag(dir int, ids map[string]bool) bool {
	if len(ids) == 0 {
		return false
	}
	fd, err := openat(dir, bagInfo, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC)
	if err != nil {
		return false
	}
	f := os.NewFile(uintptr(fd), bagInfo)
	defer f.Close()
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return false
	}
	text, err := io.ReadAll(io.LimitReader(f, bagInfoMax))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(line, bagIDLabel); ok && ids[strings.TrimSpace(id)] {
			return true
		}
	}
	return false
}
