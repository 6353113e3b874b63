package watchdog_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/watchdog"
)

// Signs of life come while the program is healthy, and only then.
func TestRun(t *testing.T) {
	at := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	t.Setenv("NOTIFY_SOCKET", at)
	t.Setenv("WATCHDOG_USEC", "30000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 100)
	sick := true
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchdog.Run(ctx, func(context.Context) error {
			asked <- struct{}{}
			if sick {
				sick = false
				return errors.New("the store does not answer")
			}
			return nil
		}, slog.New(slog.DiscardHandler))
	}()
	if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := l.Read(buf)
	if err != nil || string(buf[:n]) != "WATCHDOG=1" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if len(asked) < 2 {
		t.Errorf("a sign of life came although the program was not healthy")
	}
	cancel()
	<-done
}

func TestNobodyWaits(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	watchdog.Run(t.Context(), func(context.Context) error { t.Error("asked"); return nil }, slog.New(slog.DiscardHandler))
}
