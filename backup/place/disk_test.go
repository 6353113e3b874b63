package place

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const someUUID = "3f1b0c52-6f3c-4a6e-9d0a-0f4c8b7f2a11"

// image makes an ext4 image of 8 MB with a label and, if given, a uuid.
func image(t *testing.T, label, uuid string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting needs root")
	}
	at := filepath.Join(t.TempDir(), "disk.img")
	must(t, os.WriteFile(at, nil, 0o600))
	must(t, os.Truncate(at, 8<<20))
	args := []string{"-q", "-m", "0", "-L", label, at}
	if uuid != "" {
		args = append([]string{"-U", uuid}, args...)
	}
	run(t, "mkfs.ext4", args...)
	return at
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// plug mounts an image at a new folder.
func plug(t *testing.T, image string) string {
	t.Helper()
	at := t.TempDir()
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no loop device here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) }) // it may be unplugged already
	return at
}

func unplug(t *testing.T, at string) {
	t.Helper()
	must(t, unix.Unmount(at, unix.MNT_DETACH))
}

func TestADiskIsKnownByWhatIsWrittenOnIt(t *testing.T) {
	img := image(t, "Photos-Disk", someUUID)
	a := plug(t, img)
	must(t, os.Mkdir(a+"/backup", 0o700))
	p := at(t, a+"/backup")
	if p.UUID != someUUID || p.Disk() != "uuid:"+someUUID || p.Label != "Photos-Disk" || p.Called() != "Photos-Disk" || p.Within() != "/backup" {
		t.Fatalf("%+v is %q within %q", p, p.Disk(), p.Within())
	}
	if !strings.Contains(p.Hardware(), img) {
		t.Errorf("the device is %q", p.Hardware())
	}
	if found, err := Find(p.Disk(), "/backup"); err != nil || len(found) != 1 || found[0].Path != p.Path {
		t.Fatalf("%+v %v", found, err)
	}
	unplug(t, a)
	if found, err := Find(p.Disk(), "/backup"); err != nil || len(found) != 0 {
		t.Errorf("unplugged: %+v %v", found, err)
	}
	if empty := at(t, a); empty.Is(p.Disk()) != Other {
		t.Error("the empty mount point is the disk")
	}
	b := plug(t, img)
	found, err := Find(p.Disk(), "/backup")
	if err != nil || len(found) != 1 || found[0].Path != b+"/backup" || !found[0].Exists {
		t.Errorf("elsewhere: %+v %v", found, err)
	}
	other := plug(t, image(t, "Photos-Disk", ""))
	if at(t, other).Is(p.Disk()) != Other {
		t.Error("a disk with the same label is the disk")
	}
}

