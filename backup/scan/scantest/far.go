// Package scantest gives tests a folder that stops answering, as one on a server
// does that is gone: a real FUSE file system, whose program is stopped and goes on.
// Tests alone import it.
package scantest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Far is a folder that shows another one through a program.
type Far struct {
	t   testing.TB
	At  string
	cmd *exec.Cmd
}

// Mount shows the folder from at another one, which must be there, until the test
// ends. Nothing that was seen of it is remembered by the kernel.
func Mount(t testing.TB, from, at string) *Far {
	t.Helper()
	program, err := exec.LookPath("bindfs")
	if err != nil {
		t.Skip("SKIPPED: bindfs is not installed")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("SKIPPED: no file systems of programs here: %v", err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "-o", "attr_timeout=0,entry_timeout=0,negative_timeout=0"}
	if os.Geteuid() != 0 {
		args = append(args, "--no-allow-other") // which the system's settings may forbid
	}
	f := &Far{t: t, At: at, cmd: exec.Command(program, append(args, from, at)...)}
	f.cmd.Stderr = os.Stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.end)
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !f.mounted() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("nothing is mounted at %s", at)
		}
	}
	return f
}

// mounted asks the list of mounts: asking the folder could wait for ever.
func (f *Far) mounted() bool {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Contains(string(list), " "+f.At+" ")
}

// Hang makes everything that is asked of the folder wait.
func (f *Far) Hang() { f.signal(syscall.SIGSTOP) }

// Answer lets go on who waits.
func (f *Far) Answer() { f.signal(syscall.SIGCONT) }

func (f *Far) signal(s syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}

// end ends the program, which lets go whoever still waits, and takes the folder
// away.
func (f *Far) end() {
	_ = f.cmd.Process.Kill() // it may have ended
	_ = f.cmd.Wait()         // it was killed
	err := unix.Unmount(f.At, unix.MNT_DETACH)
	if errors.Is(err, unix.EPERM) {
		err = exec.Command("fusermount3", "-u", "-z", f.At).Run()
	}
	if err != nil && f.mounted() {
		f.t.Errorf("cannot unmount %s: %v", f.At, err)
	}
}
