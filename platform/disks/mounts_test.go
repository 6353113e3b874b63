package disks

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func heard(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("never told: %s", what)
	}
}

func TestMountsAreWatched(t *testing.T) {
	m, err := WatchMounts()
	must(t, err)
	told := make(chan struct{}, 1000)
	stop := m.Tell(func() { told <- struct{}{} })
	m.Changed()
	heard(t, "what another saw", told)
	if os.Geteuid() == 0 {
		dir := t.TempDir()
		for range 3 {
			must(t, unix.Mount("none", dir, "tmpfs", 0, "size=64k"))
			heard(t, "a mount", told)
			drain(told)
			must(t, unix.Unmount(dir, unix.MNT_DETACH))
			heard(t, "an unmount", told)
			drain(told)
		}
	} else {
		t.Log("SKIPPED in part: mounting needs root")
	}
	stop()
	drain(told)
	m.Changed()
	if len(told) > 0 {
		t.Error("told after it was stopped")
	}
	must(t, m.Close())
}

func drain(c chan struct{}) {
	for {
		select {
		case <-c:
		default:
			return
		}
	}
}
