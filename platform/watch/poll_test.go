package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestFileIsPolled(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(b.dir, "contacts.vcf")
	write(t, file)
	b.add("f", file)
	b.wantMode("f", Polled, 0)
	b.silent("f", "a look", func() {})
	b.tells("f", "a write", func() { must(t, os.WriteFile(file, []byte("longer"), 0o600)) })
	b.seen("f")
	must(t, os.Remove(file))
	b.clock.advance(30 * time.Second)
	b.await("f", Files)
}

// nsVariable tells the test binary that it runs in a user namespace of its own,
// where the limits of inotify are the test's.
const nsVariable = "CLEARANCE_WATCH_NAMESPACE"

func inNamespace() bool { return os.Getenv(nsVariable) != "" }

// inOwnNamespace runs the calling test again in a new user namespace, whose
// limits it may set, and reports whether this is the run inside.
func inOwnNamespace(t *testing.T) bool {
	t.Helper()
	if inNamespace() {
		return true
	}
	if testing.Short() {
		t.Skip("needs a process of its own")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), nsVariable+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "operation not permitted") || err != nil && len(out) == 0 {
		t.Skipf("this system allows no user namespace: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("in its own namespace: %v\n%s", err, out)
	}
	t.Logf("in its own namespace:\n%s", out)
	return false
}

func limitInotify(t *testing.T, what, value string) {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/user/max_inotify_"+what, []byte(value), 0))
}

func TestWatchLimitReached(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	limitInotify(t, "watches", "10")
	b := newBench(t)
	small, big := mkdir(t, b.dir, "small"), mkdir(t, b.dir, "big")
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		mkdir(t, big, n)
	}
	b.add("s", small)
	b.add("b", big)
	b.wantMode("s", Live, 1)
	b.wantMode("b", Polled, 0)
	if s := b.stat("b"); s.Why != noWatchesLeft || s.RetryAt.IsZero() {
		t.Fatalf("status %+v", s)
	}
	b.silent("b", "a look", func() {})
	b.tells("b", "a write deep in it", func() { write(t, filepath.Join(big, "12", "f")) })
	b.tells("s", "a write in the other", func() { write(t, filepath.Join(small, "f")) })
	b.seen("b")
	write(t, filepath.Join(big, "12", "g"))
	b.clock.advance(30 * time.Second)
	b.await("b", Files)
	// A live source that grows beyond the limit is polled from then on.
	b.tells("s", "growth", func() {
		for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
			mkdir(t, small, n)
		}
	})
	b.wantMode("s", Polled, 0)
	b.tells("s", "a write while polled", func() { write(t, filepath.Join(small, "10", "f")) })
	// With the limit gone, the next try succeeds.
	limitInotify(t, "watches", "1000")
	b.clock.advance(time.Minute)
	b.fence()
	b.wantMode("b", Live, 13)
	b.tells("b", "a write while live", func() { write(t, filepath.Join(big, "12", "h")) })
}

func TestNoInotifyAtAll(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	runtime.LockOSThread()
	limitInotify(t, "instances", "0")
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	b.add("r", root)
	b.wantMode("r", Polled, 0)
	b.tells("r", "a write", func() { write(t, filepath.Join(root, "f")) })
	b.add("absent", filepath.Join(b.dir, "absent"))
	b.tells("absent", "a root that came", func() { mkdir(t, b.dir, "absent") })
	limitInotify(t, "instances", "10")
	b.clock.advance(time.Minute)
	b.fence()
	b.wantMode("r", Live, 1)
	b.tells("r", "a write while live", func() { write(t, filepath.Join(root, "f")) })
}

// A look that began before the fence may have passed by what changed since.
func TestFenceWantsALookOfItsOwn(t *testing.T) {
	b := newBench(t)
	root := mkdir(t, b.dir, "root")
	mkdir(t, root, "sub")
	var slow atomic.Bool
	inLook, gate := make(chan struct{}), make(chan struct{})
	must(t, b.Add(b.ctx(), Source{ID: "r", Root: root, Skip: func(string) bool {
		if slow.CompareAndSwap(true, false) {
			close(inLook)
			<-gate
		}
		return true
	}}))
	b.fence()
	b.seen("r")
	slow.Store(true)
	must(t, inLoop(b, func() { b.loop.toPolled(b.loop.source("r"), "the test wants it", false) }))
	<-inLook               // the names of the root have been read
	b.await("r", Attached) // told at once, not after the look
	write(t, filepath.Join(root, "missed by this look"))
	ended := make(chan error, 1)
	go func() { ended <- b.Fence(b.ctx(), "r") }()
	for waiting := 0; waiting == 0; { // until the fence has begun
		must(t, inLoop(b, func() {
			p := &b.loop.source("r").poll
			waiting = len(p.waiting) + len(p.later)
		}))
	}
	close(gate)
	must(t, <-ended)
	want, got := digestTree(t.Context(), root, func(string) bool { return true }, func() {}), uint64(0)
	must(t, inLoop(b, func() { got = b.loop.source("r").poll.digest }))
	if got != want {
		t.Fatal("the fence was content with a look that had begun before it")
	}
}
