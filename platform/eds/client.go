package eds

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/platform/bus"
)

// Options of a client. Zero fields take the defaults.
type Options struct {
	CallTimeout    time.Duration // of one call, default 30 s
	RefreshTimeout time.Duration // of a refresh until it settled, default 2 min
	MaxItems       int           // listed in one store, default 500,000
	MaxItemBytes   int           // of one contact or component, default 48 MiB
	Now            func() time.Time
}

func (o Options) withDefaults() Options {
	if o.CallTimeout <= 0 {
		o.CallTimeout = 30 * time.Second
	}
	if o.RefreshTimeout <= 0 {
		o.RefreshTimeout = 2 * time.Minute
	}
	if o.MaxItems <= 0 {
		o.MaxItems = 500_000
	}
	if o.MaxItemBytes <= 0 {
		o.MaxItemBytes = 48 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Client talks to EDS over one connection. It is safe for use by several
// goroutines and holds no goroutine of its own.
type Client struct {
	conn *bus.Conn
	opts Options

	mu    sync.Mutex
	names map[service]string // as found, forgotten when one does not answer
}

// New makes a client; nothing is sent before the first call.
func New(conn *bus.Conn, opts Options) *Client {
	return &Client{conn: conn, opts: opts.withDefaults(), names: map[service]string{}}
}

// service is the part of a service's name before its version.
type service string

const (
	sourceRegistry  service = dotted + "Sources"
	addressBooks    service = dotted + "AddressBook"
	calendarFactory service = dotted + "Calendar"
)

// name finds the service's name, whose last digits are a version that changes
// with EDS's own; the highest wins. ErrUnavailable where none is installed.
func (c *Client) name(ctx context.Context, s service) (string, error) {
	c.mu.Lock()
	known := c.names[s]
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	best, version := "", -1
	for _, activatable := range []bool{true, false} {
		names, err := c.conn.Names(ctx, activatable)
		if err != nil {
			return "", failed(ctx, "list the services", err)
		}
		for _, n := range names {
			if v := versionOf(n, s); v > version {
				best, version = n, v
			}
		}
	}
	if best == "" {
		return "", fmt.Errorf("cannot find %s: %w: %w", s, ErrUnavailable, ErrNotInstalled)
	}
	c.mu.Lock()
	c.names[s] = best
	c.mu.Unlock()
	return best, nil
}

// versionOf is -1 for a name that is not the service's.
func versionOf(name string, s service) int {
	digits, ok := strings.CutPrefix(name, string(s))
	if !ok || digits == "" {
		return -1
	}
	v, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return -1
	}
	return int(v)
}

// forget makes the next call look for the services anew.
func (c *Client) forget() {
	c.mu.Lock()
	clear(c.names)
	c.mu.Unlock()
}

// Installed tells whether the bus knows of EDS at all, without starting it:
// a device without EDS has no sources here, one with a broken EDS has unknown
// ones.
func (c *Client) Installed(ctx context.Context) (bool, error) {
	_, err := c.name(ctx, sourceRegistry)
	if errors.Is(err, ErrNotInstalled) {
		return false, nil
	}
	return err == nil, err
}

// Fence returns once every signal that the running services sent before has
// been handed to the subscribers of the same connection. A service that does
// not run has sent nothing and is not started.
func (c *Client) Fence(ctx context.Context) error {
	for _, s := range []service{sourceRegistry, addressBooks, calendarFactory} {
		name, err := c.name(ctx, s)
		if err != nil {
			return err
		}
		if err := c.fence(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) fence(ctx context.Context, dest string) error {
	limited, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	err := c.conn.Fence(limited, dest)
	if errors.Is(err, bus.ErrNoService) {
		err = c.conn.Drain(limited)
	}
	return failed(ctx, "reach evolution-data-server", err)
}
