package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/client"
	"github.com/clearance-project/clearance/packaging/bench/corpus"
	"github.com/clearance-project/clearance/packaging/bench/report"
	"github.com/clearance-project/clearance/packaging/stage"
)

const (
	newPhotos    = 11 // so that a median is one of them
	photoSize    = 3 << 20
	photoWait    = 2 * time.Minute
	photosBefore = 2000 // files that the folder holds already
)

// newPhoto measures one new photo in a folder that the agent watches, again and
// again: from the end of its writing until readiness went stale, until it has its
// place in the copy, which it gets when it is durable, and until it was read back
// and readiness says so.
var newPhoto = Measurement{
	Name: "one new photo",
	Figures: []Figure{
		{"one new photo: readiness goes stale, p50", 100, "ms"},
		{"one new photo: in the copy, hashed and durable, p50", 1, "s"},
		{"one new photo: in the copy, hashed, durable, and readiness updated, p50", 1, "s"},
	},
	Once: true,
	Run: func(ctx context.Context, b *Bench) (values []float64, err error) {
		err = b.with(ctx, content, func(s *stage.Stage, c *client.Client) error {
			dir := filepath.Join(s.Root, "photos")
			if err := b.small(dir, photosBefore); err != nil {
				return err
			}
			id, err := declared(ctx, s, c, dir)
			if err != nil {
				return err
			}
			var stale, placed, done []float64
			for i := range newPhotos {
				took, err := b.onePhoto(ctx, s, c, id, filepath.Join(dir, fmt.Sprintf("new-%d.jpg", i)), int64(photosBefore+i+1))
				if err != nil {
					return err
				}
				stale, placed, done = append(stale, 1000*took.stale), append(placed, took.placed), append(done, took.updated)
			}
			values = []float64{report.Median(stale), report.Median(placed), report.Median(done)}
			return nil
		})
		return values, err
	},
}

// small fills a folder of the person with small files.
func (b *Bench) small(dir string, n int) error {
	if err := b.folder(dir); err != nil {
		return err
	}
	if _, err := corpus.Fill(dir, corpus.Small, n); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return b.own(path)
	})
}

// declared begins to leave a declared account with one folder of photos, and
// copies and reads back everything.
func declared(ctx context.Context, s *stage.Stage, c *client.Client, dir string) (string, error) {
	a, err := c.AddAccount(ctx, "xiaomi", "1926000000")
	if err != nil {
		return "", err
	}
	if _, err := c.AddSource(ctx, a.ID, departure.Photos, dir); err != nil {
		return "", err
	}
	info, err := c.StartDeparture(ctx, agent.StartRequest{Account: a.ID, Intent: departure.Delete})
	if err != nil {
		return "", err
	}
	id := info.Departure.ID
	if _, err := c.SetDestination(ctx, id, filepath.Join(s.Root, "copy")); err != nil {
		return "", err
	}
	return id, until(ctx, c, id, departure.StepVerify)
}

// reactions are when the agent had done what, in seconds after the photo was
// closed.
type reactions struct{ stale, placed, updated float64 }

// onePhoto writes a photo and watches the departure: stale is when the first
// update that no longer stands came, updated when readiness counts want items,
// all of them read back.
func (b *Bench) onePhoto(ctx context.Context, s *stage.Stage, c *client.Client, id, at string, want int64) (took reactions, err error) {
	ctx, stop := context.WithTimeout(ctx, photoWait)
	defer stop()
	var closed time.Time
	placed := make(chan time.Time, 1)
	for update, err := range c.Watch(ctx, id) {
		if err != nil {
			return took, err
		}
		d := update.Departure
		if d == nil {
			return took, errors.New("the watch fell behind")
		}
		if closed.IsZero() {
			if !settled(d, want-1) {
				continue
			}
			if err := b.photo(at, photoSize); err != nil {
				return took, err
			}
			closed = time.Now()
			go func() {
				placed <- appears(ctx, filepath.Join(s.Root, "copy", "*", "data", "photos", "*", filepath.Base(at)))
			}()
			continue
		}
		if took.stale == 0 && d.Live == agent.LiveChecking {
			took.stale = time.Since(closed).Seconds()
		}
		if settled(d, want) {
			took.updated = time.Since(closed).Seconds()
			took.placed = (<-placed).Sub(closed).Seconds()
			return took, ctx.Err()
		}
	}
	return took, fmt.Errorf("the photo was not counted in time: %w", ctx.Err())
}

// appears waits until there is a file that the pattern names, or for the end of
// ctx, and says when that was.
func appears(ctx context.Context, pattern string) time.Time {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			return time.Now()
		}
		select {
		case <-ctx.Done():
			return time.Now()
		case <-tick.C:
		}
	}
}

// photo writes one, unlike any other.
func (b *Bench) photo(at string, size int) error {
	content := make([]byte, size)
	copy(content, at)
	if err := os.WriteFile(at, content, 0o600); err != nil {
		return err
	}
	return b.own(at)
}

// settled reports whether a departure stands with so many items, all of them in
// the copy and read back.
func settled(d *agent.DepartureInfo, items int64) bool {
	listed, covered := int64(0), int64(0)
	for _, l := range d.Listings {
		listed, covered = listed+l.Items, covered+l.Covered
	}
	verified, ok := d.Verdict.Checks.Get(departure.BackupVerified)
	return d.Live == agent.LiveNotReady && !d.Running && listed == items && covered == items && ok && verified.Status.Holds()
}
