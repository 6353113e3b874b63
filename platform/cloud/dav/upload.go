package dav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ErrExists: the collection has a member of that name already; it is untouched.
var ErrExists = errors.New("the collection has one of that name already")

// Add puts a new contact into a collection, under a name that no member has:
// If-None-Match: * (RFC 9110, 13.1.2) makes the server refuse anything else, and
// ErrExists says that it did. A request that was repeated because its connection
// broke may be refused for what it did itself: read it back with [Client.Get].
func (c *Client) Add(ctx context.Context, coll Collection, name string, body []byte) error {
	ctx = c.patient(ctx)
	at, err := memberOf(coll, name)
	if err != nil {
		return err
	}
	kind := "text/vcard; charset=utf-8"
	if coll.Kind == Calendar {
		kind = "text/calendar; charset=utf-8"
	}
	a, err := c.send(ctx, call{method: http.MethodPut, url: at.at(coll.base), body: body,
		header: map[string]string{"Content-Type": kind, "If-None-Match": "*"}})
	if err != nil {
		return err
	}
	defer a.Close()
	if a.StatusCode == http.StatusPreconditionFailed {
		return fmt.Errorf("cannot PUT: %w", ErrExists)
	}
	return c.want(a, http.StatusCreated, http.StatusNoContent, http.StatusOK)
}

// Get reads a member as the server has it now.
func (c *Client) Get(ctx context.Context, coll Collection, name string) ([]byte, error) {
	ctx = c.patient(ctx)
	at, err := memberOf(coll, name)
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, call{method: http.MethodGet, url: at.at(coll.base), header: map[string]string{"Accept-Encoding": "identity"}})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := c.want(a, http.StatusOK); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(a.body, c.limits.ItemBytes+1))
	if err == nil && int64(len(data)) > c.limits.ItemBytes {
		err = fmt.Errorf("cannot GET: %w", ErrTooLarge)
	}
	return data, err
}

func memberOf(coll Collection, name string) (place, error) {
	if !goodName(name) {
		return place{}, fmt.Errorf("cannot use %q as a name in a collection: %w", name, ErrMalformed)
	}
	return place{path: coll.Path + "/" + name}, nil
}
