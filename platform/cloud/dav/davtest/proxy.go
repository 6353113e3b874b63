package davtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// Proxy stands before any server and spoils its answers, so that one set of faults
// is met at servers that others wrote. It logs what it was asked, as a Server does.
type Proxy struct {
	target    *url.URL
	server    *httptest.Server
	transport *http.Transport
	tags      atomic.Int64

	mu     sync.Mutex
	faults []*Injected
	log    []Request
}

// NewProxy stands before the server at the scheme and host of a URL.
func NewProxy(target string) (*Proxy, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("cannot stand before the server: %w", err)
	}
	p := &Proxy{target: u, transport: &http.Transport{}}
	p.server = httptest.NewServer(p)
	return p, nil
}

// URL is an address of the server behind, as it is before.
func (p *Proxy) URL(behind string) (string, error) {
	u, err := url.Parse(behind)
	if err != nil {
		return "", fmt.Errorf("cannot stand before the server: %w", err)
	}
	front, err := url.Parse(p.server.URL)
	if err != nil {
		return "", fmt.Errorf("cannot stand before the server: %w", err)
	}
	u.Host = front.Host
	return u.String(), nil
}

// Close ends the proxy.
func (p *Proxy) Close() {
	p.Heal()
	p.server.Close()
	p.transport.CloseIdleConnections()
}

// Inject adds a fault; the first that matches a request applies.
func (p *Proxy) Inject(fault Fault) *Injected {
	f := newInjected(fault)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
	return f
}

// Heal removes every fault and lets held requests go on.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		f.Release()
	}
	p.faults = nil
}

// Requests is a copy of the log.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// ServeHTTP asks the server behind, and spoils what it says.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.log = append(p.log, Request{Method: r.Method, Path: r.URL.Path, Depth: r.Header.Get("Depth")})
	var fault *Injected
	for _, f := range p.faults {
		if f.matches(r) {
			fault = f
			break
		}
	}
	p.mu.Unlock()
	if fault != nil {
		done, out := fault.before(w, r)
		if fault.After != nil {
			defer fault.After()
		}
		if done {
			return
		}
		w = out
	}
	status, header, body, err := p.forward(r)
	if err != nil {
		http.Error(w, "the server behind is gone", http.StatusBadGateway)
		return
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	if fault != nil {
		body = p.spoil(w.Header(), &fault.Fault, body)
	}
	if status != http.StatusNoContent && (fault == nil || fault.TruncateAfter == 0) && r.Method != http.MethodHead {
		length := len(body)
		if fault != nil {
			length = max(0, length+fault.Length)
		}
		w.Header().Set("Content-Length", strconv.Itoa(length))
		body = body[:min(length, len(body))] // nobody reads more than was told
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left, or was told another length, is what is tested
}

func (p *Proxy) forward(r *http.Request) (status int, header http.Header, body []byte, err error) {
	at := *r.URL
	at.Scheme, at.Host = p.target.Scheme, p.target.Host
	asked, err := http.NewRequestWithContext(r.Context(), r.Method, at.String(), r.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	asked.Header, asked.Host, asked.ContentLength = r.Header.Clone(), r.Host, r.ContentLength
	asked.Header.Set("Accept-Encoding", "identity")
	resp, err := p.transport.RoundTrip(asked)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, requestLimit))
	header = resp.Header.Clone()
	header.Del("Content-Length")
	return resp.StatusCode, header, body, err
}

var (
	memberText = regexp.MustCompile(`(?s)<([A-Za-z0-9]+:)?response\b.*?</([A-Za-z0-9]+:)?response>`)
	hrefText   = regexp.MustCompile(`(?s)(<(?:[A-Za-z0-9]+:)?href[^>]*>).*?(</)`)
	etagText   = regexp.MustCompile(`(?s)(<(?:[A-Za-z0-9]+:)?getetag[^>]*>)[^<]+(</)`)
)

// spoil changes an answer as a fault says. The first member, the collection
// itself, stays as it is.
func (p *Proxy) spoil(h http.Header, f *Fault, body []byte) []byte {
	if f.Skew != 0 {
		if at, err := http.ParseTime(h.Get("Date")); err == nil {
			h.Set("Date", at.Add(f.Skew).UTC().Format(http.TimeFormat))
		}
	}
	if f.Damage && len(body) > 0 {
		body[0] ^= 0xff
	}
	if f.ETag != "" {
		tag := f.ETag
		if tag == "*" {
			tag = fmt.Sprintf(`"%d"`, p.tags.Add(1))
		}
		if h.Get("ETag") != "" {
			h.Set("ETag", tag)
		}
		body = etagText.ReplaceAll(body, []byte("${1}"+text(tag)+"${2}"))
	}
	members := memberText.FindAllIndex(body, -1)
	if len(members) < 2 {
		return body
	}
	out := bytes.NewBuffer(bytes.Clone(body[:members[0][1]]))
	for i, m := range members[1:] {
		out.Write(body[members[i][1]:m[0]])
		one := body[m[0]:m[1]]
		if i < len(members)-1-f.HideLast {
			out.Write(one)
		}
		if i < f.Again {
			out.Write(one)
		}
		if i == 0 && f.Stray != "" {
			out.Write(hrefText.ReplaceAll(one, []byte("${1}"+text(f.Stray)+"${2}")))
		}
	}
	out.Write(body[members[len(members)-1][1]:])
	return out.Bytes()
}
