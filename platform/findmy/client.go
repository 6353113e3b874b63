package findmy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/clearance-project/clearance/platform/bus"
)

// Options of a client. The zero value is the device's own system bus.
type Options struct {
	// Address of the system bus. Empty: DBUS_SYSTEM_BUS_ADDRESS, else the
	// standard socket. A session bus is refused.
	Address string
	// Allow returns who counts beside root. Nil: DefaultAllowFile.
	Allow func() ([]Allowed, error)
	// Timeout bounds each question; default 5 s.
	Timeout time.Duration
	// ActTimeout bounds turning off or on, in which the device asks its
	// provider; default 60 s.
	ActTimeout time.Duration
}

// Client speaks with the implementers on one system bus. Its methods may be
// called from several goroutines; Fence not from a Watch callback.
type Client struct {
	opts Options
	bus  *bus.Conn

	acting sync.Mutex // one act at a time

	mu       sync.Mutex
	watchers map[int]func()
	serial   int
	base     *bus.Subscription
	subs     map[string]*bus.Subscription

	adjusting sync.Mutex // one change of the subscriptions at a time
	tasks     sync.WaitGroup
	closed    bool
}

const standardSocket = "unix:path=/run/dbus/system_bus_socket"

// Open connects to the system bus, now or as soon as it is there. The error is
// for an address that cannot be used.
func Open(ctx context.Context, o Options) (*Client, error) {
	if o.Address == "" {
		o.Address = os.Getenv("DBUS_SYSTEM_BUS_ADDRESS")
	}
	if o.Address == "" {
		o.Address = standardSocket
	}
	if o.Address == os.Getenv("DBUS_SESSION_BUS_ADDRESS") {
		return nil, errors.New("cannot ask for Find My Device on a session bus: anyone there could say that it is off")
	}
	if o.Allow == nil {
		o.Allow = func() ([]Allowed, error) { return ReadAllowFile(DefaultAllowFile) }
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	if o.ActTimeout <= 0 {
		o.ActTimeout = time.Minute
	}
	conn, err := bus.Open(ctx, bus.Options{Address: o.Address, Timeout: o.Timeout})
	if err != nil {
		return nil, fmt.Errorf("cannot use the system bus: %w", err)
	}
	return &Client{opts: o, bus: conn, watchers: map[int]func(){}, subs: map[string]*bus.Subscription{}}, nil
}

// Bus is the connection to the system bus, for who asks others there. Close ends
// it.
func (c *Client) Bus() *bus.Conn { return c.bus }

// Close ends the connection and all watching.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.bus.Close()
	c.tasks.Wait()
}
