package session

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a program that we started and must end. Its end is waited for by
// one goroutine, whose thread the kernel ties the program's life to.
type process struct {
	name string
	pid  int
	done chan struct{}
	err  error // what Wait said; read it after done
}

// spawn starts a program in a process group of its own. The kernel kills it
// when we die.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{name: cmd.Path, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The signal at the parent's death goes by thread, so the thread that
		// starts the program stays with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("cannot start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// childAttributes are those of every process of a session: its own session and
// process group, the session's user with no further groups, and no life after
// ours.
func childAttributes(as *Credential) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if as != nil && os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: as.UID, Gid: as.GID}
	}
	return attr
}

// killWait is how long a killed process may take to be gone.
const killWait = 5 * time.Second

// kill ends the program alone, not its process group: what it started sees the
// death as it would see a crash.
func (p *process) kill() error {
	if p.running() {
		if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("cannot kill %s: %w", p.name, err)
		}
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(killWait):
		return fmt.Errorf("cannot end %s (pid %d): it is still there %v after being killed", p.name, p.pid, killWait)
	}
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// openLog opens a log that the session's user may write to.
func openLog(path string, as *Credential) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the private session's log: %w", err)
	}
	if as != nil {
		if err := f.Chown(int(as.UID), int(as.GID)); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot give the private session's log to its user: %w", err), f.Close())
		}
	}
	return f, nil
}

// MissingError says that a program of the desktop is not installed.
type MissingError struct {
	Program string
	// Package is the name of the Debian package that has it.
	Package string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("cannot find %s: install it with `apt-get install %s`", e.Program, e.Package)
}

func find(program, pkg string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", &MissingError{Program: program, Package: pkg}
	}
	return path, nil
}

// Need returns a *MissingError where a program is not there. The program is a
// name in PATH or an absolute path; pkg is the Debian package that has it.
func Need(program, pkg string) error {
	_, err := find(program, pkg)
	return err
}
