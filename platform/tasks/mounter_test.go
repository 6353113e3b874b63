package tasks

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mounterName tells the tests, which do not run as root, where root mounts disks
// for them; it is the hand that plugs a disk in.
const mounterName = "CLEARANCE_TEST_MOUNTER"

// offerMounts mounts and unmounts for the tests, where root started them.
func offerMounts() error {
	if os.Geteuid() != 0 {
		return nil
	}
	at := fmt.Sprintf("@clearance-mounter-%d", os.Getpid())
	l, err := net.Listen("unix", at)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, err := bufio.NewReader(c).ReadString('\n')
			if err == nil {
				err = mounting(strings.Split(strings.TrimSpace(line), "\t"))
			}
			fmt.Fprint(c, err)
			_ = c.Close()
		}
	}()
	return os.Setenv(mounterName, at)
}

// mounting does one thing with a folder of the tests.
func mounting(words []string) error {
	at := words[len(words)-1]
	if at != filepath.Clean(at) || !strings.HasPrefix(at, "/tmp/cl") {
		return fmt.Errorf("%q is no folder of the tests", at)
	}
	switch words[0] {
	case "plug":
		if out, err := exec.Command("mount", "-o", "loop", words[1], at).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	case "bind":
		return unix.Mount(words[1], at, "", unix.MS_BIND, "")
	case "read-only":
		return unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	case "unplug":
		return unix.Unmount(at, 0)
	case "detach":
		return unix.Unmount(at, unix.MNT_DETACH)
	case "pull":
		return shutdown(at)
	}
	return fmt.Errorf("what is %q", words[0])
}

// shutdown makes everything fail that is written from here on
// (EXT4_IOC_SHUTDOWN, without a last flush): a cable that was pulled.
func shutdown(at string) error {
	d, err := os.Open(at)
	if err != nil {
		return err
	}
	defer d.Close()
	const request, noLogFlush = 0x8004587d, 2
	flag := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), request, uintptr(unsafe.Pointer(&flag))); errno != 0 {
		return errno
	}
	return nil
}

// hand does a thing with a disk as root.
func hand(t testing.TB, words ...string) error {
	t.Helper()
	at := os.Getenv(mounterName)
	if at == "" {
		t.Skip("SKIPPED: only root can mount a disk: run the tests as root")
	}
	c, err := net.Dial("unix", at)
	must(t, err)
	defer c.Close()
	_, err = fmt.Fprintln(c, strings.Join(words, "\t"))
	must(t, err)
	answer, err := bufio.NewReader(c).ReadString(0)
	if answer == "" {
		must(t, err)
	}
	if answer != "<nil>" {
		return fmt.Errorf("cannot %s: %s", words[0], answer)
	}
	return nil
}
