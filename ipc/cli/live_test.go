package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/apitest"
)

// spoken is output that a test waits on.
type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

// waitFor waits until the output holds a text.
func (s *spoken) waitFor(t *testing.T, text string) {
	t.Helper()
	s.wait(t, text, func(all string) bool { return strings.Contains(all, text) })
}

// waitForNew waits until the output holds a text after the last STOP.
func (s *spoken) waitForNew(t *testing.T, text string) {
	t.Helper()
	s.wait(t, text, func(all string) bool { return strings.Contains(all[strings.LastIndex(all, "STOP"):], text) })
}

func (s *spoken) wait(t *testing.T, text string, holds func(string) bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		all := s.text.String()
		s.mu.Unlock()
		if holds(all) {
			return
		}
		select {
		case <-s.news:
		case <-deadline:
			t.Fatalf("%q was not said:\n%s", text, all)
		}
	}
}

func appFor(running *apitest.Running, in io.Reader, out io.Writer) *App {
	return &App{In: in, Out: out, Err: out, Version: "test", Now: time.Now,
		Runtime: filepath.Dir(filepath.Dir(running.Socket))}
}

// leaveArgs answer everything that the world asks.
func leaveArgs(t *testing.T, more ...string) []string {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(apitest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{"leave", "alice", "--intent", "delete", "--to", "/media/usb", "--password-file", password,
		"--yes-to=devices=none", "--yes-to=consequences=read", "--yes-to=not-covered=read", "--yes-to=purchases=saved",
		"--yes-to=authorise=yes"}, more...)
}

// A verdict that was ready counts for a script only while it holds.
func TestAScriptGoesOnOnlyWhileItHolds(t *testing.T) {
	ready := departure.Verdict{Ready: true}
	for _, c := range []struct {
		info agent.DepartureInfo
		want bool
	}{
		{agent.DepartureInfo{State: engine.Open, Verdict: ready, Live: agent.LiveReady}, true},
		{agent.DepartureInfo{State: engine.Open, Verdict: ready, Live: agent.LiveStop}, false},
		{agent.DepartureInfo{State: engine.Open, Verdict: ready, Live: agent.LiveBlind}, false},
		{agent.DepartureInfo{State: engine.Open, Verdict: ready, Live: agent.LiveChecking}, false},
		{agent.DepartureInfo{State: engine.Open, Live: agent.LiveNotReady}, false},
		{agent.DepartureInfo{State: engine.Open, Verdict: departure.Verdict{Complete: true}, Live: agent.LiveNotReady}, true},
		{agent.DepartureInfo{State: engine.Finished, Live: agent.LiveClosed}, true},
	} {
		if got := mayGoOn(c.info); got != c.want {
			t.Errorf("ready %v, live %q: %v", c.info.Verdict.Ready, c.info.Live, got)
		}
	}
}

// Who read READY reads STOP when something arrives, and READY again once it is
// copied and read back.
func TestLeaveWatchesUntilItIsStopped(t *testing.T) {
	world := apitest.NewWorld()
	running := apitest.Serve(t, world)
	out := &spoken{news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	code := make(chan int, 1)
	args := leaveArgs(t, "--watch")
	go func() { code <- appFor(running, strings.NewReader(""), out).Run(ctx, args) }()
	out.waitFor(t, "READY. You may delete this account now; this holds until")
	world.Hold(departure.StepBackup)
	world.AddPhoto()
	out.waitFor(t, "STOP, do not delete: Photos in the cloud changed after the last look")
	world.Release(departure.StepBackup)
	out.waitForNew(t, "READY. You may delete this account now")
	cancel()
	select {
	case got := <-code:
		if got != 0 {
			t.Errorf("it ended with %d", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it did not end")
	}
	if word := banned.FindString(out.text.String()); word != "" {
		t.Errorf("a person read %q", word)
	}
}

func TestAWatchSaysWhenTheAgentIsGone(t *testing.T) {
	dir, err := os.MkdirTemp("", "live")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	running, err := apitest.Start(context.Background(), filepath.Join(dir, "clearance", "agent.sock"), apitest.NewWorld())
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	defer stop()
	out := &spoken{news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	code := make(chan int, 1)
	args := leaveArgs(t, "--watch")
	go func() { code <- appFor(running, strings.NewReader(""), out).Run(ctx, args) }()
	out.waitFor(t, "READY. You may delete")
	stop()
	out.waitFor(t, "Do not delete")
	cancel()
	if got := <-code; got != 1 {
		t.Errorf("it ended with %d", got)
	}
}

// Enter ends the watching of a person.
func TestEnterEndsTheWatch(t *testing.T) {
	running := apitest.Serve(t, apitest.NewWorld())
	out := &spoken{news: make(chan struct{}, 1)}
	in, typed := io.Pipe()
	app := appFor(running, in, out)
	app.Terminal = true
	code := make(chan int, 1)
	args := leaveArgs(t)
	go func() { code <- app.Run(context.Background(), args) }()
	out.waitFor(t, "Keep a copy of them on this device?")
	if _, err := io.WriteString(typed, "\n"); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "READY. You may delete this account now; this holds until")
	if _, err := io.WriteString(typed, "\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-code:
		if got != 0 {
			t.Errorf("it ended with %d", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it did not end")
	}
}
