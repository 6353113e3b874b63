package bus

import (
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Kind is what an Event says.
type Kind int

const (
	// Signal: a signal that one of the subscription's rules selects.
	Signal Kind = iota + 1
	// Up: the bus is connected and the rules are in force. What happened before
	// was not heard: look again.
	Up
	// Down: the bus is gone, and nothing will be heard until the next Up.
	Down
	// Overflow: signals were dropped here, because the subscriber was slower
	// than the bus: look again.
	Overflow
	// Owner: a name that a rule has as its sender changed its owner: look again.
	Owner
)

func (k Kind) String() string {
	switch k {
	case Signal:
		return "signal"
	case Up:
		return "up"
	case Down:
		return "down"
	case Overflow:
		return "overflow"
	case Owner:
		return "owner"
	}
	return "unknown"
}

// Event is one thing that a subscription hears.
type Event struct {
	Kind Kind
	// Signal is set for Signal. It is shared between subscriptions: read only.
	Signal *dbus.Signal
	// Name and Unique are set for Owner: the well-known name, and who owns it
	// now, empty for nobody.
	Name, Unique string
	// Err is set for Down: why the bus is gone.
	Err error
}

// item is an event on its way to subscriptions, or a mark that says how far
// they are.
type item struct {
	event Event
	to    []*Subscription
	mark  chan struct{}
}

// queue holds events between the reading of the bus and the subscribers. It
// takes at most limit signals; one Overflow then stands for those dropped.
type queue struct {
	mu     sync.Mutex
	items  []item
	limit  int
	closed bool
	wake   chan struct{} // capacity 1
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, wake: make(chan struct{}, 1)}
}

// signal adds an event that may be dropped.
func (q *queue) signal(event Event, to []*Subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= q.limit {
		q.overflow(to)
		return
	}
	q.add(item{event: event, to: to})
}

// overflow notes that an event was dropped for some subscriptions. The notes
// are one item at the end of the queue for each run of dropped events.
func (q *queue) overflow(to []*Subscription) {
	if last := len(q.items) - 1; last >= 0 && q.items[last].event.Kind == Overflow {
		known := q.items[last].to
		for _, sub := range to {
			if !slices.Contains(known, sub) {
				known = append(slices.Clip(known), sub)
			}
		}
		q.items[last].to = known
		return
	}
	q.add(item{event: Event{Kind: Overflow}, to: to})
}

// state adds an Up or Down. A bus that flaps before a subscriber that stands
// still adds nothing: an Up that is taken back is dropped, and of two Downs the
// later one stays.
func (q *queue) state(event Event, to []*Subscription) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for event.Kind == Down && len(q.items) > 0 {
		last := q.items[len(q.items)-1]
		if (last.event.Kind != Up && last.event.Kind != Down) || !slices.Equal(last.to, to) {
			break
		}
		q.items = q.items[:len(q.items)-1]
	}
	q.add(item{event: event, to: to})
}

// mark adds a mark, which is closed once all before it was delivered.
func (q *queue) mark() (<-chan struct{}, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, false
	}
	mark := make(chan struct{})
	q.add(item{mark: mark})
	return mark, true
}

func (q *queue) add(it item) {
	if q.closed {
		return
	}
	q.items = append(q.items, it)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item{}, false
	}
	it := q.items[0]
	q.items[0] = item{}
	q.items = q.items[1:]
	return it, true
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.items = nil
}

// deliver hands events to their subscriptions, one at a time, until done.
func (q *queue) deliver(done <-chan struct{}) {
	for {
		it, ok := q.take()
		if !ok {
			select {
			case <-done:
				return
			case <-q.wake:
			}
			continue
		}
		select {
		case <-done:
			return
		default:
		}
		if it.mark != nil {
			close(it.mark)
			continue
		}
		for _, sub := range it.to {
			if !sub.gone.Load() {
				sub.hear(it.event)
			}
		}
	}
}
