package httpd

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/authz"
)

// events opens the stream and returns its lines as they come.
func events(t *testing.T, s *served, query string) (<-chan string, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://clearance/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Do(req) //nolint:bodyclose // the goroutine below closes it
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("the type is %q", got)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		defer answer.Body.Close()
		scan := bufio.NewScanner(answer.Body)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			select {
			case lines <- scan.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		for range lines {
		}
	})
	return lines, cancel
}

// next skips to the next line that begins so.
func next(t *testing.T, lines <-chan string, prefix string) string {
	t.Helper()
	for line := range lines {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	t.Fatalf("the stream ended before %q", prefix)
	return ""
}

func own() Options { return as(authz.Peer(ownUID, false)) }

func TestAStreamSendsUpdatesAndOneEnd(t *testing.T) {
	updates := make(chan agent.Update)
	s := serve(t, &stub{updates: func(context.Context) (<-chan agent.Update, error) { return updates, nil }},
		authz.Personal{UID: ownUID}, own())
	lines, _ := events(t, s, "?departure=7")
	updates <- agent.Update{Departure: &agent.DepartureInfo{Live: agent.LiveReady}}
	if got := next(t, lines, "data:"); !strings.Contains(got, `"live":"ready"`) {
		t.Error(got)
	}
	updates <- agent.Update{Departure: &agent.DepartureInfo{Live: agent.LiveStop}}
	if got := next(t, lines, "data:"); !strings.Contains(got, `"live":"stop"`) {
		t.Error(got)
	}
	updates <- agent.Update{Lagged: true}
	if got := next(t, lines, "event:"); got != "event: end" {
		t.Error(got)
	}
	if got := next(t, lines, "data:"); !strings.Contains(got, `"kind":"stale"`) {
		t.Error(got)
	}
	for line := range lines {
		if line != "" {
			t.Errorf("after the end: %q", line)
		}
	}
}

// A reader that does not read must hold up neither the agent nor the server:
// the agent's watch ends with the write's deadline or with one end.
func TestAReaderThatLagsGetsOneEnd(t *testing.T) {
	watchEnded := make(chan struct{})
	st := &stub{updates: func(ctx context.Context) (<-chan agent.Update, error) {
		updates := make(chan agent.Update, 1)
		go lagging(ctx, updates, watchEnded)
		return updates, nil
	}}
	s := serve(t, st, authz.Personal{UID: ownUID}, own())
	lines, _ := events(t, s, "")
	<-watchEnded // nothing was read so far
	ends := 0
	for line := range lines {
		if line == "event: end" {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("%d ends", ends)
	}
}

// lagging sends without waiting until a reader lags, as the agent does.
func lagging(ctx context.Context, updates chan agent.Update, ended chan<- struct{}) {
	defer close(ended)
	defer close(updates)
	big := agent.Update{Departure: &agent.DepartureInfo{WaitingWhy: strings.Repeat("x", 64<<10)}}
	for ctx.Err() == nil {
		select {
		case updates <- big:
			continue
		case <-time.After(100 * time.Millisecond):
		}
		select {
		case <-updates: // make room for the last word
		default:
		}
		updates <- agent.Update{Lagged: true}
		return
	}
}

func TestAQuietStreamShowsSignsOfLife(t *testing.T) {
	options := own()
	options.Still = time.Millisecond
	s := serve(t, &stub{updates: silent}, authz.Personal{UID: ownUID}, options)
	lines, _ := events(t, s, "")
	next(t, lines, ": the agent is here")
	for range 3 {
		next(t, lines, ":")
	}
}

// silent never sends and ends with ctx.
func silent(ctx context.Context) (<-chan agent.Update, error) {
	updates := make(chan agent.Update)
	go func() { <-ctx.Done(); close(updates) }()
	return updates, nil
}

func TestStoppingEndsStreamsAndLetsCallsFinish(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	st := &stub{updates: silent}
	s := serve(t, st, authz.Personal{UID: ownUID}, own())
	lines, _ := events(t, s, "")
	next(t, lines, ": the agent is here")
	st.setHold(func(context.Context) { entered <- struct{}{}; <-leave })
	status := make(chan int, 1)
	go func() {
		answer, err := s.Get("http://clearance/v1/accounts")
		if err != nil {
			status <- 0
			return
		}
		status <- errStatus(answer)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	if got := next(t, lines, "data:"); !strings.Contains(got, "unavailable") {
		t.Error(got)
	}
	close(leave)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the call in flight: %d", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestAReaderThatLeavesEndsTheWatch(t *testing.T) {
	ended := make(chan struct{})
	s := serve(t, &stub{updates: func(ctx context.Context) (<-chan agent.Update, error) {
		go func() { <-ctx.Done(); close(ended) }()
		return make(chan agent.Update), nil
	}}, authz.Personal{UID: ownUID}, own())
	lines, cancel := events(t, s, "")
	next(t, lines, ": the agent is here")
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the agent still watches")
	}
}
