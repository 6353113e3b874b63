package dav

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// patience is what is left of the time that one call waits for a server that asks
// for it.
type patience struct {
	mu   sync.Mutex
	left time.Duration
}

type patienceKey struct{}

// patient gives a call its time to wait, unless it is part of one that has it.
func (c *Client) patient(ctx context.Context) context.Context {
	if _, has := ctx.Value(patienceKey{}).(*patience); has {
		return ctx
	}
	return context.WithValue(ctx, patienceKey{}, &patience{left: c.limits.Wait})
}

// maxWaits bounds how often one request waits.
const maxWaits = 2

// waits waits as an answer asks, and reports whether the request is to be made
// again: where the server gives a time that is left. The context's end ends it.
func (c *Client) waits(ctx context.Context, a *answer) bool {
	if a.StatusCode != http.StatusTooManyRequests && a.StatusCode != http.StatusServiceUnavailable {
		return false
	}
	p, has := ctx.Value(patienceKey{}).(*patience)
	if !has || a.Header.Get("Retry-After") == "" {
		return false
	}
	// A second is the least: a server that says 0 is not asked without a pause.
	d := max(retryAfter(a.Header, c.now()), time.Second)
	p.mu.Lock()
	enough := d <= p.left
	if enough {
		p.left -= d
	}
	p.mu.Unlock()
	if end, has := ctx.Deadline(); !enough || has && d > time.Until(end) {
		return false
	}
	passed, stop := c.after(d)
	defer stop()
	select {
	case <-passed:
		return true
	case <-ctx.Done():
		return false
	}
}
