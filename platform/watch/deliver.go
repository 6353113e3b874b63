package watch

import (
	"context"
	"sync"
)

// delivery hands facts to the callback. Facts about one source that wait at the
// same time become one event; a barrier passes once everything that was put in
// before it has been handed over.
type delivery struct {
	changed   func(Event)
	delivered func(source string) // nil: nobody to tell

	mu       sync.Mutex
	waiting  map[string]int // source → index in events
	events   []Event
	barriers []chan<- struct{}
	signal   chan struct{} // holds one token while something waits
}

func newDelivery(changed func(Event)) *delivery {
	return &delivery{changed: changed, waiting: map[string]int{}, signal: make(chan struct{}, 1)}
}

// put adds a fact; it never blocks.
func (d *delivery) put(source string, kind Kind) {
	d.mu.Lock()
	if i, ok := d.waiting[source]; ok {
		d.events[i].Kind |= kind
	} else {
		d.waiting[source] = len(d.events)
		d.events = append(d.events, Event{source, kind})
	}
	d.mu.Unlock()
	d.ring()
}

// barrier closes passed once every fact put in so far was handed over.
func (d *delivery) barrier(passed chan<- struct{}) {
	d.mu.Lock()
	d.barriers = append(d.barriers, passed)
	d.mu.Unlock()
	d.ring()
}

func (d *delivery) ring() {
	select {
	case d.signal <- struct{}{}:
	default:
	}
}

func (d *delivery) take() (events []Event, barriers []chan<- struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	events, barriers = d.events, d.barriers
	d.events, d.barriers = nil, nil
	clear(d.waiting)
	return events, barriers
}

func (d *delivery) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.signal:
		}
		events, barriers := d.take()
		for _, e := range events {
			d.changed(e)
			if d.delivered != nil {
				d.delivered(e.Source)
			}
		}
		for _, b := range barriers {
			close(b)
		}
	}
}
