package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
)

// How a watch holds on.
const (
	deafAfter   = 45 * time.Second // three of the server's signs of life
	firstReturn = 100 * time.Millisecond
	longReturn  = 5 * time.Second
	maxEvent    = 16 << 20 // bytes
)

// Watch yields a snapshot of one departure, then each change. When the agent cannot be heard it yields an error of kind
// unavailable once, and goes on with a new snapshot as soon as it can; until
// then nothing that was yielded before still stands. It ends with ctx, or
// after an error of another kind.
func (c *Client) Watch(ctx context.Context, departureID string) iter.Seq2[agent.Update, error] {
	return func(yield func(agent.Update, error) bool) {
		pause, told := firstReturn, false
		for ctx.Err() == nil {
			going, err := c.watchOnce(ctx, departureID, func(u agent.Update) bool {
				pause, told = firstReturn, false
				return yield(u, nil)
			})
			switch {
			case !going || ctx.Err() != nil:
				return
			case stale(err): // too slow: a new snapshot at once
				continue
			case api.Tell(err).Kind != agent.KindUnavailable:
				yield(agent.Update{}, err)
				return
			case !told && !yield(agent.Update{}, err):
				return
			}
			told = true
			if sleep(ctx, pause) != nil {
				return
			}
			pause = min(2*pause, longReturn)
		}
	}
}

func stale(err error) bool { return api.Tell(err).Kind == agent.KindStale }

// watchOnce reads one stream to its end. Going is false when see asked to stop.
func (c *Client) watchOnce(ctx context.Context, id string, see func(agent.Update) bool) (going bool, err error) {
	entry, ok := api.Lookup(api.Events)
	if !ok {
		return true, errors.New("the table has no stream")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	deaf := time.AfterFunc(deafAfter, cancel)
	defer deaf.Stop()
	answer, err := c.send(ctx, entry, "", "", api.WatchRequest{Departure: id})
	if err != nil {
		return true, gone(err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode/100 != 2 {
		body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
		if err != nil {
			return true, gone(err)
		}
		return true, refusal(answer.StatusCode, body)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxEvent)
	name := ""
	for lines.Scan() {
		deaf.Reset(deafAfter)
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			name = value
		case field == "data" && name == "end":
			return true, refusal(0, []byte(value))
		case field == "data":
			var update agent.Update
			if err := json.Unmarshal([]byte(value), &update); err != nil {
				return true, gone(err)
			}
			if !see(update) {
				return false, nil
			}
		}
	}
	return true, gone(lines.Err())
}

// gone is the error of a stream that ended without a word.
func gone(err error) error {
	if told, ok := errors.AsType[*agent.Error](err); ok {
		return told
	}
	return &agent.Error{Kind: agent.KindUnavailable, Text: "the agent cannot be heard"}
}
