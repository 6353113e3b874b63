package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrMoved says that a folder is another one than a moment ago.
var ErrMoved = errors.New("another folder is there than a moment ago")

// Hold opens the folder and looks at it. While it is open its device number is
// nobody else's, whatever is unplugged and plugged in meanwhile.
func Hold(path string) (*os.File, Place, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, Place{}, fmt.Errorf("cannot open folder: %w", err)
	}
	p, err := Look(path)
	if err == nil {
		var st unix.Stat_t
		if err = unix.Fstat(int(f.Fd()), &st); err == nil && (p.Self == nil || *p.Self != Node{Dev: st.Dev, Ino: st.Ino}) {
			err = fmt.Errorf("cannot open folder %q: %w", path, ErrMoved)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, Place{}, err
	}
	return f, p, nil
}

// maxMounts bounds the mounts that are looked at: a desktop has some dozens.
const maxMounts = 4096

// Find looks for the folder that lies at within on a disk of that name, on every
// disk that is mounted now. A disk that is mounted twice is given once. A mount
// that is not of a block device is left out: touching it could take for ever.
func Find(disk, within string) ([]Place, error) {
	ms, err := Mounts()
	if err != nil {
		return nil, fmt.Errorf("cannot find the disk: %w", err)
	}
	var found []Place
	settled := make(map[uint64]bool) // by device number: another disk, or found already
	for _, m := range ms[:min(len(ms), maxMounts)] {
		if !strings.HasPrefix(m.From, "/dev/") || settled[m.Dev] {
			continue
		}
		below, ok := strings.CutPrefix(within, m.Root)
		if !ok || (m.Root != "/" && below != "" && below[0] != '/') {
			continue // a bind mount of another part of the disk
		}
		at := filepath.Join(m.At, below)
		p, err := lookIn(at, ms)
		if err != nil || p.MountID != m.ID {
			continue // unreadable, or hidden by another mount
		}
		if p.Is(disk) == Other {
			settled[m.Dev] = true
			continue
		}
		if p.Within() != within {
			continue
		}
		settled[m.Dev] = p.Exists
		if i := byDevice(found, p.Dev); i < 0 {
			found = append(found, p)
		} else if p.Exists && !found[i].Exists {
			found[i] = p
		}
	}
	return found, nil
}

func byDevice(found []Place, dev uint64) int {
	for i := range found {
		if found[i].Dev == dev {
			return i
		}
	}
	return -1
}

// Within is where the folder lies on its disk; "" where that cannot be told.
func (p *Place) Within() string {
	if p.inFS == "" {
		return ""
	}
	return filepath.Join(p.inFS, filepath.Join(p.below...))
}

// Mounted reports whether the disk is still mounted where p says, and is still
// the same. An open folder outlives its mount.
func (p *Place) Mounted() (bool, error) {
	now, err := Look(p.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return now.Exists && now.Dev == p.Dev && p.Self != nil && now.Self != nil && *now.Self == *p.Self, nil
}
