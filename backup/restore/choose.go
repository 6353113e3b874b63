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
	witness bool // the ledger is another copy's
	layouts map[source.Ref]layout
	newest  map[keySum]uint32 // the number of the newest record
	held    map[keySum]uint32 // the number of the one that the ledger has, where it speaks of the item
	// disputed are items of which the ledger speaks, with a record that it does
	// not have and none after it that it has; true: selected.
	disputed map[keySum]bool
	count    int
	bytes    int64
	plain    Proof
}

func newChooser(ctx context.Context, from *bag.Reader, sel Selection, o Options) (*chooser, error) {
	c := &chooser{
		from: from, sel: sel, ledger: o.Ledger, witness: o.Witness, plain: ByManifest,
		layouts: map[source.Ref]layout{}, newest: map[keySum]uint32{}, held: map[keySum]uint32{}, disputed: map[keySum]bool{},
	}
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
		k := keyOf(&r.Key)
		c.newest[k] = n
		if err := c.ask(&r, k, n); err != nil {
			return err
		}
	}
	return nil
}

// ask holds a record against the ledger: a line of the copy, however new, never
// takes the place of what the ledger says is the item.
func (c *chooser) ask(r *bag.Record, k keySum, n uint32) error {
	if c.ledger == nil || c.witness {
		return nil
	}
	e, ok, err := c.ledger.Get(&r.Key)
	if err != nil || !ok || !c.speaks(&e) {
		return err
	}
	if e.SHA256 != r.SHA256 || e.Size != r.Size {
		c.disputed[k] = c.sel.maySelect(r.Dataset, r.Source, c.layout(r).book)
		return nil
	}
	delete(c.disputed, k)
	if _, ok := c.held[k]; !ok || r.Path == e.Path {
		c.held[k] = n
	}
	return nil
}

// speaks reports whether the ledger tells which version of an item is meant: it
// has the newest alone.
func (c *chooser) speaks(e *ledger.Entry) bool {
	return c.sel.AsOf.IsZero() || !e.FirstSeen.After(c.sel.AsOf)
}

// meant is the number of the record to take of an item; 0: none, for the ledger
// has what no record is.
func (c *chooser) meant(k keySum) uint32 {
	if n, ok := c.held[k]; ok {
		return n
	}
	if _, ok := c.disputed[k]; ok {
		return 0
	}
	return c.newest[k]
}

// newer are the selected items of which the lists name a version after the one
// that the ledger has.
func (c *chooser) newer() (n int) {
	for k, selected := range c.disputed {
		if _, ok := c.held[k]; ok && selected {
			n++
		}
	}
	return n
}

func (c *chooser) layout(r *bag.Record) layout {
	l, ok := c.layouts[r.Ref]
	if !ok || l.book == "" {
		l.book = bag.Sanitise(r.Source)
	}
	return l
}

// items yields what the lists say is meant; what must be looked into is not
// judged yet. Where there is a ledger, what it vouches for comes first, so that
// nothing else takes the name or the id of that.
func (c *chooser) items(ctx context.Context) iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		if c.ledger == nil {
			c.pass(ctx, func(*Item) bool { return true }, yield)
			return
		}
		_ = c.pass(ctx, func(it *Item) bool { return it.Proof == ByLedger }, yield) &&
			c.pass(ctx, func(it *Item) bool { return it.Proof != ByLedger }, yield)
	}
}

// pass goes through the records once; false where it was ended.
func (c *chooser) pass(ctx context.Context, want func(*Item) bool, yield func(*Item, error) bool) bool {
	n := uint32(0)
	taken := map[keySum]bool{}
	for r, err := range c.from.Records() {
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		n++
		meant := c.meant(keyOf(&r.Key)) == n
		l := c.layout(&r)
		if !meant && !c.sel.AllVersions || !c.sel.maySelect(r.Dataset, r.Source, l.book) {
			continue
		}
		it := &Item{Record: r, Book: l.book, Older: !meant, from: c.from, names: namesFor(&r, l, !meant)}
		c.judge(it)
		if !want(it) {
			continue
		}
		if c.sel.AllVersions {
			v := keyOf(&r.Key, r.SHA256[:]...)
			if taken[v] {
				continue
			}
			taken[v] = true
		}
		if !yield(it, nil) {
			return false
		}
	}
	return true
}

// judge finds out what the item's bytes must be, and who says so.
func (c *chooser) judge(it *Item) {
	it.Proof = c.plain
	if c.ledger != nil {
		e, ok, err := c.ledger.Get(&it.Key)
		if err != nil {
			it.bad = &ItemError{Unreadable, err}
			return
		}
		if ok && e.SHA256 == it.SHA256 && e.Size == it.Size {
			it.Proof = ByLedger
		}
	}
	sum, err := c.from.Sum(it.Path)
	switch {
	case !slices.Contains(Datasets, it.Dataset):
		it.bad = &ItemError{Unlisted, errors.New("the lists of the copy give it no kind that is known")}
	case c.plain == ByItems:
	case err != nil:
		it.bad = &ItemError{Unlisted, err}
	case sum != it.SHA256:
		it.bad = &ItemError{Damaged, errors.New("the lists of the copy give it two sums")}
	}
}

// absent are the items that the ledger has and no record of the bag is, each
// with what became of it: whoever took a file away, or put another in its place,
// may have changed its line too.
func (c *chooser) absent() iter.Seq2[*Item, error] {
	return func(yield func(*Item, error) bool) {
		if c.ledger == nil {
			return
		}
		for e, err := range c.ledger.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			k := keyOf(&e.Key)
			_, listed := c.newest[k]
			_, held := c.held[k]
			_, disputed := c.disputed[k]
			l := c.layouts[e.Ref]
			if held || listed && !disputed || !c.speaks(&e) || !c.sel.maySelect(e.Dataset, e.Source, l.book) {
				continue
			}
			it := &Item{Record: bag.Record{Key: e.Key, Path: e.Path, Size: e.Size, SHA256: e.SHA256}, Book: l.book, Proof: ByLedger}
			it.bad = &ItemError{Missing, errors.New("it was copied, and the lists of the copy no longer name it")}
			if disputed {
				it.bad = &ItemError{Damaged, errors.New("it is not what the list outside the copy says was copied")}
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}
