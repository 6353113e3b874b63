package authz

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const dialEnv = "CLEARANCE_TEST_DIAL"

// TestMain lets the test binary be its own peer: a process that dials a socket
// and holds the connection until the other end closes it.
func TestMain(m *testing.M) {
	if path := os.Getenv(dialEnv); path != "" {
		os.Exit(dial(path))
	}
	os.Exit(m.Run())
}

func dial(path string) int {
	conn, err := net.DialTimeout("unix", path, 10*time.Second)
	if err != nil {
		return 1
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return 1
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		return 1
	}
	return 0
}

// peer starts the test binary as a peer and returns who it is taken for.
func peer(t *testing.T, attr *syscall.SysProcAttr) Caller {
	t.Helper()
	dir, err := os.MkdirTemp("", "authz")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	must(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	defer listener.Close()
	must(t, os.Chmod(path, 0o666))
	must(t, listener.SetDeadline(time.Now().Add(20*time.Second)))

	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{dialEnv + "=" + path}
	cmd.SysProcAttr = attr
	cmd.Dir = "/"
	must(t, cmd.Start())
	defer func() {
		if err := cmd.Wait(); err != nil {
			t.Errorf("the peer: %v", err)
		}
	}()
	conn, err := listener.Accept()
	must(t, err)
	defer conn.Close()
	return OfConn(conn)
}

func TestOfConn(t *testing.T) {
	own := uint32(os.Getuid())
	user := &syscall.SysProcAttr{}
	if own != 0 {
		user = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(own), Size: 1}},
		}
	}
	within := func(flags uintptr) *syscall.SysProcAttr {
		attr := *user
		attr.Cloneflags |= flags
		return &attr
	}
	t.Run("a process like us", func(t *testing.T) {
		caller := peer(t, nil)
		if uid, ok := caller.UID(); !ok || uid != own || caller.Confined() {
			t.Errorf("%+v", caller)
		}
	})
	t.Run("in its own mount namespace", func(t *testing.T) {
		if caller := peer(t, within(syscall.CLONE_NEWNS)); !caller.Confined() {
			t.Errorf("%+v", caller)
		}
	})
	t.Run("in its own pid namespace", func(t *testing.T) {
		if caller := peer(t, within(syscall.CLONE_NEWPID)); !caller.Confined() {
			t.Errorf("%+v", caller)
		}
	})
	t.Run("as another user", func(t *testing.T) {
		if own != 0 {
			t.Skip("needs root to become another user")
		}
		caller := peer(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
		if uid, ok := caller.UID(); !ok || uid != 65534 {
			t.Errorf("%+v", caller)
		}
	})
}

func TestOfConnNeedsAUnixSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, ok := OfConn(a).UID(); ok {
		t.Error("a pipe has a uid")
	}
}

func TestAPeerThatIsGoneIsConfined(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(t, err)
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	cmd := exec.Command("/bin/true")
	must(t, cmd.Run())
	if !confinedProcess("/proc", int32(cmd.Process.Pid)) {
		t.Error("a process that ended is free")
	}
	if !confinedPeer(fds[0], 0) {
		t.Error("a process without a number is free")
	}
}
