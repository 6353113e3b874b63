package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/place"
)

const (
	smallFile = 64 << 10 // bytes: up to here the wait costs more than the reading
	inOrder   = 4096     // items that are put in order at once
	atOnce    = 32       // small items that a worker takes at once
)

// feed hands the items of the ledger to the workers in the order of the disk,
// as far as that is known.
func (v *verifier) feed(ctx context.Context, small, large chan<- []ledger.Entry) error {
	part := make([]ledger.Entry, 0, inOrder)
	for e, err := range v.ledger.All() {
		if err != nil {
			return err
		}
		if part = append(part, e); len(part) == inOrder {
			if err := hand(ctx, part, small, large); err != nil {
				return err
			}
			part = make([]ledger.Entry, 0, inOrder)
		}
	}
	return hand(ctx, part, small, large)
}

func hand(ctx context.Context, part []ledger.Entry, small, large chan<- []ledger.Entry) error {
	order(part)
	send := func(to chan<- []ledger.Entry, batch []ledger.Entry) error {
		select {
		case to <- batch:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for begin := 0; begin < len(part); {
		end, to := begin+1, large
		for part[begin].Size <= smallFile && end < len(part) && end < begin+atOnce && part[end].Size <= smallFile {
			end++
		}
		if part[begin].Size <= smallFile {
			to = small
		}
		if err := send(to, part[begin:end:end]); err != nil {
			return err
		}
		begin = end
	}
	return nil
}

// order puts items in the order of their inodes. One whose inode is not known
// yet stays behind the one it follows.
func order(part []ledger.Entry) {
	type place struct {
		ino uint64
		at  int
	}
	places, ino := make([]place, len(part)), uint64(0)
	for i := range part {
		if !part[i].VerifiedAt.IsZero() {
			ino = part[i].Stat.Ino
		}
		places[i] = place{ino, i}
	}
	if slices.IsSortedFunc(places, func(a, b place) int { return cmp.Compare(a.ino, b.ino) }) {
		return
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.ino, b.ino), cmp.Compare(a.at, b.at)) })
	sorted := make([]ledger.Entry, len(part))
	for i := range places {
		sorted[i] = part[places[i].at]
	}
	copy(part, sorted)
}

// where tells on which file system a bag lies. Between the opening of the bag
// and now another may have been mounted in its place.
func where(b *bag.Bag) (ledger.Destination, error) {
	at := ledger.Destination{Bag: b.ID()}
	p, err := place.Look(b.Path())
	if err != nil {
		return at, err
	}
	data, err := b.Root().Lstat("data")
	if err != nil {
		return at, err
	}
	if p.Dev != data.Dev {
		return at, errors.New("another disk is in the place of the copy now")
	}
	at.Disk = p.Disk()
	return at, nil
}
