package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// rounds is how many attacks one copy lives through before the next home.
const rounds = 40

// kill kills copying processes at random moments. In every other cycle what was
// stopped is not completed, so that what is killed next is a recovery.
func kill(ctx context.Context, c *course) error {
	var h *home
	full := 300 * time.Millisecond
	for i := 0; c.result.Cycles < c.cycles; i++ {
		if i%rounds == 0 {
			var err error
			at := filepath.Join(c.dir, fmt.Sprint("home", i/rounds))
			if h, err = newHome(filepath.Join(at, "Pictures"), filepath.Join(at, "state"), filepath.Join(at, "disk")); err != nil {
				return err
			}
		}
		if err := h.add(c.rng, 30, min(i%rounds, 3)); err != nil {
			return err
		}
		before, err := h.missing()
		if err != nil {
			return err
		}
		o := order{Home: *h}
		d, err := o.run(ctx, time.Duration(1+c.rng.Int64N(int64(full))))
		if err != nil {
			return err
		}
		if d.killed {
			c.judge("survived", fmt.Sprintf("killed after %s, in round %d", d.took, i), h.survived(ctx, before, d.acknowledged))
		} else {
			c.result.Clean++
			full = max(d.took, 20*time.Millisecond)
		}
		if c.rng.IntN(2) == 0 {
			if err := h.completes(ctx); err != nil {
				c.broke("completed", "after round %d: %v", i, err)
			}
		}
	}
	return nil
}
