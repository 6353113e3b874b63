package clock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/engine"
	"go.uber.org/goleak"
)

var _ engine.Clock = Real{}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is a source whose jumps are bytes written by the test.
type pipe struct{ r *os.File }

func (p pipe) Wait() error {
	var b [1]byte
	_, err := p.r.Read(b[:])
	return err
}
func (p pipe) Close() error { return p.r.Close() }

func withPipe(t *testing.T) (Real, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return Real{open: func() (source, error) { return pipe{r}, nil }}, w
}

func recv(t *testing.T, ch <-chan struct{}) (open bool) {
	t.Helper()
	select {
	case _, open = <-ch:
		return open
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came within 10 s")
		return false
	}
}

func TestJumpIsReported(t *testing.T) {
	c, w := withPipe(t)
	jumps, err := c.Jumps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if !recv(t, jumps) {
			t.Fatal("the channel closed instead of reporting a jump")
		}
	}
}

// burst reports a number of jumps at once and then none.
type burst struct {
	left  int
	spent chan struct{} // closed once the last was taken
	end   chan struct{}
}

func (b *burst) Wait() error {
	if b.left > 0 {
		b.left--
		return nil
	}
	close(b.spent)
	<-b.end
	return os.ErrClosed
}
func (b *burst) Close() error { close(b.end); return nil }

func TestJumpsOfASlowReceiverAreNotLost(t *testing.T) {
	b := &burst{left: 100, spent: make(chan struct{}), end: make(chan struct{})}
	jumps, err := Real{open: func() (source, error) { return b, nil }}.Jumps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	recv(t, b.spent)
	if !recv(t, jumps) {
		t.Fatal("100 jumps with nobody receiving left no notice")
	}
	select {
	case <-jumps:
		t.Fatal("100 jumps with nobody receiving left more than one notice")
	default:
	}
}

func TestJumpsEndWithTheContext(t *testing.T) {
	for name, c := range map[string]Real{"kernel timer": {}, "pipe": func() Real { c, _ := withPipe(t); return c }()} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			jumps, err := c.Jumps(ctx)
			if err != nil {
				t.Fatal(err)
			}
			cancel()
			if recv(t, jumps) {
				t.Fatal("a jump was reported although the clock stood")
			}
		})
	}
}

func TestJumpsThatCannotBeSeenAreAnError(t *testing.T) {
	c := Real{open: func() (source, error) { return nil, errors.ErrUnsupported }}
	if _, err := c.Jumps(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("got %v", err)
	}
}

func TestAfter(t *testing.T) {
	fired, stop := Real{}.After(time.Millisecond)
	defer stop()
	select {
	case <-fired:
	case <-time.After(10 * time.Second):
		t.Fatal("a timer of 1 ms did not fire within 10 s")
	}
	never, stop := Real{}.After(time.Hour)
	stop()
	select {
	case <-never:
		t.Fatal("a stopped timer fired")
	default:
	}
}

func TestBootID(t *testing.T) {
	a, err := BootID()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := BootID(); a != b || len(a) != 36 {
		t.Fatalf("two readings of one boot: %q and %q", a, b)
	}
	for name, text := range map[string]string{
		"empty": "", "word": "boot", "zero": "00000000-0000-0000-0000-000000000000\n",
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := readBootID(file); err == nil {
			t.Errorf("%s was read as boot id %q", name, id)
		}
	}
	if _, err := readBootID(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}
