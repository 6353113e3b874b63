// Package scantest gives tests a folder that stops answering, as one on a server
// does that is gone: a real FUSE file system, whose program is stopped and goes on.
// Tests alone import it.
package scantest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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
	f.wait(f.mounted, "is not there")
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

// Hang makes everything that is asked of the folder wait. What was asked before is
// answered, or waits by the time that it returns.
func (f *Far) Hang() {
	f.t.Helper()
	f.signal(syscall.SIGSTOP)
	f.wait(f.stopped, "does not stop")
}

// stopped reports whether no thread of the program runs any more.
func (f *Far) stopped() bool {
	states := Threads(f.t, f.cmd.Process.Pid)
	if states == "" {
		f.t.Fatal("bindfs has ended")
	}
	return strings.Trim(states, "T") == ""
}

// Threads are the states of a process's threads, a letter each (proc_pid_stat(5)):
// T is stopped, D waits in the kernel. "" where it has ended.
func Threads(t testing.TB, pid int) (states string) {
	t.Helper()
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range stats {
		stat, err := os.ReadFile(at)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // that thread has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		states += rest[:min(1, len(rest))]
	}
	return states
}

// wait waits until something holds.
func (f *Far) wait(holds func() bool, failing string) {
	f.t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			f.t.Fatalf("what is mounted at %s %s", f.At, failing)
		}
	}
}

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
