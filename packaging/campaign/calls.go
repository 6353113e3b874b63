package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/ledger"
)

// failCalls lets the nth call fail, for every n until a run makes fewer, with
// each error. c.cycles, if not 0, bounds how many n there are.
func failCalls(ctx context.Context, c *course) error {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
		at := filepath.Join(c.dir, fmt.Sprint(int(errno)))
		h, err := newHome(filepath.Join(at, "Pictures"), filepath.Join(at, "state"), filepath.Join(at, "disk"))
		if err != nil {
			return err
		}
		step := int64(1)
		if c.cycles > 0 {
			step = max(1, 400/int64(c.cycles))
		}
		for n := int64(1); ; n += step {
			if err := h.add(c.rng, 12, min(int(n)-1, 2)); err != nil {
				return err
			}
			before, err := h.missing()
			if err != nil {
				return err
			}
			fired, acknowledged, err := h.failAt(ctx, n, errno)
			if !fired {
				if err != nil {
					c.broke("clean", "a run without a fault: %v", err)
				}
				break
			}
			if err == nil {
				err = h.survived(ctx, before, acknowledged)
			}
			if err == nil {
				err = h.completes(ctx)
			}
			c.judge(errno.Error(), fmt.Sprintf("call %d fails with %v", n, errno), err)
		}
	}
	return nil
}

// failAt makes a run whose nth call fails. The error says that the run did not
// tell of it as it must, or, where nothing fired, that it failed all the same.
func (h *home) failAt(ctx context.Context, n int64, errno syscall.Errno) (fired bool, acknowledged int, err error) {
	var calls atomic.Int64
	h.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if calls.Add(1) == n {
				return fmt.Errorf("%s %s: %w", op, name, errno)
			}
			return nil
		})
	}
	err = h.with(func(b *bag.Bag, l *ledger.Ledger) error {
		r, err := h.copy(ctx, b, l, nil)
		acknowledged = r.Copied
		if err == nil && r.Outcome != copy.Complete {
			err = fmt.Errorf("the run is %s", r.Outcome)
		}
		return err
	})
	h.wrap = nil
	fired = calls.Load() >= n
	switch {
	case !fired:
		return false, acknowledged, err
	case err == nil:
		return true, acknowledged, errors.New("the run says that all went well")
	case !errors.Is(err, errno):
		return true, acknowledged, fmt.Errorf("the run says: %w", err)
	}
	return true, acknowledged, nil
}
