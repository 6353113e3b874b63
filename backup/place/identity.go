package place

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Match says whether a file system is the one that a name was taken of.
type Match int

// The answers. Perhaps: the name says too little, something on the disk itself
// must tell.
const (
	Other Match = iota
	Perhaps
	Same
)

// Disk names the file system, as well as it can be told again when it was away:
//
//	uuid:…  the file system's own uuid, or a FAT's serial number
//	fsid:…  f_fsid of statfs(2), where the file system makes it of its own uuid
//	from:…  the server and path of a network mount
//	dev:…   type and device number: where the disk is plugged in, not which it is
//
// It is never empty for a folder that was looked at.
func (p *Place) Disk() string {
	switch {
	case p.UUID != "":
		return "uuid:" + p.UUID
	case p.far():
		return "from:" + p.FSType + ":" + p.MountFrom
	case p.FSID != "" && p.FSID != hexFSID(deviceFSID(p.Dev)):
		return "fsid:" + p.FSID
	}
	return fmt.Sprintf("dev:%s:%d:%d", p.FSType, unix.Major(p.Dev), unix.Minor(p.Dev))
}

// Is holds the file system against a name that [Place.Disk] gave. What told the
// uuid then may not tell it now, and the other way round: where one of the two
// names is only that of a device, the type alone can say no.
func (p *Place) Is(disk string) Match {
	now := p.Disk()
	if disk == now || disk == "fsid:"+p.FSID {
		return Same
	}
	kind, rest, _ := strings.Cut(disk, ":")
	switch {
	case kind == "dev":
		if fs, _, _ := strings.Cut(rest, ":"); fs == p.FSType {
			return Perhaps
		}
	case kind == "uuid" && p.UUID == "" && strings.HasPrefix(now, "dev:"):
		return Perhaps
	}
	return Other
}

func (p *Place) far() bool {
	return strings.HasPrefix(p.MountFrom, "//") || strings.Contains(p.MountFrom, ":/")
}

// deviceFSID is f_fsid as file systems make it that have no uuid of their own in
// it (FAT, exFAT, NTFS, XFS): the device number, by huge_encode_dev of the
// kernel's include/linux/kdev_t.h.
func deviceFSID(dev uint64) [2]int32 {
	major, minor := unix.Major(dev), unix.Minor(dev)
	return [2]int32{int32(minor&0xff | major<<8 | (minor&^0xff)<<12)}
}

func hexFSID(id [2]int32) string { return fmt.Sprintf("%08x%08x", uint32(id[0]), uint32(id[1])) }

// The requests of ioctl(2), as amd64, arm64 and riscv number them; elsewhere the
// kernel refuses them and the next source is asked.
const (
	fsGetUUID   = 0x80111500 // FS_IOC_GETFSUUID, Linux 6.9: linux/fs.h
	ext4GetUUID = 0x8008662c // EXT4_IOC_GETFSUUID, Linux 6.0: fs/ext4/ext4.h
	fsGetLabel  = 0x81009431 // FS_IOC_GETFSLABEL, Linux 4.18: linux/fs.h
)

// identify asks the open folder for its file system's uuid and label, and where
// the kernel tells none, the names that udev made.
func (p *Place) identify(near string) {
	fd, err := unix.Open(near, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		p.UUID, p.Label = uuidOf(fd), labelOf(fd)
		_ = unix.Close(fd)
	}
	if p.UUID == "" {
		p.UUID = p.byLink("/dev/disk/by-uuid")
	}
	if p.Label == "" {
		p.Label = Showable(unescapeLink(p.byLink("/dev/disk/by-label")))
	}
}

func uuidOf(fd int) string {
	var any struct {
		length uint8
		id     [16]byte
	}
	if ioctl(fd, fsGetUUID, unsafe.Pointer(&any)) && int(any.length) <= len(any.id) {
		return uuidText(any.id[:any.length])
	}
	ext := struct {
		length, flags uint32
		id            [16]byte
	}{length: 16}
	if ioctl(fd, ext4GetUUID, unsafe.Pointer(&ext)) && int(ext.length) <= len(ext.id) {
		return uuidText(ext.id[:ext.length])
	}
	return ""
}

func ioctl(fd int, request uintptr, into unsafe.Pointer) bool {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(into))
	return errno == 0
}

// uuidText writes a uuid as udev and UDisks2 do, "" for one of zeros alone.
func uuidText(id []byte) string {
	if len(bytes.Trim(id, "\x00")) == 0 {
		return ""
	}
	if len(id) != 16 {
		return hex.EncodeToString(id)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func labelOf(fd int) string {
	var text [256]byte
	if !ioctl(fd, fsGetLabel, unsafe.Pointer(&text)) {
		return ""
	}
	return Showable(unix.ByteSliceToString(text[:]))
}

// maxLinks bounds the names of disks that are looked through.
const maxLinks = 4096

// byLink is the name of the link in a folder of udev's that leads to the file
// system's device, "" for none.
func (p *Place) byLink(folder string) string {
	rdev, ok := p.blockDevice()
	if !ok {
		return ""
	}
	d, err := os.Open(folder)
	if err != nil {
		return ""
	}
	defer d.Close()
	names, err := d.Readdirnames(maxLinks)
	if err != nil {
		return ""
	}
	for _, n := range names {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(folder, n), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK && st.Rdev == rdev {
			return n
		}
	}
	return ""
}

// blockDevice is the number of the device that is mounted. That of a folder is
// its own only where the file system has one device (not btrfs).
func (p *Place) blockDevice() (uint64, bool) {
	var st unix.Stat_t
	if strings.HasPrefix(p.MountFrom, "/dev/") && unix.Stat(p.MountFrom, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
		return st.Rdev, true
	}
	return p.Dev, unix.Major(p.Dev) != 0
}

// unescapeLink undoes the \x20 in which udev writes what no file name may hold.
func unescapeLink(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+3 < len(s) {
			if c, err := hex.DecodeString(s[i+2 : i+4]); err == nil {
				b.Write(c)
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// maxLabel bounds a label, which whoever made the disk wrote, in bytes.
const maxLabel = 64

// Showable is a text from a disk as a person may see it: printable, on one line,
// at most 64 bytes.
func Showable(label string) string {
	label = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, label)
	label = strings.TrimSpace(label)
	for len(label) > maxLabel {
		_, n := utf8.DecodeLastRuneInString(label)
		label = label[:len(label)-n]
	}
	return label
}

// Called is what a person calls the disk: its label, or the folder where it is
// plugged in; "" for this device's own.
func (p *Place) Called() string {
	switch {
	case p.Label != "":
		return p.Label
	case p.MountAt == "" || p.MountAt == "/":
		return ""
	}
	return Showable(filepath.Base(p.MountAt))
}
