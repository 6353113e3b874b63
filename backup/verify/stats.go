package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
)

// Stats is what the destination says of the copies without their being read.
type Stats struct {
	Items      int
	Differ     int // there, but not with the stat that the last reading took
	Missing    int
	Unknown    int // the destination would not say
	Unverified int // never read back since they were copied
	// Digest is the hex sha256 over key, place and stat of every item: equal
	// for equal copies, whatever the order.
	Digest string
}

// Sound reports whether every copy is as the last reading of it left it.
func (s *Stats) Sound() bool { return s.Differ+s.Missing+s.Unknown+s.Unverified == 0 }

// CopyStats looks at every copy of the ledger at the destination.
func CopyStats(ctx context.Context, b *bag.Bag, l *ledger.Ledger) (Stats, error) {
	var s Stats
	sums := make([][16]byte, 0, l.Len())
	var mu sync.Mutex
	err := Sweep(ctx, b, l, func(batch []Look) {
		local := make([][16]byte, 0, len(batch))
		for i := range batch {
			local = append(local, batch[i].sum())
		}
		mu.Lock()
		defer mu.Unlock()
		sums = append(sums, local...)
		for i := range batch {
			s.add(&batch[i])
		}
	})
	if err != nil {
		return s, err
	}
	slices.SortFunc(sums, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for i := range sums {
		h.Write(sums[i][:])
	}
	s.Digest = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

func (s *Stats) add(k *Look) {
	s.Items++
	switch {
	case errors.Is(k.Err, fs.ErrNotExist):
		s.Missing++
	case k.Err != nil:
		s.Unknown++
	case !k.Same:
		s.Differ++
	case k.Entry.VerifiedAt.IsZero():
		s.Unverified++
	}
}

// Look is one copy as the destination shows it.
type Look struct {
	Entry ledger.Entry
	Same  bool  // as the last reading left it; if there was none, of the right size
	Err   error // it is not there, or the destination would not say
	stat  string
}

func (k *Look) sum() [16]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %s", k.Entry.Account, k.Entry.Dataset, k.Entry.Source, k.Entry.ID, k.Entry.Path, k.stat)
	return [16]byte(h.Sum(nil)[:16])
}

const sweepBatch = 512

// Sweep looks at every copy and hands them to each in batches, from several
// goroutines at once.
func Sweep(ctx context.Context, b *bag.Bag, l *ledger.Ledger, each func([]Look)) error {
	batches := make(chan []Look, 4)
	var wg sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for batch := range batches {
				for i := range batch {
					batch[i].look(b)
				}
				each(batch)
			}
		})
	}
	err := gather(ctx, l, batches)
	close(batches)
	wg.Wait()
	if err != nil {
		return fmt.Errorf("cannot look at the copy: %w", err)
	}
	return nil
}

func gather(ctx context.Context, l *ledger.Ledger, out chan<- []Look) error {
	var batch []Look
	send := func() error {
		select {
		case out <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, err := range l.All() {
		if err != nil {
			return err
		}
		if batch == nil {
			batch = make([]Look, 0, sweepBatch)
		}
		if batch = append(batch, Look{Entry: e}); len(batch) == sweepBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if len(batch) > 0 {
		return send()
	}
	return nil
}

func (k *Look) look(b *bag.Bag) {
	st, err := b.Root().Lstat(k.Entry.Path)
	if err != nil {
		k.Err, k.stat = err, "none"
		return
	}
	k.Same = sameKnown(st, &k.Entry)
	k.stat = fmt.Sprintf("%d %d %d %d %d %v", st.Dev, st.Ino, st.Size, st.MtimeNS, st.CtimeNS, st.Mode)
}
