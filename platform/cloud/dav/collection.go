package dav

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// List lists a collection in full. The error is nil exactly when the listing
// is complete; the listing says why in any case. A collection that changes
// while it is listed is listed again, up to Limits.Attempts times.
func (c *Client) List(ctx context.Context, coll Collection) (Listing, error) {
	ctx = c.patient(ctx)
	if coll.Kind == FileTree {
		return c.listFiles(ctx, coll)
	}
	l := Listing{Collection: coll, StartedAt: c.now()}
	items, state, err := c.settled(ctx, coll)
	return c.conclude(l, items, Digest(items), state, err)
}

// conclude fills in a listing's end.
func (c *Client) conclude(l Listing, items []Item, digest, state string, err error) (Listing, error) {
	l.EndedAt = c.now()
	if err != nil {
		l.Why = err.Error()
		var status *StatusError
		if errors.As(err, &status) {
			l.Retry = status.RetryAfter
		}
		return l, fmt.Errorf("cannot list the %s collection: %w", l.Collection.Kind, err)
	}
	l.Complete, l.Items, l.Digest, l.State = true, items, digest, state
	for _, it := range items {
		if it.Folder {
			l.Folders++
		} else {
			l.Count++
		}
	}
	return l, nil
}

// settled lists until the state before and after agree; a server without a
// state must give two equal listings in a row.
func (c *Client) settled(ctx context.Context, coll Collection) ([]Item, string, error) {
	last := ""
	for range c.limits.Attempts {
		before, err := c.mark(ctx, coll)
		if err != nil {
			return nil, "", err
		}
		items, second, err := c.bothWays(ctx, coll, before.synced)
		if err != nil {
			return nil, "", err
		}
		if before.text == "" {
			digest := Digest(items)
			if digest == last {
				return items, "", nil
			}
			last = digest
			continue
		}
		after, err := c.mark(ctx, coll)
		if err != nil {
			return nil, "", err
		}
		switch {
		case before != after:
		case !agree(items, second):
			return nil, "", fmt.Errorf("%w: its two ways of listing differ", ErrPartial)
		default:
			return items, before.text, nil
		}
	}
	return nil, "", fmt.Errorf("%w, %d times in a row", ErrChanged, c.limits.Attempts)
}

// bothWays lists the members, and where the server has it a second way at the
// same time: each takes a server as long as the other.
func (c *Client) bothWays(ctx context.Context, coll Collection, two bool) (items []Item, second map[string]string, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		items, err = c.members(gctx, coll)
		return err
	})
	if two {
		g.Go(func() (err error) {
			second, err = c.second(gctx, coll)
			return err
		})
	}
	err = g.Wait()
	return items, second, err
}

// mark is a collection's state in the server's own words.
type mark struct {
	text   string // empty: the server has none
	synced bool   // the server also answers sync-collection (RFC 6578)
	me     string // of a file tree: the owner-id of the account's own root
}

// mark asks for the collection's state: the server's own mark of it, or an
// empty string. It also proves that the server answers as to this account.
func (c *Client) mark(ctx context.Context, coll Collection) (mark, error) {
	r, _, err := c.look(ctx, coll.url(), "d:resourcetype", "d:current-user-principal", "cs:getctag", "d:sync-token", "d:getetag", "oc:fileid", "oc:owner-id")
	if err != nil {
		return mark{}, err
	}
	if r.place.path != coll.Path {
		return mark{}, fmt.Errorf("%w: an answer about another place", ErrMalformed)
	}
	if !r.folder() {
		return mark{}, fmt.Errorf("%w: no collection there", ErrMalformed)
	}
	if r.principal == "" {
		if err := c.prove(ctx, coll); err != nil {
			return mark{}, err
		}
	}
	return r.mark(coll.Kind), nil
}

// mark is the server's mark of a collection's state among its properties.
func (p *props) mark(kind Kind) mark {
	switch {
	case kind == FileTree && (p.fileID == "" || p.etag == ""):
		// Only the ETags of ownCloud and Nextcloud folders are known to change
		// with everything below them.
		return mark{me: p.ownerID}
	case kind == FileTree:
		return mark{text: "etag " + p.etag, me: p.ownerID}
	case p.ctag != "":
		return mark{text: "ctag " + p.ctag, synced: p.syncToken != ""}
	case p.syncToken != "":
		return mark{text: "sync " + p.syncToken, synced: true}
	}
	return mark{}
}

// prove wants the server to turn away the same request without credentials,
// where it does not name the account itself.
func (c *Client) prove(ctx context.Context, coll Collection) error {
	a, err := c.send(ctx, call{method: "PROPFIND", url: coll.url(), anonymous: true,
		header: map[string]string{"Depth": "0", "Content-Type": "application/xml; charset=utf-8"}, body: ask("d:resourcetype")})
	if err != nil {
		return err
	}
	a.Close()
	if a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden {
		return fmt.Errorf("%w: without credentials, %w", ErrUnproved, c.want(a, http.StatusUnauthorized))
	}
	return nil
}

// members lists what lies directly in a collection.
func (c *Client) members(ctx context.Context, coll Collection) ([]Item, error) {
	f, err := c.folder(ctx, coll, coll.place(), "", "")
	if err != nil {
		return nil, err
	}
	for _, it := range f {
		if it.Folder {
			return nil, fmt.Errorf("%w: a folder in it, which has no place there", ErrPartial)
		}
	}
	return f, nil
}

// Same says whether the collection is as the complete listing found it. It is
// cheap where the server marks a collection's state, and else a new listing.
func (c *Client) Same(ctx context.Context, l Listing) (bool, error) {
	ctx = c.patient(ctx)
	if !l.Complete {
		return false, fmt.Errorf("cannot compare the %s collection: its listing is not complete", l.Collection.Kind)
	}
	if l.State != "" {
		state, err := c.mark(ctx, l.Collection)
		if err != nil {
			return false, fmt.Errorf("cannot compare the %s collection: %w", l.Collection.Kind, err)
		}
		return state.text == l.State, nil
	}
	again, err := c.List(ctx, l.Collection)
	if err != nil {
		return false, err
	}
	return again.Digest == l.Digest, nil
}
