package watch

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clearance-project/clearance/backup/place"
)

func newTestThrottle(t *testing.T) (*throttle, *handClock, chan []string) {
	t.Helper()
	clock, woken := newHandClock(), make(chan []string, 10)
	th := newThrottle(clock, 100*time.Millisecond, time.Second, func(ids []string) { woken <- ids })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); th.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return th, clock, woken
}

func awaitWake(t *testing.T, woken <-chan []string) []string {
	t.Helper()
	select {
	case ids := <-woken:
		return ids
	case <-time.After(limit):
		t.Fatal("nobody was woken")
		return nil
	}
}

func awaitTimer(t *testing.T, c *handClock) {
	t.Helper()
	select {
	case <-c.armed:
	case <-time.After(limit):
		t.Fatal("no timer was armed")
	}
}

func TestWakeAfterQuiet(t *testing.T) {
	th, clock, woken := newTestThrottle(t)
	th.poke("a")
	th.poke("b")
	th.poke("a")
	awaitTimer(t, clock)
	clock.advance(99 * time.Millisecond)
	select {
	case ids := <-woken:
		t.Fatalf("woken before it was quiet: %v", ids)
	default:
	}
	clock.advance(time.Millisecond)
	if ids := awaitWake(t, woken); !slices.Equal(ids, []string{"a", "b"}) {
		t.Fatalf("woken for %v", ids)
	}
}

// bubbleClock is the time of a synctest bubble.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time { return time.Now() }

func (bubbleClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func TestWakeAtTheCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan []string, 1)
		th := newThrottle(bubbleClock{}, 100*time.Millisecond, time.Second, func(ids []string) { woken <- ids })
		go th.run(t.Context())
		began := time.Now()
		for {
			th.poke("a")
			select {
			case <-woken:
				if after := time.Since(began); after != time.Second {
					t.Errorf("a source that is never quiet woke somebody after %v, want the ceiling", after)
				}
				return
			case <-time.After(50 * time.Millisecond):
			}
			if time.Since(began) > 2*time.Second {
				t.Fatal("a source that is never quiet woke nobody within the ceiling")
			}
		}
	})
}

func TestWakeComesFromChanges(t *testing.T) {
	b := newBench(t)
	b.add("r", b.dir)
	write(t, filepath.Join(b.dir, "f"))
	b.fence()
	deadline := time.After(limit)
	for {
		b.clock.advance(time.Second)
		select {
		case ids := <-b.wakes:
			if !slices.Equal(ids, []string{"r"}) {
				t.Fatalf("woken for %v", ids)
			}
			return
		case <-b.clock.armed:
		case <-deadline:
			t.Fatal("nobody was woken")
		}
	}
}

func TestMounts(t *testing.T) {
	all, err := place.ParseMounts(strings.NewReader(`22 1 0:21 / / rw - overlay overlay rw
30 22 0:40 / /home/a\040b/nas rw,nosuid shared:5 - nfs4 nas:/x rw
31 22 0:41 / /home/cloud rw - fuse.rclone remote: rw
32 31 0:42 / /home/cloud/local rw - ext4 /dev/x rw
33 22 0:43 / /over rw - nfs n:/ rw
34 22 0:44 / /over rw - ext4 /dev/y rw
`))
	must(t, err)
	ms := known(all)
	for root, far := range map[string]bool{
		"/home/a b/nas": true, "/home/a b/nas/deep": true, "/home/a b": true, "/home/a b/nas2": false,
		"/home/cloud": true, "/home/cloud/local/x": false, "/home": true, "/srv": false, "/": true, "/over/x": false,
	} {
		if m, got := ms.farIn(root); got != far {
			t.Errorf("%s: far %v (%+v)", root, got, m)
		}
	}
	if ms.touching("/home") == ms[:4].touching("/srv") || ms.touching("/srv") != ms[:1].touching("/srv") {
		t.Error("the mounts that touch a tree are not told apart")
	}
	if _, err := readMounts(); err != nil {
		t.Error(err)
	}
}
