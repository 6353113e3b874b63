package scan

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// link says where the symbolic link name in the open folder dir leads.
func (r *Root) link(dir int, name, path string) Finding {
	f := Finding{Path: path, Kind: LinkBroken}
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		f.Err = err
		return f
	}
	f.Target = string(buf[:n])
	fd, err := openat(dir, name, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		f.Err = err
		return f
	}
	defer func() { _ = unix.Close(fd) }()
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		f.Err = err
		return f
	}
	if r.holds(fd, real) {
		f.Kind = LinkInside
		return f
	}
	f.Kind, f.Real = LinkOutside, real
	return f
}

// holds reports whether the node fd, known as real, is the root or lies beneath
// it, by device and inode of each folder above it.
func (r *Root) holds(fd int, real string) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil && r.is(&st) {
		return true
	}
	for p := filepath.Dir(real); ; p = filepath.Dir(p) {
		if unix.Stat(p, &st) == nil && r.is(&st) {
			return true
		}
		if p == "/" || p == "." {
			return false
		}
	}
}

func (r *Root) is(st *unix.Stat_t) bool { return st.Dev == r.stat.Dev && st.Ino == r.stat.Ino }
