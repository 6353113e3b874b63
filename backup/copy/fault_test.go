package copy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/copy"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/disk/fault"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/verify"
)

// Each call of each kind fails once, in turn, with each error: the run says so
// with a typed error, the bag passes sha256sum, nothing is held by the ledger
// that the bag does not hold, and the next run completes it.
func TestNthCallFails(t *testing.T) {
	for errno, step := range map[syscall.Errno]int64{syscall.EIO: 1, syscall.ENOSPC: 4, syscall.EROFS: 5} {
		if testing.Short() {
			step *= 7
		}
		t.Run(errno.Error(), func(t *testing.T) {
			w := newWorld(t)
			for n := int64(1); ; n += step {
				for i := range 18 { // enough to be made durable together
					w.write(fmt.Sprintf("%d/p%d.jpg", n%3, i), fmt.Sprint(n, " ", i))
				}
				w.write("big.mp4", strings.Repeat(fmt.Sprintf("%16d", n), 10_000)) // alone
				fired := w.failAt(n, errno)
				w.check()
				w.held()
				if !fired {
					break
				}
				w.mustRun()
			}
			w.mustRun()
			if c := w.cover(); !c.Whole() {
				t.Fatalf("%+v", c)
			}
			w.check()
		})
	}
}

// failAt makes a run whose nth call fails, and reports whether there was one.
func (w *world) failAt(n int64, errno syscall.Errno) bool {
	w.t.Helper()
	w.close()
	var calls atomic.Int64
	var fired atomic.Bool
	w.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if calls.Add(1) == n {
				fired.Store(true)
				return fmt.Errorf("%s %s: %w", op, name, errno)
			}
			return nil
		})
	}
	err := w.tryOpen()
	if err == nil {
		var r copy.Report
		r, err = w.run(w.t.Context(), copy.Options{})
		if err == nil && r.Outcome != copy.Complete {
			w.t.Errorf("call %d: %+v", n, r)
		}
	}
	w.close()
	w.wrap = nil
	if de, ok := errors.AsType[*bag.DestinationError](err); fired.Load() && (!ok || !errors.Is(de, errno)) {
		w.t.Errorf("call %d failed with %v, the run says %v", n, errno, err)
	}
	if !fired.Load() && err != nil {
		w.t.Fatalf("call %d: %v", n, err)
	}
	return fired.Load()
}

// held checks that what the ledger holds can be read back.
func (w *world) held() {
	w.t.Helper()
	w.open()
	r, err := verify.Run(w.t.Context(), w.bag, w.ledger, verify.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	if !r.Whole() {
		w.t.Fatalf("%+v", r)
	}
}

// A failed sync is not tried again: the bag refuses until it is opened anew.
func TestFailedSyncEndsTheUse(t *testing.T) {
	w := newWorld(t)
	w.write("a.jpg", "one")
	var healthy atomic.Bool
	w.wrap = func(r disk.Root) disk.Root {
		return fault.Wrap(r, func(op fault.Op, name string) error {
			if !healthy.Load() && op == fault.Sync && strings.HasPrefix(name, ".clearance/tmp/") {
				return syscall.EIO
			}
			return nil
		})
	}
	_, err := w.run(t.Context(), copy.Options{})
	if !errors.Is(err, syscall.EIO) || w.ledger.Len() != 0 {
		t.Fatalf("run: %v, %d in the ledger", err, w.ledger.Len())
	}
	healthy.Store(true)
	if _, again := w.run(t.Context(), copy.Options{}); !errors.Is(again, syscall.EIO) {
		t.Fatalf("second run with the same bag: %v", again)
	}
	w.close()
	w.wrap = nil
	w.mustRun()
	w.held()
}

func TestCancelKeepsWhatWasAcknowledgedAndResumes(t *testing.T) {
	w := newWorld(t)
	for i := range 200 {
		w.write(fmt.Sprintf("p%d.jpg", i), fmt.Sprint("photo ", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.wrap = func(r disk.Root) disk.Root {
		var creates atomic.Int64
		return fault.Wrap(r, func(op fault.Op, _ string) error {
			if op == fault.Create && creates.Add(1) == 100 {
				cancel()
			}
			return nil
		})
	}
	r, err := w.run(ctx, copy.Options{})
	if r.Outcome != copy.Stopped || !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v %v", r, err)
	}
	if r.Copied == 0 || r.Copied != w.ledger.Len() {
		t.Fatalf("%d copied, %d in the ledger", r.Copied, w.ledger.Len())
	}
	kept := r.Copied
	w.close()
	w.wrap = nil
	if r = w.mustRun(); r.Copied != 200-kept {
		t.Fatalf("%d copied after %d were kept", r.Copied, kept)
	}
	w.check()
}

// TestStoppedWhileItIsFetched: what was on its way when the run ended is missing,
// and nothing is said to be wrong with it.
func TestStoppedWhileItIsFetched(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var list []source.Item
	var asked atomic.Int64
	const n = 5
	for i := range n {
		list = append(list, source.Item{Key: source.Key{Ref: photos, ID: fmt.Sprint(i)}, Name: fmt.Sprint(i), Rev: "1", Size: 3, Open: func(ctx context.Context) (io.ReadCloser, error) {
			if asked.Add(1) == n {
				cancel()
			}
			<-ctx.Done()
			return nil, fmt.Errorf("cannot fetch it: %w", ctx.Err())
		}})
	}
	w.open()
	r, err := copy.Run(ctx, w.bag, w.ledger, w.items(list...), copy.Options{Workers: n})
	if !errors.Is(err, context.Canceled) || r.Failed != 0 {
		t.Errorf("%d failed: %v", r.Failed, err)
	}
	if known, _ := w.ledger.Failures(); len(known) != 0 {
		t.Errorf("the ledger says that these cannot be copied: %v", known)
	}
}