func TestAMountHidesTheFolderBeneathAndATwinIsSeen(t *testing.T) {
	img := image(t, "A", someUUID)
	a := plug(t, img)
	must(t, os.Mkdir(a+"/backup", 0o700))
	disk := at(t, a).Disk()
	// The same disk at two places is one disk.
	bound := t.TempDir()
	must(t, unix.Mount(a, bound, "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(bound, unix.MNT_DETACH) })
	inner := t.TempDir()
	must(t, unix.Mount(a+"/backup", inner, "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(inner, unix.MNT_DETACH) })
	if found, err := Find(disk, "/backup"); err != nil || len(found) != 1 {
		t.Errorf("one disk at three places: %+v %v", found, err)
	}
	if found, err := Find(disk, "/"); err != nil || len(found) != 1 {
		t.Errorf("its root: %+v %v", found, err)
	}
	unix.Sync()
	clone := filepath.Join(t.TempDir(), "clone.img")
	run(t, "cp", img, clone)
	b := plug(t, clone)
	found, err := Find(disk, "/backup")
	if err != nil || len(found) != 2 {
		t.Errorf("a disk and its clone: %+v %v", found, err)
	}
	if x, y := at(t, a).Hardware(), at(t, b).Hardware(); x == y || x == "" || y == "" {
		t.Errorf("the devices are %q and %q", x, y)
	}
}

func TestHold(t *testing.T) {
	a := plug(t, image(t, "A", ""))
	f, p, err := Hold(a)
	must(t, err)
	defer f.Close()
	if there, err := p.Mounted(); err != nil || !there {
		t.Errorf("%v %v", there, err)
	}
	unplug(t, a)
	if there, err := p.Mounted(); err != nil || there {
		t.Errorf("after it was unplugged: %v %v", there, err)
	}
	must(t, os.Remove(a))
	if there, err := p.Mounted(); err != nil || there {
		t.Errorf("after its mount point went: %v %v", there, err)
	}
	if _, _, err := Hold(a); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestNamesOfDisks(t *testing.T) {
	dev := unix.Mkdev
	fat := &Place{FSType: "vfat", Dev: dev(8, 17), FSID: hexFSID(deviceFSID(dev(8, 17))), MountFrom: "/dev/sdb1"}
	moved := &Place{FSType: "vfat", Dev: dev(8, 33), FSID: hexFSID(deviceFSID(dev(8, 33))), MountFrom: "/dev/sdc1"}
	ntfs := &Place{FSType: "ntfs3", Dev: dev(8, 17), FSID: fat.FSID, MountFrom: "/dev/sdb1"}
	known := &Place{FSType: "vfat", Dev: dev(8, 17), FSID: fat.FSID, UUID: "4A21-0F00", MountFrom: "/dev/sdb1"}
	other := &Place{FSType: "vfat", Dev: dev(8, 17), FSID: fat.FSID, UUID: "1111-2222", MountFrom: "/dev/sdb1"}
	nfs := &Place{FSType: "nfs4", Dev: dev(0, 50), MountFrom: "nas:/photos"}
	nfs2 := &Place{FSType: "nfs4", Dev: dev(0, 51), MountFrom: "nas:/photos"}
	ext := &Place{FSType: "ext3", Dev: dev(8, 17), FSID: "0badc0de00000001", MountFrom: "/dev/sdb1"}
	tests := []struct {
		named, now *Place
		want       Match
	}{
		{fat, fat, Same}, {fat, moved, Perhaps}, {fat, ntfs, Other}, {fat, ext, Other}, {fat, known, Perhaps},
		{known, known, Same}, {known, other, Other}, {known, fat, Perhaps}, {known, ext, Other},
		{nfs, nfs2, Same}, {nfs, fat, Other}, {ext, ext, Same}, {ext, fat, Other},
	}
	for _, tt := range tests {
		if got := tt.now.Is(tt.named.Disk()); got != tt.want {
			t.Errorf("%q held against %q: %v, want %v", tt.now.Disk(), tt.named.Disk(), got, tt.want)
		}
	}
	if fat.Is("") != Other {
		t.Error("no name is every disk")
	}
}

func TestLabelsAreShownOnOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"Photos":                        "Photos",
		"a\nb\x1b[31mc\t":               "ab[31mc",
		"\u202eevil\xff":                "evil",
		strings.Repeat("ä", 60):         strings.Repeat("ä", 32),
		unescapeLink(`My\x20Disk\x`):    `My Disk\x`,
		unescapeLink(`\x2f..\x2fetc\\`): `/../etc\\`,
	} {
		if got := Showable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := (&Place{MountAt: "/"}).Called(); got != "" {
		t.Errorf("the device's own disk is called %q", got)
	}
	if got := (&Place{MountAt: "/media/me/My Disk"}).Called(); got != "My Disk" {
		t.Errorf("%q", got)
	}
}

func TestHardwareOfADisk(t *testing.T) {
	top := t.TempDir()
	usb := filepath.Join(top, "usb1", "1-1")
	part := filepath.Join(usb, "host0", "block", "sdb", "sdb1")
	must(t, os.MkdirAll(part, 0o700))
	must(t, os.WriteFile(part+"/partition", []byte("1\n"), 0o600))
	if got := hardware(part); got != "" {
		t.Errorf("%q", got)
	}
	must(t, os.WriteFile(usb+"/serial", []byte("4C530001\n"), 0o600))
	if got := hardware(part); got != "serial=4C530001#1" {
		t.Errorf("%q", got)
	}
	crypt := filepath.Join(top, "virtual", "block", "dm-0")
	must(t, os.MkdirAll(crypt+"/slaves", 0o700))
	must(t, os.MkdirAll(crypt+"/dm", 0o700))
	must(t, os.WriteFile(crypt+"/dm/uuid", []byte("CRYPT-LUKS2-0123\n"), 0o600))
	if got := hardware(crypt); got != "dm/uuid=CRYPT-LUKS2-0123#" {
		t.Errorf("%q", got)
	}
	must(t, os.Symlink(part, crypt+"/slaves/sdb1"))
	if got := hardware(crypt); got != "serial=4C530001#1" {
		t.Errorf("encrypted: %q", got)
	}
}

func TestADiskThatWasPulledOut(t *testing.T) {
	gone := &Place{MountFrom: "/dev/no-such-disk", Dev: unix.Mkdev(4095, 77)}
	if sysfs() != gone.Unplugged() {
		t.Error("a device that is not there is plugged in")
	}
	for _, p := range []*Place{at(t, "/"), at(t, "/proc"), {MountFrom: "nas:/photos", Dev: unix.Mkdev(0, 50)}} {
		if p.Unplugged() {
			t.Errorf("%s is pulled out", p.MountFrom)
		}
	}
	if p := at(t, plug(t, image(t, "A", ""))); p.Unplugged() {
		t.Error("a disk that is there is pulled out")
	}
}

// TestAStickWithoutALongName: FAT has a serial number, which only udev tells
// some; without it the name of the disk is that of its device.
func TestAStickWithoutALongName(t *testing.T) {
	if kinds, err := os.ReadFile("/proc/filesystems"); err != nil || !strings.Contains(string(kinds), "\tvfat\n") {
		t.Skip("SKIPPED: this kernel has no vfat")
	}
	if _, err := exec.LookPath("mkfs.vfat"); err != nil || os.Geteuid() != 0 {
		t.Skip("SKIPPED: a FAT disk needs root, and mkfs.vfat of dosfstools")
	}
	img := filepath.Join(t.TempDir(), "stick.img")
	must(t, os.WriteFile(img, nil, 0o600))
	must(t, os.Truncate(img, 16<<20))
	run(t, "mkfs.vfat", "-i", "4A210F00", "-n", "STICK", img)
	a := plug(t, img)
	disk := at(t, a).Disk()
	unplug(t, a)
	if empty := at(t, a); empty.Is(disk) != Other {
		t.Errorf("the empty mount point is %q", disk)
	}
	b := plug(t, img)
	if found, err := Find(disk, "/"); err != nil || len(found) != 1 || found[0].Path != b {
		t.Errorf("elsewhere: %+v %v", found, err)
	}
}
