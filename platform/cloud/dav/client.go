package dav

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits bound what a server can make this side hold or wait for. A zero field
// takes the default.
type Limits struct {
	// Items bounds the members of one collection or file tree; default 1,000,000.
	Items int
	// Folders bounds how deep a file tree goes; default 64.
	Folders int
	// ListingBytes bounds one listing answer; default 512 MiB.
	ListingBytes int64
	// MemberBytes bounds what one member may say in a listing; default 256 KiB.
	MemberBytes int64
	// ItemBytes bounds one contact or calendar object; default 32 MiB.
	ItemBytes int64
	// Connect is how long a connection may take; default 30 s.
	Connect time.Duration
	// Header is how long the server may take to begin an answer; default 2 min.
	Header time.Duration
	// Stall is how long an answer may stand still; default 30 s.
	Stall time.Duration
	// Wait is how long one call waits in all for a server that asks for patience
	// (429 or 503 with Retry-After); default 20 s. What asks for more is an error
	// at once, and so is what gives no time.
	Wait time.Duration
	// Attempts bounds the listings made because the collection kept changing; default 4.
	Attempts int
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set64 := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	setTime := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&l.Items, 1_000_000)
	set(&l.Folders, 64)
	set(&l.Attempts, 4)
	set64(&l.ListingBytes, 512<<20)
	set64(&l.MemberBytes, 256<<10)
	set64(&l.ItemBytes, 32<<20)
	setTime(&l.Connect, 30*time.Second)
	setTime(&l.Header, 2*time.Minute)
	setTime(&l.Stall, 30*time.Second)
	setTime(&l.Wait, 20*time.Second)
	return l
}

// parallel is how many requests run at once, and so how many connections there are.
const parallel = 4

// Config says which account is asked, and how. The URIs are those that GNOME
// Online Accounts gives; a user name in them is dropped. An empty one means
// that the account has no such data.
type Config struct {
	Contacts, Calendars, Files string
	Credentials                Credentials
	// Renew gets another bearer token, once the server refused the one in use. It
	// is asked once for each token; nil: a refused token stays refused.
	Renew func(context.Context) (Secret, error)
	// AcceptInvalidCert takes any certificate, as the account's own setting
	// AcceptSslErrors asks.
	AcceptInvalidCert bool
	// Now is the clock of StartedAt and EndedAt; nil is time.Now.
	Now func() time.Time
	// After is closed, or sent to, once d has passed; nil is the machine's clock.
	After  func(d time.Duration) (<-chan time.Time, func())
	Limits Limits
}

// Client asks one account's server. It is safe for concurrent use.
type Client struct {
	contacts, calendars, files *url.URL
	credentials                Credentials
	bearer                     *bearer
	now                        func() time.Time
	after                      func(d time.Duration) (<-chan time.Time, func())
	limits                     Limits
	http                       *http.Client
	transport                  *http.Transport
}

// New checks the configuration; it sends nothing yet.
func New(config Config) (*Client, error) {
	c := &Client{credentials: config.Credentials, now: config.Now, after: config.After, limits: config.Limits.withDefaults(),
		bearer: newBearer(config.Credentials.Bearer, config.Renew)}
	if c.now == nil {
		c.now = time.Now
	}
	if c.after == nil {
		c.after = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTimer(d)
			return t.C, func() { t.Stop() }
		}
	}
	if c.credentials.Bearer.Empty() && (c.credentials.User == "" || c.credentials.Password.Empty()) {
		return nil, errors.New("cannot ask the server: no password and no token")
	}
	given := 0
	for _, u := range []struct {
		raw string
		to  **url.URL
	}{{config.Contacts, &c.contacts}, {config.Calendars, &c.calendars}, {config.Files, &c.files}} {
		if u.raw == "" {
			continue
		}
		parsed, err := parseBase(u.raw)
		if err != nil {
			return nil, err
		}
		*u.to = parsed
		given++
	}
	if given == 0 {
		return nil, errors.New("cannot ask the server: no address")
	}
	// Over HTTP/1.1, the default with a TLSClientConfig: each of the few requests at
	// once has a connection, and HTTP/2 would be half a megabyte of the agent.
	c.transport = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: c.limits.Connect}).DialContext,
		MaxConnsPerHost:        parallel,
		MaxIdleConnsPerHost:    parallel,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    30 * time.Second,
		ResponseHeaderTimeout:  c.limits.Header,
		MaxResponseHeaderBytes: 256 << 10,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: config.AcceptInvalidCert},
	}
	c.http = &http.Client{
		Transport:     c.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close drops the idle connections. Calls under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// parseBase reads a URI of the account. Its path always ends with a slash.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("cannot use the server's address: not a URI")
	}
	if u.Scheme == "davs" {
		u.Scheme = "https"
	}
	if u.Scheme == "dav" {
		u.Scheme = "http"
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "" {
		return nil, fmt.Errorf("cannot use the server's address: %q is not http or https with a host", u.Scheme)
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	return u, nil
}

// origin is the scheme, host and port that credentials may go to.
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	o := origin{strings.ToLower(u.Scheme), strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()}
	if o.port == "" {
		o.port = defaultPorts[o.scheme]
	}
	return o
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func (o origin) String() string { return o.scheme + "://" + o.host + ":" + o.port }
