package bus

import (
	"errors"
	"testing"
)

// drainKinds takes everything out of a queue.
func drainKinds(q *queue) string {
	var events []Event
	for {
		it, ok := q.take()
		if !ok {
			return kinds(events)
		}
		events = append(events, it.event)
	}
}

func TestQueueStaysBounded(t *testing.T) {
	one, two := &Subscription{}, &Subscription{}
	q := newQueue(2)
	for range 10 {
		q.signal(Event{Kind: Signal}, []*Subscription{one})
	}
	q.signal(Event{Kind: Signal}, []*Subscription{two})
	if last := q.items[len(q.items)-1]; len(last.to) != 2 {
		t.Errorf("the overflow goes to %d subscriptions, want both that lost signals", len(last.to))
	}
	for range 100 {
		q.state(Event{Kind: Down, Err: errors.New("x")}, []*Subscription{one, two})
		q.state(Event{Kind: Up}, []*Subscription{one, two})
	}
	if got, want := drainKinds(q), "signal signal overflow down up"; got != want {
		t.Errorf("queued %q, want %q", got, want)
	}
	q.state(Event{Kind: Up}, []*Subscription{one})
	q.state(Event{Kind: Down}, []*Subscription{two})
	if got, want := drainKinds(q), "up down"; got != want {
		t.Errorf("queued %q, want %q: they go to different subscriptions", got, want)
	}
}

func TestOverflowOfOneIsNotHeardByAnother(t *testing.T) {
	one, two := &Subscription{}, &Subscription{}
	q := newQueue(1)
	q.signal(Event{Kind: Signal}, []*Subscription{one})
	q.signal(Event{Kind: Signal}, []*Subscription{one})
	if last := q.items[1]; len(last.to) != 1 || last.to[0] != one {
		t.Errorf("the overflow goes to %v, want the one that lost a signal", last.to)
	}
	// A slice of one item must not grow into that of another.
	to := make([]*Subscription, 1, 4)
	to[0] = one
	q.items[1].to = to
	q.signal(Event{Kind: Signal}, []*Subscription{two})
	if got := to[:2][1]; got != nil {
		t.Error("the overflow wrote into a slice that is not its own")
	}
}
