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

// Hardware tells the device under the file system from a clone of it, by what
// the kernel shows in sysfs (Documentation/ABI/stable/sysfs-block); "" where it
// shows nothing. It is no name for a disk: the same one in another enclosure
// has another.
func (p *Place) Hardware() string {
	dev, ok := p.blockDevice()
	if !ok {
		return ""
	}
	at, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	if err != nil {
		return ""
	}
	return hardware(at)
}

// hardware looks in the folder of a block device, then in those above it: a
// partition lies in its disk, a disk in what it is plugged into. A device that is
// made of one other (an encrypted disk) is that one: a clone has its names too.
func hardware(at string) string {
	for range 8 { // an encrypted disk in a logical volume in …
		under, err := os.ReadDir(filepath.Join(at, "slaves"))
		if err != nil || len(under) != 1 {
			break
		}
		below, err := filepath.EvalSymlinks(filepath.Join(at, "slaves", under[0].Name()))
		if err != nil {
			break
		}
		at = below
	}
	part := attribute(at, "partition")
	for range 12 { // no device lies deeper
		for _, name := range []string{"loop/backing_file", "dm/uuid", "md/uuid", "wwid", "device/wwid", "serial", "device/serial", "device/cid"} {
			if v := attribute(at, name); v != "" {
				return name + "=" + v + "#" + part
			}
		}
		at = filepath.Dir(at)
		if at == "/sys/devices" || at == "/" || at == "." {
			break
		}
	}
	return ""
}

// attribute reads one value of sysfs, which is at most a page.
func attribute(at, name string) string {
	f, err := os.Open(filepath.Join(at, name))
	if err != nil {
		return ""
	}
	defer f.Close()
	var page [4096]byte
	n, err := f.Read(page[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(page[:n]), "?"))
}

// Unplugged reports whether the device that is mounted is no longer there: a
// file system whose disk was pulled out stays mounted until someone unmounts it.
func (p *Place) Unplugged() bool {
	if !strings.HasPrefix(p.MountFrom, "/dev/") {
		return false
	}
	dev, ok := p.blockDevice()
	if !ok {
		return false
	}
	_, err := os.Lstat(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(dev), unix.Minor(dev)))
	return errors.Is(err, fs.ErrNotExist) && sysfs()
}

// sysfs reports whether the kernel shows its devices here at all.
func sysfs() bool {
	_, err := os.Lstat("/sys/dev/block")
	return err == nil
}
