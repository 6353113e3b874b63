package dav

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
)

// maxPages bounds the pages of a sync-collection answer.
const maxPages = 10_000

// second lists the members a second way, an initial sync-collection (RFC 6578),
// which servers answer from another table than a PROPFIND: their revisions by
// name. It is nil where the server has no second way.
func (c *Client) second(ctx context.Context, coll Collection) (map[string]string, error) {
	revs, token := map[string]string{}, ""
	for range maxPages {
		more := false
		a, err := c.multistatus(ctx, c.syncCall(coll, token), c.listingBudget(), func(r *response) error {
			if r.place.path == coll.Path {
				more = more || r.status == http.StatusInsufficientStorage
				return nil
			}
			name, ok := r.place.below(coll.place())
			if !ok {
				return fmt.Errorf("%w: a member that is not in its collection", ErrMalformed)
			}
			if r.status == http.StatusNotFound {
				return nil
			}
			if _, twice := revs[name]; twice {
				revs[name] = "" // no tag is the same as none
				return nil
			}
			revs[name] = r.etag
			return nil
		})
		if err != nil {
			return nil, noSecondWay(err)
		}
		if !more {
			return revs, nil
		}
		if a.token == "" || a.token == token {
			return nil, fmt.Errorf("%w: pages that do not end", ErrMalformed)
		}
		token = a.token
	}
	return nil, fmt.Errorf("%w: more than %d pages", ErrTooLarge, maxPages)
}

// agree reports whether both ways name the same members with the same revisions.
func agree(items []Item, second map[string]string) bool {
	if second == nil {
		return true
	}
	if len(second) != len(items) {
		return false
	}
	for _, it := range items {
		if tag, ok := second[it.Name]; !ok || !sameTag(it.Rev, tag) {
			return false
		}
	}
	return true
}

func (c *Client) syncCall(coll Collection, token string) call {
	body := []byte(xml.Header + `<d:sync-collection xmlns:d="DAV:"><d:sync-token>`)
	body = append(append(body, escapeText(token)...), `</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`...)
	return call{method: "REPORT", url: coll.url(), header: map[string]string{"Depth": "0"}, body: body}
}

// noSecondWay lets a server pass that refuses the report; one that is not
// there, or turns the credentials away, fails the listing.
func noSecondWay(err error) error {
	var status *StatusError
	if !errors.As(err, &status) || status.Status < 400 || errors.Is(err, ErrUnauthorized) ||
		status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable {
		return err
	}
	return nil
}
