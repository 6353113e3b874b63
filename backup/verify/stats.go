package verify

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

// Stats is what the destination says of the copies without their being read.
type Stats struct {
	Items      int
	Bytes      int64 // of the items, as they were copied
	Differ     int   // there, but not with the stat that the last reading took
	Missing    int
	Unknown    int // the destination would not say
	Unverified int // never read back since they were copied
	// Oldest and Latest are when the items that were read back were so, the
	// longest ago and last; zero where none was.
	Oldest, Latest time.Time
	// Digest is the hex sha256 over key, place and stat of every item in the
	// order of the ledger: equal for equal copies.
	Digest string
}

// Sound reports whether every copy is as the last reading of it left it.
func (s *Stats) Sound() bool { return s.Differ+s.Missing+s.Unknown+s.Unverified == 0 }

// CopyStats looks at every copy of the ledger at the destination. What was read
// back at another destination counts as never read back.
func CopyStats(ctx context.Context, b *bag.Bag, l *ledger.Ledger) (Stats, error) {
	var s Stats
	at, err := where(b)
	if err != nil {
		return s, fmt.Errorf("cannot look at the copy: %w", err)
	}
	elsewhere := l.Place() != at
	var mu sync.Mutex
	var sums [][sha256.Size]byte // of each batch
	err = sweep(ctx, b, l, func(n int, batch []Look) {
		sum := sumOf(batch)
		mu.Lock()
		defer mu.Unlock()
		for len(sums) <= n {
			sums = append(sums, [sha256.Size]byte{})
		}
		sums[n] = sum
		for i := range batch {
			if elsewhere {
				batch[i].Entry.VerifiedAt = time.Time{}
			}
			s.add(&batch[i])
		}
	})
	if err != nil {
		return s, err
	}
	h := sha256.New()
	for i := range sums {
		h.Write(sums[i][:])
	}
	s.Digest = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

func (s *Stats) add(k *Look) {
	s.Items++
	s.Bytes += k.Entry.Size
	if at := k.Entry.VerifiedAt; !at.IsZero() {
		if s.Oldest.IsZero() || at.Before(s.Oldest) {
			s.Oldest = at
		}
		if at.After(s.Latest) {
			s.Latest = at
		}
	}
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
	stat  disk.Stat
}

// sumOf is over the copies of a batch and their stats.
func sumOf(batch []Look) [sha256.Size]byte {
	h := sha256.New()
	var b []byte
	for i := range batch {
		k := &batch[i]
		e := &k.Entry
		b = b[:0]
		for _, text := range [...]string{e.Account, string(e.Dataset), e.Source, e.ID, e.Path} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
		for _, n := range [...]uint64{
			k.stat.Ino, uint64(k.stat.Size), uint64(k.stat.MtimeNS), uint64(k.stat.CtimeNS), uint64(k.stat.Mode),
		} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		h.Write(b)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

const sweepBatch = 512

// Sweep looks at every copy and hands them to each in batches, from several
// goroutines at once.
func Sweep(ctx context.Context, b *bag.Bag, l *ledger.Ledger, each func([]Look)) error {
	return sweep(ctx, b, l, func(_ int, batch []Look) { each(batch) })
}

type numbered struct {
	n     int
	looks []Look
}

// sweep is Sweep with the number of each batch in the order of the ledger.
func sweep(ctx context.Context, b *bag.Bag, l *ledger.Ledger, each func(n int, batch []Look)) error {
	batches := make(chan numbered, 4)
	var wg sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for batch := range batches {
				for i := range batch.looks {
					batch.looks[i].look(b)
				}
				each(batch.n, batch.looks)
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

func gather(ctx context.Context, l *ledger.Ledger, out chan<- numbered) error {
	var batch numbered
	send := func() error {
		select {
		case out <- batch:
			batch = numbered{n: batch.n + 1}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, err := range l.All() {
		if err != nil {
			return err
		}
		if batch.looks == nil {
			batch.looks = make([]Look, 0, sweepBatch)
		}
		if batch.looks = append(batch.looks, Look{Entry: e}); len(batch.looks) == sweepBatch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	if len(batch.looks) > 0 {
		return send()
	}
	return nil
}

func (k *Look) look(b *bag.Bag) {
	if k.stat, k.Err = b.Root().Lstat(k.Entry.Path); k.Err == nil {
		k.Same = sameKnown(k.stat, &k.Entry)
	}
}
