package dav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// maxRedirects bounds the redirects within the server; .well-known needs one.
const maxRedirects = 3

// call is one request; its body is kept so that a redirect can repeat it.
type call struct {
	method    string
	url       *url.URL
	header    map[string]string
	body      []byte
	anonymous bool // without credentials
}

// answer is a response whose body stands under the stall deadline. Close it.
type answer struct {
	*http.Response
	url  *url.URL // where it came from in the end
	body io.Reader
	end  context.CancelCauseFunc
	// token is the sync-token at the end of a multistatus, where there is one.
	token string
}

func (a *answer) Close() {
	a.end(nil)
	// The answer is judged by what was read; a close can add nothing.
	_ = a.Body.Close()
}

var errStalled = errors.New("the answer stood still")

// send makes the request and follows redirects that stay at the server.
func (c *Client) send(ctx context.Context, q call) (*answer, error) {
	at, renewed, waited := q.url, false, 0
	for redirects := 0; redirects <= maxRedirects; redirects++ {
		token := c.bearer.current()
		a, err := c.sendOnce(ctx, q, at, token)
		if err != nil {
			return nil, err
		}
		if a.StatusCode == http.StatusUnauthorized && !q.anonymous && !token.Empty() {
			if renewed || !c.bearer.canRenew() {
				c.bearer.refuse(token)
				return a, nil
			}
			a.Close()
			if err := c.bearer.renewAfter(ctx, token); err != nil {
				return nil, fmt.Errorf("cannot %s: %w", q.method, err)
			}
			renewed = true
			redirects--
			continue
		}
		if waited < maxWaits && c.waits(ctx, a) {
			a.Close()
			waited++
			redirects--
			continue
		}
		if ctx.Err() != nil {
			a.Close()
			return nil, transportError(ctx, q.method, ctx.Err())
		}
		switch a.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return a, nil
		}
		next, err := at.Parse(a.Header.Get("Location"))
		a.Close()
		if err != nil {
			return nil, fmt.Errorf("cannot %s: %w: a redirect to nowhere", q.method, ErrMalformed)
		}
		if err := stays(at, next); err != nil {
			return nil, err
		}
		next.User, next.Fragment = nil, ""
		at = next
	}
	return nil, fmt.Errorf("cannot %s: %w: more than %d redirects", q.method, ErrMalformed, maxRedirects)
}

// stays allows a redirect to the same scheme, host and port, and from http to
// https on the default ports.
func stays(from, to *url.URL) error {
	a, b := originOf(from), originOf(to)
	upgrade := a.host == b.host && a.scheme == "http" && a.port == "80" && b.scheme == "https" && b.port == "443"
	if a == b || upgrade {
		return nil
	}
	return &RedirectError{From: a.String(), To: b.String()}
}

func (c *Client) sendOnce(ctx context.Context, q call, at *url.URL, token Secret) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, q.method, at.String(), bytes.NewReader(q.body))
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("cannot %s: %w: an address that is none", q.method, ErrMalformed)
	}
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	// All requests here only read: net/http may repeat them on a connection that
	// the server closed meanwhile. An empty key is not sent.
	req.Header["Idempotency-Key"] = []string{}
	req.Header.Set("User-Agent", "clearance")
	switch {
	case q.anonymous:
	case !token.Empty():
		req.Header.Set("Authorization", "Bearer "+token.value)
	default:
		req.SetBasicAuth(c.credentials.User, c.credentials.Password.value)
	}
	resp, err := c.http.Do(req) //nolint:bodyclose // the answer owns it: answer.Close
	if err != nil {
		err = transportError(ctx, q.method, err)
		cancel(nil)
		return nil, err
	}
	a := &answer{Response: resp, url: at, end: cancel}
	a.body = &watched{ctx: ctx, method: q.method, body: resp.Body, stall: c.limits.Stall, cancel: cancel}
	return a, nil
}

// watched is a body that must keep moving.
type watched struct {
	ctx    context.Context
	method string
	body   io.Reader
	stall  time.Duration
	cancel context.CancelCauseFunc
}

func (w *watched) Read(p []byte) (int, error) {
	timer := time.AfterFunc(w.stall, func() { w.cancel(errStalled) })
	n, err := w.body.Read(p)
	timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = transportError(w.ctx, w.method, err)
	}
	return n, err
}

// want turns any other status into an error.
func (c *Client) want(a *answer, statuses ...int) error {
	for _, s := range statuses {
		if a.StatusCode == s {
			return nil
		}
	}
	return &StatusError{Method: a.Request.Method, Status: a.StatusCode, RetryAfter: retryAfter(a.Header, c.now())}
}

// multistatus sends a PROPFIND or REPORT and hands on each response in it. The
// members are worth something only if no error came at the end.
func (c *Client) multistatus(ctx context.Context, q call, budget budget, each func(*response) error) (*answer, error) {
	q.header["Content-Type"] = "application/xml; charset=utf-8"
	a, err := c.send(ctx, q)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := c.want(a, http.StatusMultiStatus); err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || kind != "application/xml" && kind != "text/xml" {
		return nil, fmt.Errorf("cannot %s: %w: a 207 that is not XML", q.method, ErrMalformed)
	}
	a.token, err = parseMultistatus(a.body, budget, originOf(a.url), each)
	if err != nil {
		return nil, fmt.Errorf("cannot %s: %w", q.method, err)
	}
	return a, nil
}
