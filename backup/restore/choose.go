package restore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"slices"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/source"
)

type keySum [16]byte

func keyOf(k *source.Key, more ...byte) keySum {
	var room [512]byte
	b := room[:0]
	for _, s := range [...]string{k.Account, string(k.Dataset), k.Source, k.ID} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	h := sha256.Sum256(append(b, more...))
	return keySum(h[:16])
}

// maxSources bounds the sources that a bag may name.
const maxSources = 100_000

// chooser picks the versions that are meant out of a bag's records, by the
// lists alone.
type chooser struct {
	from    *bag.Reader
	sel     Selection
	ledger  *ledger.Ledger
	layouts map[source.Ref]layout
	newest  map[keySum]uint32 // the number of the record to take
	known   map[keySum]bool   // versions that the lists name, where there is a ledger
	count   int
	bytes   int64
	plain   Proof
}

func newChooser(ctx context.Context, from *bag.Reader, sel Selection, l *ledger.Ledger) (*chooser, error) {
	c := &chooser{from: from, sel: sel, ledger: l, layouts: map[source.Ref]layout{}, newest: map[keySum]uint32{}, known: map[keySum]bool{}, plain: ByManifest}
	if !from.HasManifest() {
		c.plain = ByItems
	}
	if err := c.survey(ctx); err != nil {
		return nil, err
	}
	for it, err := range c.items(ctx) {
		if err != nil {
			return nil, err
		}
		c.count++
		c.bytes = sum(c.bytes, it.Size)
	}
	return c, nil
}

// sum adds two sizes, neither negative, as far as they can be counted.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

var errSources = errors.New("cannot restore: the copy names more sources than can be held")

// survey finds the newest version of each item and how each source lies in the
// bag.
func (c *chooser) survey(ctx context.Context) error {
	n := uint32(0)
	for r, err := range c.from.Records() {
		if err != nil {
			return err
		}
		n++
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if c.ledger != nil {
			c.known[keyOf(&r.Key, r.SHA256[:]...)] = true
		}
		if _, ok := c.layouts[r.Ref]; !ok {
			if l, ok := layoutOf(&r); ok {
				c.layouts[r.Ref] = l
			}
			if len(c.layouts) > maxSources {
				return errSources
			}
		}
		if !c.sel.AsOf.IsZero() && r.FirstSeen.After(c.sel.AsOf) {
			continue
		}
		c.newest[keyOf(&r.Key)] = n
	}
	return nil
}

func (c *chooser) layout(r *bag.Record) layout {
	l, ok := c.layouts[r.Ref]
	if !ok || l.book == "" {
		l.book = bag.Sanitise(r.Source)
	}
	return l
}

// items yields what the lists say is meant; what must be looked into is not
// judged yet.
func (c *chooser) items(ctx context.Context) iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		n := uint32(0)
		taken := map[keySum]bool{}
		for r, err := range c.from.Records() {
			if err == nil && ctx.Err() != nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			n++
			newest := c.newest[keyOf(&r.Key)] == n
			l := c.layout(&r)
			if !newest && !c.sel.AllVersions || !c.sel.maySelect(r.Dataset, r.Source, l.book) {
				continue
			}
			if c.sel.AllVersions {
				v := keyOf(&r.Key, r.SHA256[:]...)
				if taken[v] {
					continue
				}
				taken[v] = true
			}
			it := &Item{Record: r, Book: l.book, Older: !newest, from: c.from, names: namesFor(&r, l, !newest)}
			c.judge(it, newest)
			if !yield(it, nil) {
				return
			}
		}
	}
}

// judge finds out what the item's bytes must be.
func (c *chooser) judge(it *Item, newest bool) {
	sum, err := c.from.Sum(it.Path)
	switch {
	case !slices.Contains(Datasets, it.Dataset):
		it.bad = &ItemError{Unlisted, errors.New("the lists of the copy give it no kind that is known")}
		return
	case c.plain == ByItems:
	case err != nil:
		it.bad = &ItemError{Unlisted, err}
		return
	case sum != it.SHA256:
		it.bad = &ItemError{Damaged, errors.New("the lists of the copy give it two sums")}
		return
	}
	if c.ledger == nil || !newest || !c.sel.AsOf.IsZero() || it.State == bag.Edited {
		return
	}
	e, ok, err := c.ledger.Get(&it.Key)
	switch {
	case err != nil:
		it.bad = &ItemError{Unreadable, err}
	case ok && (e.SHA256 != it.SHA256 || e.Size != it.Size):
		it.bad = &ItemError{Damaged, errors.New("it is not what the list outside the copy says was copied")}
	}
}

// unlisted are the items that the ledger has and the lists of the bag do not
// name: whoever took a file away may have taken its line too.
func (c *chooser) unlisted() iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		if c.ledger == nil || !c.sel.AsOf.IsZero() {
			return
		}
		for e, err := range c.ledger.All() {
			if err == nil {
				l := c.layouts[e.Ref]
				if c.known[keyOf(&e.Key, e.SHA256[:]...)] || !c.sel.maySelect(e.Dataset, e.Source, l.book) {
					continue
				}
				if _, ok := c.newest[keyOf(&e.Key)]; ok {
					continue // a newer line of it fails by its sum
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
