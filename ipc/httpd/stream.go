package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
)

var errFault = errors.New("a call met a fault")

// stream sends what changes as server-sent events (WHATWG HTML, 9.2): "update"
// with an agent.Update, and at most one "end" with an agent.Error, after which
// a reader that wants more takes a new snapshot.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, entry api.Entry) {
	var in api.WatchRequest
	if err := decode(w, r, &in); err != nil {
		s.refuse(w, r, entry.Name, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(streamsEnd(ctx), cancel)()
	updates, err := s.agent.Watch(ctx, callerOf(ctx).Agent(), in.Departure)
	if err == nil {
		err = untilRead(w)
	}
	if err != nil {
		s.refuse(w, r, entry.Name, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	events := sender{w: w, controller: http.NewResponseController(w)}
	if err := events.forward(ctx, updates, s.still); err != nil {
		s.log.Debug("a stream ended", "error", err)
	}
}

// sender writes events, each within its own deadline.
type sender struct {
	w          http.ResponseWriter
	controller *http.ResponseController
}

// forward sends updates until they end. The agent's channel is read to its end
// or left to ctx, which ends with the call.
func (s sender) forward(ctx context.Context, updates <-chan agent.Update, still time.Duration) error {
	quiet := time.NewTicker(still)
	defer quiet.Stop()
	if err := s.text(": the agent is here\n\n"); err != nil {
		return err
	}
	for {
		select {
		case update, ok := <-updates:
			switch {
			case !ok:
				return s.end(&agent.Error{Kind: agent.KindUnavailable, Text: "the agent stopped watching"})
			case update.Lagged:
				return s.end(&agent.Error{Kind: agent.KindStale, Text: "you read too slowly; ask again for a new snapshot"})
			}
			if err := s.event("update", update); err != nil {
				return err
			}
		case <-quiet.C:
			if err := s.text(":\n\n"); err != nil {
				return err
			}
		case <-ctx.Done():
			return s.end(&agent.Error{Kind: agent.KindUnavailable, Text: "the agent is stopping"})
		}
	}
}

func (s sender) end(why *agent.Error) error { return s.event("end", why) }

func (s sender) event(name string, value any) error {
	data, err := json.Marshal(value) // one line: JSON escapes line ends
	if err != nil {
		return err
	}
	return s.text(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

func (s sender) text(text string) error {
	if err := s.controller.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.controller.Flush()
}
