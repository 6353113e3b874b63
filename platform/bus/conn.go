package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
)

// Options says how to connect. Address is needed; the rest has defaults.
type Options struct {
	// Address is a D-Bus address with a unix socket.
	Address string
	// Timeout bounds each call and each try to connect. Zero: 10 s.
	Timeout time.Duration
	// MinWait and MaxWait bound the wait between tries to connect; it doubles
	// with each failure. Zero: 100 ms and 30 s.
	MinWait, MaxWait time.Duration
	// Queue is how many signals may wait for subscribers. Zero: 4,096.
	Queue int
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MinWait <= 0 {
		o.MinWait = 100 * time.Millisecond
	}
	if o.MaxWait < o.MinWait {
		o.MaxWait = max(30*time.Second, o.MinWait)
	}
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	return o
}

// Conn is a connection that comes back. Its methods may be called from any
// goroutine; Fence, Drain and Close not from a subscriber's callback.
type Conn struct {
	opts  Options
	queue *queue
	ctx   context.Context // ends with Close
	end   context.CancelFunc
	tasks sync.WaitGroup

	mu     sync.Mutex
	link   *link // nil while down
	err    error // why it is down
	subs   []*Subscription
	slots  chan struct{} // one for each call that is being sent
	change chan struct{} // capacity 1: subscriptions were added or removed
	first  chan struct{} // closed after the first try to connect
}

// Subscription is a subscriber's place on a Conn.
type Subscription struct {
	conn  *Conn
	rules []Rule
	hear  func(Event)
	gone  atomic.Bool
	down  bool // it was told; held by the connection's lock
}

// maxSending bounds the calls that wait to be written to a bus that does not
// read.
const maxSending = 256

// Open begins to connect and returns once the first try succeeded or failed.
// After a failure it goes on trying. The error is for a bad address alone.
func Open(ctx context.Context, opts Options) (*Conn, error) {
	if _, err := parseAddress(opts.Address); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	c := &Conn{
		opts: opts, queue: newQueue(opts.Queue), err: errors.New("not connected yet"),
		slots: make(chan struct{}, maxSending), change: make(chan struct{}, 1), first: make(chan struct{}),
	}
	c.ctx, c.end = context.WithCancel(context.Background())
	c.tasks.Go(c.run)
	c.tasks.Go(func() { c.queue.deliver(c.ctx.Done()) })
	select {
	case <-c.first:
	case <-ctx.Done():
	}
	return c, nil
}

// Close ends the connection and waits for its goroutines. No callback starts
// after it returned.
func (c *Conn) Close() {
	c.end()
	c.queue.close()
	c.tasks.Wait()
}

// Subscribe calls hear for each event that the rules select, one at a time and
// in order. The first event is Up, at once where the bus is connected, or Down.
// An error means that a rule cannot be used.
func (c *Conn) Subscribe(hear func(Event), rules ...Rule) (*Subscription, error) {
	for _, rule := range rules {
		if err := rule.Check(); err != nil {
			return nil, err
		}
	}
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	sub := &Subscription{conn: c, rules: rules, hear: hear}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, sub)
	if c.link == nil {
		sub.down = true
		c.queue.state(Event{Kind: Down, Err: c.err}, []*Subscription{sub})
	}
	c.poke()
	return sub, nil
}

// Close ends the subscription. One callback may still be running.
func (s *Subscription) Close() {
	s.gone.Store(true)
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	for i, sub := range s.conn.subs {
		if sub == s {
			s.conn.subs = append(s.conn.subs[:i:i], s.conn.subs[i+1:]...)
			break
		}
	}
	s.conn.poke()
}

func (c *Conn) poke() {
	select {
	case c.change <- struct{}{}:
	default:
	}
}

// run connects, keeps the rules in force, and connects again.
func (c *Conn) run() {
	wait := c.opts.MinWait
	var first sync.Once
	for c.ctx.Err() == nil {
		l, err := c.connect()
		if err == nil {
			wait = c.opts.MinWait
			first.Do(func() { close(c.first) })
			err = c.serve(l)
		}
		c.down(err)
		first.Do(func() { close(c.first) })
		timer := time.NewTimer(wait)
		select {
		case <-c.ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		wait = min(2*wait, c.opts.MaxWait)
	}
}

// connect makes a link with every rule in force.
func (c *Conn) connect() (*link, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.Timeout)
	defer cancel()
	l := newLink(c)
	w, err := dial(ctx, c.opts.Address, l)
	if err != nil {
		return nil, err
	}
	l.wire = w
	if err := l.adjust(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// serve keeps a link's rules as the subscriptions want them, until it breaks.
func (c *Conn) serve(l *link) error {
	defer l.close()
	for {
		select {
		case <-c.ctx.Done():
			return ErrClosed
		case <-l.wire.Context().Done():
			return errors.New("the bus closed the connection")
		case <-c.change:
			if err := l.adjust(); err != nil {
				return err
			}
		}
	}
}

// down tells every subscription that does not know it that the bus is gone.
func (c *Conn) down(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.err = nil, err
	var to []*Subscription
	for _, sub := range c.subs {
		if !sub.down {
			sub.down = true
			to = append(to, sub)
		}
	}
	if len(to) > 0 {
		c.queue.state(Event{Kind: Down, Err: err}, to)
	}
}

// live returns the connection of this moment.
func (c *Conn) live() (*dbus.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if c.link == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, c.err)
	}
	return c.link.wire.Conn, nil
}
