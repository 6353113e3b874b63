package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
)

// statusCalls measures the status call, alone and in a crowd.
var statusCalls = Measurement{
	Name: "status call",
	Figures: []Figure{
		{"status call alone, p99", 5, "ms"},
		{"status call under 100 clients at 10,000 calls a second, p99", 50, "ms"},
		{"status call under 100 clients: calls a second missing of 10,000", 500, "calls/s"},
	},
	Run: func(ctx context.Context, b *Bench) (values []float64, err error) {
		err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
			id, err := begun(ctx, s, c, departure.StepVerify)
			if err != nil {
				return err
			}
			alone, err := ask(ctx, s, id, "-for", "3s")
			if err != nil {
				return err
			}
			crowd, err := ask(ctx, s, id, "-clients", "100", "-rate", "10000", "-for", "5s")
			values = []float64{ms(alone.P99), ms(crowd.P99), max(0, 10_000-crowd.Rate)}
			return err
		})
		return values, err
	},
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// answered is what packaging/bench/load prints.
type answered struct {
	Calls    int
	P50, P99 time.Duration
	Rate     float64
}

// ask puts a load on the agent, as the person of the session.
func ask(ctx context.Context, s *stage.Stage, departure string, flags ...string) (a answered, err error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	cmd := s.Session.Command(ctx, filepath.Join(s.Bin, "load"), append(flags, s.Socket(), departure)...)
	out, err := cmd.Output()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return a, fmt.Errorf("load: %w: %s", err, ended.Stderr)
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return a, err
	}
	if a.Calls == 0 {
		return a, errors.New("load asked nothing")
	}
	return a, nil
}
