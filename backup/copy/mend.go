package copy

import (
	"slices"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

// Mended says what of the bag's own lists the ledger had to tell again.
type Mended struct {
	Lines    int          // of the journal, that could not be read
	Back     int          // items whose file had not come to its place
	Relisted int          // items that the bag's lists did not tell of
	Keys     []source.Key // of the relisted, at most MaxNamed
}

// Any reports whether anything was amiss that a person should know of. A last
// line that a killed run left without its end is not.
func (m *Mended) Any() bool { return m.Lines+m.Back+m.Relisted > 0 }

// Mend tells the bag again of what it holds, where lines of its journal could not
// be read, or somebody damaged the list of its items. [Run] begins with it;
// whoever reads the copy back without a run calls it before. The bag's lists
// follow with [Fold].
func Mend(b *bag.Bag, l *ledger.Ledger) (m Mended, err error) {
	found := b.Recovered()
	if m.Lines = found.Damaged; !found.Mend && !slices.Contains(found.Lists, bag.ItemsName) {
		return m, nil
	}
	m.Back, err = b.Reclaim(func(sum [32]byte, size int64) (bag.Record, bool, error) {
		e, ok, err := l.ByContent(&sum)
		return recordOf(&e), ok && e.Size == size, err
	})
	if err != nil {
		return m, err
	}
	untold, err := untold(b, l)
	if err != nil {
		return m, err
	}
	for i := range untold {
		if m.Relisted++; len(m.Keys) < MaxNamed {
			m.Keys = append(m.Keys, untold[i].Key)
		}
	}
	if err := b.Relist(untold); err != nil {
		return m, err
	}
	return m, b.Mended()
}

// untold are the items of the ledger of which the bag's lists do not tell though
// their files are there. What is not there is the next look's to find.
func untold(b *bag.Bag, l *ledger.Ledger) (list []bag.Record, err error) {
	type place struct {
		source.Key
		path string
	}
	told := map[place]bool{}
	for _, lists := range []func(func(bag.Record, error) bool){b.Items(), b.Waiting()} {
		for rec, err := range lists {
			if err != nil {
				return nil, err
			}
			told[place{rec.Key, rec.Path}] = true
		}
	}
	for e, err := range l.All() {
		if err != nil {
			return nil, err
		}
		if told[place{e.Key, e.Path}] {
			continue
		}
		if st, err := b.Root().Lstat(e.Path); err == nil && st.Mode.IsRegular() && st.Size == e.Size {
			rec := recordOf(&e)
			rec.ModTime = time.Unix(0, st.MtimeNS) // a copy keeps that of its source
			list = append(list, rec)
		}
	}
	return list, nil
}

func recordOf(e *ledger.Entry) bag.Record {
	return bag.Record{
		Key: e.Key, Name: e.ID, Rev: e.Rev, Unsettled: e.Unsettled, Path: e.Path,
		Size: e.Size, SHA256: e.SHA256, FirstSeen: e.FirstSeen, State: bag.Copied,
	}
}
