package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/backup/place"
)

// mount is one mount of this process.
type mount struct {
	id     uint64
	point  string
	fstype string
}

// farTypes are filesystems whose content changes without this kernel's doing.
// FUSE stands for many, told by the prefix "fuse".
var farTypes = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "smbfs": true, "9p": true, "virtiofs": true,
	"ceph": true, "afs": true, "coda": true, "lustre": true, "beegfs": true, "gpfs": true, "ocfs2": true,
	"gfs2": true, "vboxsf": true, "vmhgfs": true, "prl_fs": true, "orangefs": true, "pvfs2": true,
}

// far reports whether a mount must not be touched from the loop. Beneath one of
// autofs a name that is touched is mounted first, from a server that may be gone.
func (m mount) far() bool { return m.fstype == autofs || Far(m.fstype) }

const autofs = "autofs"

// Far reports whether the content of a file system of this type comes from a server
// or a program, which may be gone.
func Far(fstype string) bool { return farTypes[fstype] || strings.HasPrefix(fstype, "fuse") }

// mounts are this process's mounts, in the order in which they were made.
type mounts []mount

func readMounts() (mounts, error) {
	all, err := place.Mounts()
	return known(all), err
}

// known are mounts as the watching needs to know them.
func known(all []place.Mount) mounts {
	var list mounts
	for _, m := range all {
		list = append(list, mount{id: m.ID, point: m.At, fstype: m.FSType})
	}
	return list
}

// covering is the mount that a path lies on: the last one made on its longest
// prefix.
func (ms mounts) covering(path string) mount {
	var best mount
	for _, m := range ms {
		if within(path, m.point) && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return best
}

// touching are the mounts that a tree lies on or holds, as one comparable text.
func (ms mounts) touching(root string) string {
	var b strings.Builder
	fmt.Fprint(&b, ms.covering(root).id)
	for _, m := range ms {
		if m.point != root && within(m.point, root) {
			fmt.Fprint(&b, " ", m.id)
		}
	}
	return b.String()
}

// farIn is a far mount that a tree lies on or holds.
func (ms mounts) farIn(root string) (mount, bool) {
	if m := ms.covering(root); m.far() {
		return m, true
	}
	for _, m := range ms {
		if within(m.point, root) && ms.covering(m.point).far() {
			return ms.covering(m.point), true
		}
	}
	return mount{}, false
}

// within reports whether a clean absolute path is the folder or lies under it.
func within(path, folder string) bool {
	if folder == "/" || path == folder {
		return true
	}
	return len(path) > len(folder) && path[len(folder)] == '/' && path[:len(folder)] == folder
}

// errFar means that a path leads onto a far mount, which must not be touched
// from the loop: a dead server would hold it for ever.
type errFar struct{ mount }

func (e errFar) Error() string {
	return fmt.Sprintf("%s is %s, whose changes cannot all be seen from here", e.point, e.fstype)
}

// resolve follows the symbolic links of a path without touching a far mount.
func (ms mounts) resolve(path string) (string, error) {
	links := 0
	done, rest := "/", strings.TrimPrefix(path, "/")
	for rest != "" {
		part, more, _ := strings.Cut(rest, "/")
		rest = more
		switch part {
		case "", ".":
			continue
		case "..":
			done = filepath.Dir(done)
			continue
		}
		next := filepath.Join(done, part)
		m := ms.covering(next)
		if m.fstype == autofs && !ms.covering(filepath.Join(next, rest)).far() {
			m = mount{} // what is looked for is mounted already
		}
		if m.far() {
			return filepath.Join(next, rest), errFar{m}
		}
		fi, err := os.Lstat(next)
		if err != nil {
			return "", err
		}
		if fi.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		if links++; links > 40 {
			return "", errors.New("too many symbolic links")
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = target + "/" + rest
	}
	return done, nil
}
