package live

import (
	"context"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/stage"
)

const items = 100_000

// manyItems measures the answer for an account with 100,000 items that are
// listed: the check table, and the status call that shows it.
var manyItems = Measurement{
	Name:    "100,000 items",
	Figures: []Figure{{"100,000 items: evaluated, and status answered, p99", 100, "ms"}},
	Once:    true,
	Run: func(ctx context.Context, b *Bench) (values []float64, err error) {
		err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
			dir := filepath.Join(s.Root, "photos")
			if err := b.small(dir, items); err != nil {
				return err
			}
			id, err := declared(ctx, s, c, dir)
			if err != nil {
				return err
			}
			judged, err := evaluated(ctx, c, id)
			if err != nil {
				return err
			}
			status, err := ask(ctx, s, id, "-for", "3s")
			values = []float64{ms(judged) + ms(status.P99)}
			return err
		})
		return values, err
	},
}

// evaluated is how long the check table takes over what the departure shows:
// the mean of many, for one is too short to be timed.
func evaluated(ctx context.Context, c *client.Client, id string) (time.Duration, error) {
	info, err := c.Departure(ctx, id)
	if err != nil {
		return 0, err
	}
	f := departure.Facts{Departure: info.Departure, Trackers: departure.Trackers{Complete: true, Seen: info.Trackers}, Words: info.Words}
	f.Look = departure.Look{At: time.Now(), EndedAt: time.Now(), Complete: true, Copy: info.Copy, Kept: info.Kept, Bindings: info.Bindings,
		Others: info.Separate, Listings: info.Listings}
	for _, l := range info.Listings {
		f.Sources = append(f.Sources, departure.KnownSource{Source: l.Source, Items: l.Items})
	}
	const rounds = 100
	began := time.Now()
	for range rounds {
		departure.Evaluate(f, departure.Profile{Datasets: departure.Datasets}, departure.Policy{Allows: true}, began)
	}
	return time.Since(began) / rounds, nil
}
