package dav

import (
	"context"
	"errors"
	"fmt"
)

// Sameness is what the server can show of what was listed before.
type Sameness int

// What a poll can find. The zero value proves nothing: list in full.
const (
	Unproved Sameness = iota
	Unchanged
	Differs
)

// Poll asks whether the collections, and what was listed in each, are as they
// were, with one request for all of them: a PROPFIND of their home shows the set
// and each one's getctag or sync-token. A collection without such a mark is
// listed once more, which is one request too. It is a look for the display: what
// is given away rests on List.
func (c *Client) Poll(ctx context.Context, was Collections, listings []Listing) (Sameness, error) {
	if len(was.homes) == 0 {
		return Unproved, nil
	}
	now := Collections{kind: was.kind, base: was.base, homes: was.homes, Principal: was.Principal}
	marks, named := make(map[string]mark), was.Principal != ""
	err := c.listHomes(ctx, &now, func(r *response) {
		marks[r.place.path] = r.mark(was.kind)
		if r.place.path != was.homes[0].path {
			return
		}
		p, err := parseHref(r.principal, originOf(was.base))
		named = named && err == nil && p.path == was.Principal
	})
	if err != nil {
		return Unproved, fmt.Errorf("cannot ask what changed: %w", err)
	}
	if !named {
		return Unproved, nil // nothing shows for whom it answers
	}
	if !was.Same(now) {
		return Differs, nil
	}
	seen := make(map[string]bool)
	for _, l := range listings {
		same, err := c.pollListing(ctx, l, marks[l.Collection.Path].text)
		if err != nil || same != Unchanged {
			return same, err
		}
		seen[l.Collection.Path] = true
	}
	for _, coll := range was.Found {
		if !seen[coll.Path] {
			return Unproved, nil
		}
	}
	return Unchanged, nil
}

func (c *Client) pollListing(ctx context.Context, l Listing, mark string) (Sameness, error) {
	switch {
	case !l.Complete:
		return Unproved, nil
	case l.State != "" && l.State == mark:
		return Unchanged, nil
	case l.State != "" || mark != "":
		return Differs, nil
	}
	items, err := c.members(ctx, l.Collection)
	switch {
	case errors.Is(err, ErrPartial):
		return Unproved, nil
	case err != nil:
		return Unproved, fmt.Errorf("cannot ask what changed: %w", err)
	case Digest(items) != l.Digest:
		return Differs, nil
	}
	return Unchanged, nil
}

// PollFiles asks with one request whether a file tree is as it was listed: the
// ETag of an ownCloud or Nextcloud folder changes with everything below it. Of
// another server the answer shows only that it is there and lets the account in:
// Unproved.
func (c *Client) PollFiles(ctx context.Context, l Listing) (Sameness, error) {
	now, err := c.mark(ctx, l.Collection)
	switch {
	case err != nil:
		return Unproved, fmt.Errorf("cannot ask what changed: %w", err)
	case !l.Complete || l.State == "" || now.text == "":
		return Unproved, nil
	case now.text != l.State:
		return Differs, nil
	}
	return Unchanged, nil
}
