package copy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/source"
)

// oneBatch is how many items are committed together.
const oneBatch = 2048

const journal = ".clearance/journal"

// many are items with content of their own, without a file each.
func many(n int, what string) []source.Item {
	list := make([]source.Item, 0, n)
	for i := range n {
		id := fmt.Sprintf("%s/%d.jpg", what, i)
		list = append(list, source.Item{Key: source.Key{Ref: photos, ID: id}, Name: id, Path: id, Rev: "1", Size: int64(len(id)),
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(id)), nil }})
	}
	return list
}

// placing reports whether a call gives a file its name.
func placing(op fault.Op, name string) bool {
	return op == fault.Rename && strings.HasPrefix(name, "data/")
}

// TestDiskIsWaitedForWhileNamesAreGiven: the first batch gets its names while the
// second is made durable.
func TestDiskIsWaitedForWhileNamesAreGiven(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	second := make(chan struct{})
	var syncs atomic.Int64
	var first sync.Once
	w.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if op == fault.SyncAll && syncs.Add(1) == 2 {
				close(second)
			}
			if placing(op, name) {
				first.Do(func() {
					select {
					case <-second:
					case <-ctx.Done():
					}
				})
			}
			return ctx.Err()
		})
	}
	w.open()
	r, err := copy.Run(ctx, w.bag, w.ledger, w.items(many(oneBatch+100, "p")...), copy.Options{})
	if err != nil || r.Outcome != copy.Complete || r.Copied != oneBatch+100 {
		t.Fatalf("%d copied: %v", r.Copied, err)
	}
	w.check()
	w.held()
}

// TestFaultBetweenBatches: whatever fails while two batches are on their way, the
// bag is whole, the ledger holds nothing that it does not, and the next run
// completes it.
func TestFaultBetweenBatches(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		nth   int64
		fails func(op fault.Op, name string) bool
	}{
		{"the second is not durable", 2, func(op fault.Op, _ string) bool { return op == fault.SyncAll }},
		{"a name of the first", 1000, placing},
		{"a name of the second", oneBatch + 5, placing},
		{"lines of the second", 2, func(op fault.Op, name string) bool { return op == fault.Write && name == journal }},
		{"durable lines of the second", 2, func(op fault.Op, name string) bool { return op == fault.Sync && name == journal }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.close()
			var seen atomic.Int64
			w.wrap = func(r disk.Root) disk.Root {
				return fault.Wrap(r, func(op fault.Op, name string) error {
					if c.fails(op, name) && seen.Add(1) == c.nth {
						return syscall.EIO
					}
					return nil
				})
			}
			w.open()
			items := w.items(many(oneBatch+100, c.name)...)
			had := w.ledger.Len()
			r, err := copy.Run(t.Context(), w.bag, w.ledger, items, copy.Options{})
			if !errors.Is(err, syscall.EIO) {
				t.Fatalf("it did not fail: %v", err)
			}
			if kept := w.ledger.Len() - had; r.Copied != kept || kept >= oneBatch+100 {
				t.Errorf("%d copied, %d in the ledger", r.Copied, kept)
			}
			w.close()
			w.wrap = nil
			w.open()
			w.check()
			w.held()
			if r, err = copy.Run(t.Context(), w.bag, w.ledger, items, copy.Options{}); err != nil || r.Outcome != copy.Complete {
				t.Fatalf("the next run: %s, %v", r.Outcome, err)
			}
			if got := w.ledger.Len() - had; got != oneBatch+100 {
				t.Errorf("%d in the ledger after the next run", got)
			}
			w.check()
			w.held()
		})
	}
}

// TestFullDiskIsToldAtOnce: a batch that cannot be committed ends the run though
// every source is silent.
func TestFullDiskIsToldAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // patience is twice that
	defer cancel()
	list := many(oneBatch, "p")
	const workers = 4
	var silent sync.WaitGroup
	silent.Add(workers)
	for i := range workers {
		list = append(list, source.Item{Key: source.Key{Ref: photos, ID: fmt.Sprint(i)}, Name: fmt.Sprint(i), Rev: "1", Size: 3, Open: func(ctx context.Context) (io.ReadCloser, error) {
			silent.Done()
			<-ctx.Done()
			return nil, ctx.Err()
		}})
	}
	w.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if op == fault.Write && name == journal {
				silent.Wait() // they hold all the workers: nothing comes any more
				return syscall.ENOSPC
			}
			return nil
		})
	}
	w.open()
	if _, err := copy.Run(ctx, w.bag, w.ledger, w.items(list...), copy.Options{Workers: workers}); !errors.Is(err, syscall.ENOSPC) || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}
