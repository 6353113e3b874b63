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

// agrees asks for the members a second way, an initial sync-collection (RFC
// 6578), which servers answer from another table than a PROPFIND, and says
// whether both name the same members with the same revisions. A server that
// does not answer it has no second way.
func (c *Client) agrees(ctx context.Context, coll Collection, items []Item) (bool, error) {
	revs := make(map[string]string, len(items))
	for _, it := range items {
		revs[it.Name] = it.Rev
	}
	same, matched, token := true, 0, ""
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
			if rev, ok := revs[name]; ok && sameTag(rev, r.etag) {
				delete(revs, name)
				matched++
			} else {
				same = false
			}
			return nil
		})
		if err != nil {
			return noSecondWay(err)
		}
		if !more {
			return same && matched == len(items), nil
		}
		if a.token == "" || a.token == token {
			return false, fmt.Errorf("%w: pages that do not end", ErrMalformed)
		}
		token = a.token
	}
	return false, fmt.Errorf("%w: more than %d pages", ErrTooLarge, maxPages)
}

func (c *Client) syncCall(coll Collection, token string) call {
	body := []byte(xml.Header + `<d:sync-collection xmlns:d="DAV:"><d:sync-token>`)
	body = append(append(body, escapeText(token)...), `</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>`...)
	return call{method: "REPORT", url: coll.url(), header: map[string]string{"Depth": "0"}, body: body}
}

// noSecondWay lets a server pass that refuses the report; one that is not
// there, or turns the credentials away, fails the listing.
func noSecondWay(err error) (bool, error) {
	var status *StatusError
	if !errors.As(err, &status) || status.Status < 400 || errors.Is(err, ErrUnauthorized) ||
		status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable {
		return false, err
	}
	return true, nil
}
