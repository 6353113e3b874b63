package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/platform/session"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

func TestMain(m *testing.M) {
	sessiontest.Main(m, func() error { return goleak.Find() })
}

const (
	testName = "org.clearance.Test"
	testPath = dbus.ObjectPath("/org/clearance/Test")
	testTick = testName + ".Tick"
)

var testRule = Rule{Sender: testName, Interface: testName, Member: "Tick"}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startBus(t *testing.T) *sessiontest.Session {
	t.Helper()
	return sessiontest.Start(t, session.Options{Keyring: session.KeyringNone, Services: []string{}})
}

func open(t *testing.T, s *sessiontest.Session, opts Options) *Conn {
	t.Helper()
	opts.Address, opts.MinWait = s.BusAddress, 5*time.Millisecond
	c, err := Open(limit(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// own makes a connection that owns the test's name.
func own(t *testing.T, s *sessiontest.Session) *dbus.Conn {
	t.Helper()
	conn := s.Conn(t)
	take(t, conn)
	return conn
}

func take(t *testing.T, conn *dbus.Conn) {
	t.Helper()
	reply, err := conn.RequestName(testName, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot own %s: %v, %v", testName, reply, err)
	}
}

// hearing collects events.
type hearing struct {
	mu     sync.Mutex
	events []Event
	news   chan struct{}
}

func listen(t *testing.T, c *Conn, rules ...Rule) *hearing {
	t.Helper()
	h := &hearing{news: make(chan struct{}, 1)}
	if _, err := c.Subscribe(h.hear, rules...); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hearing) hear(e Event) {
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
	select {
	case h.news <- struct{}{}:
	default:
	}
}

func (h *hearing) all() []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Event(nil), h.events...)
}

// await waits until the events heard satisfy a condition.
func (h *hearing) await(ctx context.Context, t *testing.T, what string, ok func([]Event) bool) {
	t.Helper()
	for !ok(h.all()) {
		select {
		case <-h.news:
		case <-ctx.Done():
			t.Fatalf("never heard %s; heard %s", what, kinds(h.all()))
		}
	}
}

// await waits for a channel, with a deadline.
func await(ctx context.Context, t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatal("waited in vain")
	}
}

func last(kind Kind) func([]Event) bool {
	return func(events []Event) bool { return len(events) > 0 && events[len(events)-1].Kind == kind }
}

func kinds(events []Event) string {
	var names []string
	for _, e := range events {
		names = append(names, e.Kind.String())
	}
	return strings.Join(names, " ")
}

func tick(t *testing.T, conn *dbus.Conn, n int) {
	t.Helper()
	if err := conn.Emit(testPath, testTick, uint32(n)); err != nil {
		t.Fatal(err)
	}
}

func TestSignalsInOrderUpToTheFence(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{Queue: 20_000})
	service := own(t, s)
	h := listen(t, c, testRule)
	h.await(ctx, t, "up", last(Up))
	const signals = 10_000
	for n := range signals {
		tick(t, service, n)
	}
	if err := c.Fence(ctx, testName); err != nil {
		t.Fatal(err)
	}
	events := h.all()[1:]
	if len(events) != signals {
		t.Fatalf("heard %d signals before the fence, want %d", len(events), signals)
	}
	for n, e := range events {
		if e.Kind != Signal || e.Signal.Body[0] != uint32(n) {
			t.Fatalf("event %d is %v %v", n, e.Kind, e.Signal)
		}
	}
}

func TestSlowSubscriberHearsOfTheOverflow(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{Queue: 16})
	service := own(t, s)
	h := &hearing{news: make(chan struct{}, 1)}
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	if _, err := c.Subscribe(func(e Event) {
		if e.Kind == Signal {
			once.Do(func() { close(entered); <-release })
		}
		h.hear(e)
	}, testRule); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "up", last(Up))
	tick(t, service, 0)
	await(ctx, t, entered)
	for n := range 100 {
		tick(t, service, n+1)
	}
	// The answer to the ping comes behind the signals: all were heard or dropped.
	if err := c.Call(ctx, Method{Service: testName, Path: "/", Name: "org.freedesktop.DBus.Peer.Ping"}, nil); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := c.Fence(ctx, testName); err != nil {
		t.Fatal(err)
	}
	events := h.all()
	if got, want := len(events), 1+1+16+1; got != want || events[got-1].Kind != Overflow {
		t.Fatalf("heard %d events (%s), want %d with an overflow at the end", got, kinds(events), want)
	}
	tick(t, service, 101)
	h.await(ctx, t, "a signal after the overflow", last(Signal))
}

func TestFenceWaitsForTheSubscribers(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	service := own(t, s)
	up, entered, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	if _, err := c.Subscribe(func(e Event) {
		switch e.Kind {
		case Up:
			close(up)
		case Signal:
			close(entered)
			<-release
		}
	}, testRule); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, up)
	tick(t, service, 1)
	await(ctx, t, entered)
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := c.Fence(short, testName); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a fence while a subscriber is busy: %v, want a deadline", err)
	}
	close(release)
	if err := c.Fence(ctx, testName); err != nil {
		t.Error(err)
	}
}

