package sessiontest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/platform/session"
)

// unprivileged is the user that tests run as where they were started by root.
const unprivileged = "nobody"

// homeName tells the test program that it was started by Main, and where its
// home is.
const homeName = "CLEARANCE_TEST_HOME"

// Main runs a package's tests as an unprivileged user and cut off from the
// session they were started from, then exits. Where root starts the tests, the
// test program runs again as the user nobody: its output, its exit status, its
// profiles and its coverage are passed on. checks run after the tests, in the
// same process, and fail them by an error, such as goleak.Find.
//
// Fuzzing stays with the user who started it, so that its corpus can be kept.
func Main(m *testing.M, checks ...func() error) {
	if os.Geteuid() == 0 && !fuzzing(os.Args) {
		code, err := again()
		if err != nil {
			fmt.Fprintln(os.Stderr, "sessiontest:", err)
			code = 2
		}
		os.Exit(code)
	}
	os.Exit(run(m, checks))
}

func run(m *testing.M, checks []func() error) int {
	home, err := seclude()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sessiontest:", err)
		return 2
	}
	code := m.Run()
	for _, check := range checks {
		if err := check(); err != nil {
			fmt.Fprintln(os.Stderr, "sessiontest:", err)
			code = max(code, 1)
		}
	}
	if err := os.RemoveAll(home); err != nil {
		fmt.Fprintln(os.Stderr, "sessiontest:", err)
		code = max(code, 1)
	}
	return code
}

// seclude takes every road to the caller's session out of the environment and
// gives the tests an empty home.
func seclude() (string, error) {
	home, err := os.MkdirTemp(os.Getenv(homeName), "home-")
	if err != nil {
		return "", fmt.Errorf("cannot make a home for the tests: %w", err)
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if leadsOut(name) {
			if err := os.Unsetenv(name); err != nil {
				return "", fmt.Errorf("cannot clear the environment: %w", err)
			}
		}
	}
	nowhere := "unix:path=" + filepath.Join(home, "no-bus")
	for name, value := range map[string]string{
		"HOME": home, "DBUS_SESSION_BUS_ADDRESS": nowhere, "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
	} {
		if err := os.Setenv(name, value); err != nil {
			return "", fmt.Errorf("cannot set the tests' environment: %w", err)
		}
	}
	return home, nil
}

// leadsOut reports whether a variable leads to the caller's session.
func leadsOut(name string) bool {
	for _, prefix := range []string{"DBUS_", "XDG_", "GNOME_", "KDE_", "SSH_", "WAYLAND_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "DISPLAY" || name == "XAUTHORITY"
}

// again runs this program as the unprivileged user and returns its exit status.
func again() (code int, err error) {
	as, err := session.LookupCredential(unprivileged)
	if err != nil {
		return 0, err
	}
	dir, err := sharedFolder(as)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	args, outputs := redirect(os.Args[1:], dir)
	if err := prepare(outputs, as); err != nil {
		return 0, err
	}
	// go test builds below a folder that only root may enter; the kernel's link
	// to our own program needs no way through it.
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), homeName+"="+dir, "HOME="+dir, "TMPDIR="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: as.UID, Gid: as.GID},
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot run the tests as %s: %w", unprivileged, err)
	}
	stop := forward(cmd.Process)
	defer stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("cannot wait for the tests: %w", err)
	}
	if code = cmd.ProcessState.ExitCode(); code < 0 {
		fmt.Fprintln(os.Stderr, "sessiontest: the tests ended:", cmd.ProcessState)
		code = 2
	}
	return code, bringBack(outputs)
}

// forward passes signals on to the test program, SIGQUIT with its stacks among
// them.
func forward(p *os.Process) (stop func()) {
	signals := make(chan os.Signal, 8)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for {
			select {
			case s := <-signals:
				// It fails only where the tests have ended by then.
				_ = p.Signal(s)
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// sharedFolder makes a temporary folder of the unprivileged user. TMPDIR may
// lead through a folder that only root may enter, so it is not asked. The name
// is short: sockets lie below it.
func sharedFolder(as *session.Credential) (string, error) {
	dir, err := os.MkdirTemp("/tmp", "cl")
	if err != nil {
		return "", fmt.Errorf("cannot make a folder for the tests: %w", err)
	}
	if err := os.Chown(dir, int(as.UID), int(as.GID)); err != nil {
		return "", fmt.Errorf("cannot give the tests their folder: %w", err)
	}
	return dir, nil
}

// prepare makes the folders among the outputs.
func prepare(outputs []output, as *session.Credential) error {
	for _, o := range outputs {
		if !o.folder {
			continue
		}
		if err := errors.Join(os.Mkdir(o.wrote, 0o700), os.Chown(o.wrote, int(as.UID), int(as.GID))); err != nil {
			return fmt.Errorf("cannot make a folder for the tests' output: %w", err)
		}
	}
	return nil
}

// bringBack copies what the tests wrote to where go test wants it.
func bringBack(outputs []output) error {
	var errs []error
	for _, o := range outputs {
		errs = append(errs, o.bringBack())
	}
	return errors.Join(errs...)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil // The tests ended before they wrote it.
	}
	if err != nil {
		return fmt.Errorf("cannot bring back %s: %w", to, err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("cannot bring back %s: %w", to, err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot bring back %s: %w", to, err)
	}
	return nil
}
