package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Node is a folder, as the system knows it.
type Node struct {
	Dev, Ino uint64
}

// Place is what is known of a folder.
type Place struct {
	Path   string // absolute, links resolved as far as it exists
	Exists bool
	Folder bool // exists and is a folder
	// Writable says that this process may make files there, or in the nearest
	// folder above that exists; the disk may still refuse.
	Writable bool

	// What follows is of the folder, or of the nearest one above that exists.

	FSType    string // as in /proc/filesystems: "ext4", "tmpfs", "nfs4", "fuse.sshfs"
	FSID      string // statfs f_fsid in hex; "" where the file system has none
	UUID      string // of the file system, as udev writes it; "" where nobody tells
	Label     string // that a person gave the disk, made fit to be shown; "" for none
	Dev       uint64
	FreeBytes int64 // that this user may fill
	AllBytes  int64 // the size of the file system
	MountID   uint64
	MountAt   string // where the file system is mounted
	MountFrom string // what is mounted: a device, a server's path
	ReadOnly  bool

	// Self is the folder itself, if it exists; Above are the folders above it
	// that exist, the nearest first.
	Self  *Node
	Above []Node

	inFS  string   // where the nearest existing folder lies within its file system
	below []string // the names that do not exist yet
}

// Memory reports whether what is written there is gone with the power.
func (p *Place) Memory() bool {
	switch p.FSType {
	case "tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "zram":
		return true
	}
	return false
}

// Fronted reports whether a program stands between us and the disk: what it
// says was written may never have left this machine.
func (p *Place) Fronted() bool {
	return p.FSType == "fuse" || p.FSType == "fuseblk" || p.FSType == "davfs" || p.FSType == "davfs2" ||
		strings.HasPrefix(p.FSType, "fuse.")
}

// Look gathers the facts about path. It need not exist.
func Look(path string) (Place, error) {
	return lookIn(path, nil)
}

func lookIn(path string, ms []Mount) (Place, error) {
	p, err := look(path, ms)
	if err != nil {
		return p, fmt.Errorf("cannot look at %q: %w", path, err)
	}
	return p, nil
}

func look(path string, ms []Mount) (Place, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Place{}, err
	}
	near, below, err := nearest(abs)
	if err != nil {
		return Place{}, err
	}
	p := Place{Path: filepath.Join(append([]string{near}, below...)...), Exists: len(below) == 0, below: below}
	if err := p.nodes(near); err != nil {
		return p, err
	}
	if err := p.fileSystem(near); err != nil {
		return p, err
	}
	if err := p.mount(near, ms); err != nil {
		return p, err
	}
	p.identify(near)
	return p, nil
}

// nearest gives the deepest part of abs that exists, its links resolved, and
// the names below it.
func nearest(abs string) (string, []string, error) {
	var below []string
	for at := abs; ; at = filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return real, below, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == "/" {
			return "", nil, err
		}
		if _, lerr := os.Lstat(at); lerr == nil {
			return "", nil, fmt.Errorf("%q is a link to nothing", at)
		}
		below = append([]string{filepath.Base(at)}, below...)
	}
}

func (p *Place) nodes(near string) error {
	var st unix.Stat_t
	if err := unix.Stat(near, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: near, Err: err}
	}
	p.Dev = st.Dev
	node := Node{Dev: st.Dev, Ino: st.Ino}
	p.Folder = p.Exists && st.Mode&unix.S_IFMT == unix.S_IFDIR
	if p.Exists {
		p.Self = &node
	} else {
		p.Above = append(p.Above, node)
	}
	for at := near; at != "/"; {
		at = filepath.Dir(at)
		if err := unix.Stat(at, &st); err != nil {
			return &fs.PathError{Op: "stat", Path: at, Err: err}
		}
		p.Above = append(p.Above, Node{Dev: st.Dev, Ino: st.Ino})
	}
	p.Writable = unix.Faccessat(unix.AT_FDCWD, near, unix.W_OK|unix.X_OK, unix.AT_EACCESS) == nil
	return nil
}

func (p *Place) fileSystem(near string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(near, &st); err != nil {
		return &fs.PathError{Op: "statfs", Path: near, Err: err}
	}
	// Blocks are counted in fragments (statvfs(3)); Bsize is what is best read at
	// once, which network file systems give as a megabyte.
	p.FreeBytes = int64(st.Bavail) * st.Frsize
	p.AllBytes = int64(st.Blocks) * st.Frsize
	p.ReadOnly = st.Flags&unix.ST_RDONLY != 0
	if st.Fsid.Val != [2]int32{} {
		p.FSID = hexFSID(st.Fsid.Val)
	}
	return nil
}

// Overlaps reports whether one of the places is the other, or lies in it. Where
// that cannot be told it says yes.
func Overlaps(a, b *Place) bool { return Inside(a, b) || Inside(b, a) }

// Inside reports whether a is b or lies in it, be one of them seen through
// another mount. Where that cannot be told it says yes.
func Inside(a, b *Place) bool {
	if inside(a, b) {
		return true
	}
	if a.Dev != b.Dev {
		return false
	}
	if a.inFS == "" || b.inFS == "" {
		return true
	}
	// Two mounts can show one folder: compare where they lie on the disk.
	return within(filepath.Join(a.inFS, filepath.Join(a.below...)), filepath.Join(b.inFS, filepath.Join(b.below...)))
}

// inside reports whether b is among the folders of a.
func inside(a, b *Place) bool {
	if b.Self == nil {
		return false // what does not exist holds nothing; same names to be are told by inFS
	}
	return a.Self != nil && *a.Self == *b.Self || slices.Contains(a.Above, *b.Self)
}

func within(a, b string) bool {
	return a == b || b == "/" || strings.HasPrefix(a, b+"/")
}
