package eds

import (
	"context"
	"errors"
)

// Fate is what became of one item that was put on a shelf.
type Fate int

// The fates.
const (
	NotPut    Fate = iota // see the error
	Put                   // added, read back and equal
	WasThere              // with the same content
	PutBeside             // added under an id of its own: the shelf has other content under its own
)

// Put brings items to a shelf as [Client.Keep] does, and tells note what became
// of each, by its position. In a dry run it finds out the same and adds nothing;
// the shelf need not be there. The error is one of the whole; of which nothing
// was noted is not known.
func (c *Client) Put(ctx context.Context, s Shelf, items []Item, dry bool, note func(at int, f Fate, why error)) (err error) {
	k := &keeping{out: Kept{Source: s.UID()}, note: note, dry: dry, would: map[string]content{}, there: map[string]bool{}}
	opened, err := k.open(ctx, c, s)
	if opened {
		defer func() { err = errors.Join(err, k.store.Close(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return err
	}
	for _, it := range items {
		k.take(it)
		if k.bytes >= batchBytes || len(k.wanted) >= maxBatch {
			if err := k.flush(ctx); err != nil {
				return err
			}
		}
	}
	return k.flush(ctx)
}

// open opens the shelf and lists it; a dry run makes none.
func (k *keeping) open(ctx context.Context, c *Client, s Shelf) (opened bool, err error) {
	if k.dry {
		_, err = c.Source(ctx, s.UID())
	} else {
		k.out.Made, err = c.Ensure(ctx, s)
	}
	if k.dry && errors.Is(err, ErrGone) {
		k.store = &Store{c: c, source: Source{Kind: s.Kind}}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if k.store, err = c.Open(ctx, s.UID()); err != nil {
		return false, err
	}
	return true, k.look(ctx)
}

// Holds reports whether a store's text of an item says everything that want
// says, both vCards or both calendar objects. Stores add properties of their own
// and write others in another form.
func Holds(have, want string) bool {
	return missing(contentOf(inlinePhotos(want)), contentOf(inlinePhotos(have))) == ""
}
