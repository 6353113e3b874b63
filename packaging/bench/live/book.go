package live

import (
	"context"
	"errors"
	"fmt"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/eds"
)

const bookSize = 5000

// bookOf5000 is how long evolution-data-server takes to hand over a book of
// 5,000 contacts: opened, listed, and every card fetched.
func bookOf5000(ctx context.Context, b *Bench) (v float64, err error) {
	s, closing, err := b.set(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	conn, err := bus.Open(ctx, bus.Options{Address: s.Session.BusAddress})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	c := eds.New(conn, eds.Options{})
	shelf := eds.Shelf{Kind: eds.AddressBook, Account: "bench", Name: "bench"}
	if _, err := c.Ensure(ctx, shelf); err != nil {
		return 0, err
	}
	if err := fill(ctx, c, shelf.UID()); err != nil {
		return 0, err
	}
	n := 0
	v, err = seconds(func() error {
		store, err := c.Open(ctx, shelf.UID())
		if err != nil {
			return err
		}
		l, err := store.Keys(ctx)
		if err != nil {
			return err
		}
		_, err = store.Fetch(ctx, l.UIDs(), func(eds.Item) error { n++; return nil })
		return errors.Join(err, store.Close(ctx))
	})
	if err == nil && n != bookSize {
		err = fmt.Errorf("the book gave %d contacts, want %d", n, bookSize)
	}
	return v, err
}

func fill(ctx context.Context, c *eds.Client, uid string) error {
	store, err := c.Open(ctx, uid)
	if err != nil {
		return err
	}
	for i := 0; i < bookSize; i += 500 {
		var cards []string
		for j := range 500 {
			cards = append(cards, string(davtest.Card(i+j)))
		}
		if _, err := store.Create(ctx, cards); err != nil {
			return err
		}
	}
	return store.Close(ctx)
}