func TestBrokenLinkDeliversNothing(t *testing.T) {
	c := &Conn{queue: newQueue(8)}
	l := newLink(c)
	l.active[&Subscription{rules: []Rule{{Sender: ":1.1"}}}] = true
	signal := &dbus.Signal{Sender: ":1.1", Name: "a.b.C"}
	l.DeliverSignal("a.b", "C", signal)
	l.closed = true
	l.DeliverSignal("a.b", "C", signal)
	if got := drainKinds(c.queue); got != "signal" {
		t.Errorf("queued %q, want the signal before the break alone", got)
	}
}

func TestBusKilledAndStartedAgain(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	own(t, s)
	h := listen(t, c, testRule)
	h.await(ctx, t, "up", last(Up))
	if err := s.StopBus(); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "down", last(Down))
	ping := Method{Service: testName, Path: "/", Name: "org.freedesktop.DBus.Peer.Ping"}
	if err := c.Call(ctx, ping, nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a call without a bus: %v, want ErrUnavailable", err)
	}
	if err := c.Fence(ctx, testName); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a fence without a bus: %v, want ErrUnavailable", err)
	}
	if _, _, err := c.OwnerUID(ctx, testName); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an owner without a bus: %v, want ErrUnavailable", err)
	}
	if err := s.StartBus(ctx); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "up again", last(Up))
	service := own(t, s)
	tick(t, service, 7)
	h.await(ctx, t, "a signal after the bus came back", last(Signal))
	if got, want := kinds(h.all()), "up down up owner signal"; got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestOpenBeforeTheBus(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	if err := s.StopBus(); err != nil {
		t.Fatal(err)
	}
	c := open(t, s, Options{})
	h := listen(t, c, testRule)
	h.await(ctx, t, "down", last(Down))
	if err := s.StartBus(ctx); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "up", last(Up))
}

func TestSignalOfASquatterIsNotHeard(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	service := own(t, s)
	h := listen(t, c, testRule)
	h.await(ctx, t, "up", last(Up))
	live, err := c.live()
	if err != nil {
		t.Fatal(err)
	}
	// Sent straight to us, so that no rule stands in its way.
	forged := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(live.Names()[0]),
		dbus.FieldPath:        dbus.MakeVariant(testPath),
		dbus.FieldInterface:   dbus.MakeVariant(testName),
		dbus.FieldMember:      dbus.MakeVariant("Tick"),
	}}
	other := s.Conn(t)
	if call := other.Send(forged, nil); call.Err != nil {
		t.Fatal(call.Err)
	}
	if err := c.Fence(ctx, other.Names()[0]); err != nil {
		t.Fatal(err)
	}
	if got := kinds(h.all()); got != "up" {
		t.Errorf("heard %q of another sender", got)
	}
	tick(t, service, 1)
	h.await(ctx, t, "the owner's signal", last(Signal))
	if err := service.Close(); err != nil {
		t.Fatal(err)
	}
	h.await(ctx, t, "the owner's end", func(e []Event) bool { return last(Owner)(e) && e[len(e)-1].Unique == "" })
	take(t, other)
	h.await(ctx, t, "the new owner", func(e []Event) bool { return last(Owner)(e) && e[len(e)-1].Unique == other.Names()[0] })
	tick(t, other, 2)
	h.await(ctx, t, "the new owner's signal", last(Signal))
}

func TestClosedSubscriptionHearsNothing(t *testing.T) {
	ctx, s := limit(t), startBus(t)
	c := open(t, s, Options{})
	service := own(t, s)
	gone := &hearing{news: make(chan struct{}, 1)}
	sub, err := c.Subscribe(gone.hear, testRule)
	if err != nil {
		t.Fatal(err)
	}
	gone.await(ctx, t, "up", last(Up))
	sub.Close()
	h := listen(t, c, testRule)
	h.await(ctx, t, "up", last(Up))
	tick(t, service, 1)
	h.await(ctx, t, "a signal", last(Signal))
	if got := kinds(gone.all()); got != "up" {
		t.Errorf("the ended subscription heard %q", got)
	}
	if got, want := kinds(h.all()), "up signal"; got != want {
		t.Errorf("the living subscription heard %q, want %q", got, want)
	}
}

func TestClosedConnection(t *testing.T) {
	s := startBus(t)
	c := open(t, s, Options{})
	c.Close()
	if _, err := c.Subscribe(func(Event) {}, testRule); !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe: %v, want ErrClosed", err)
	}
	if err := c.Call(limit(t), busMethod("ListNames"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Call: %v, want ErrClosed", err)
	}
	if err := c.Drain(limit(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("Drain: %v, want ErrClosed", err)
	}
}
