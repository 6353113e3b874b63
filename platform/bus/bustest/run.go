package bustest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// Look asks an adapter once: how many things it sees.
type Look func(ctx context.Context) (int, error)

// Adapter is what asks services on a bus.
type Adapter struct {
	Name     string
	Services []string
	// New makes it on a connection that has that deadline, with a home of its own.
	New func(t *testing.T, b *bus.Conn, deadline time.Duration) Look
	// Answers are honest ones that tell of n things. Every method in them is
	// asked by a look.
	Answers func(n int) Answers
	// Optional: where nobody has the names, nothing is there, and that is known.
	Optional bool
}

const (
	few  = 2
	many = 100_000
	// patience bounds an honest answer, and that of many things.
	patience = 60 * time.Second
	// haste bounds the answer of a service that never gives one.
	haste = 100 * time.Millisecond
	// slack is what a look may take beyond its deadline, on a busy machine.
	slack = 20 * time.Second
	// kept bounds what a refused answer of many things may leave in memory.
	kept = 16 << 20
)

// bench is one adapter with its service.
type bench struct {
	Adapter
	*sessiontest.Session
	ctx  context.Context
	bus  *bus.Conn
	look Look
	seen int // of the honest service
}

// Run holds an adapter against every weather. The session is a private one
// without services; its bus ends and comes back.
func Run(t *testing.T, s *sessiontest.Session, a Adapter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	w := &bench{Adapter: a, Session: s, ctx: ctx}
	w.bus = w.open(t, patience)
	w.look = a.New(t, w.bus, patience)
	w.nobody(t)
	w.honest(t, w.serve(t)).Close()
	for name, f := range map[string]func(*testing.T){
		"wrong types": w.wrong, "refusals": w.refused, "silence": w.silent, "death": w.dies, "leaving": w.leaves, "another owner": w.usurped,
		"names come back": w.reappears, "100,000": w.many, "the bus goes": w.busGoes,
	} {
		t.Run(name, f)
	}
}

func (w *bench) open(t *testing.T, timeout time.Duration) *bus.Conn {
	t.Helper()
	b, err := bus.Open(w.ctx, bus.Options{Address: w.BusAddress, Timeout: timeout, MinWait: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// serve starts the honest service.
func (w *bench) serve(t *testing.T) *Service {
	t.Helper()
	s, err := Serve(w.ctx, w.BusAddress, w.Services, w.Answers(few))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// honest looks at a service that is right, which every weather must end with.
func (w *bench) honest(t *testing.T, s *Service) *Service {
	t.Helper()
	n, err := w.look(w.ctx)
	if err != nil || n == 0 || w.seen != 0 && n != w.seen {
		t.Fatalf("of the right service %d were seen, %v; want %d", n, err, max(w.seen, few))
	}
	w.seen = n
	for method := range s.answers {
		if s.Asked(method) == 0 {
			t.Errorf("%s is never asked: what is tried on it proves nothing", method)
		}
	}
	return s
}

// nobody looks where nobody has the names.
func (w *bench) nobody(t *testing.T) {
	t.Helper()
	if n, err := w.look(w.ctx); n != 0 || (err == nil) != w.Optional {
		t.Errorf("without the service: %d, %v; want no error: %v", n, err, w.Optional)
	}
}

// unknown looks where no answer can be had.
func (w *bench) unknown(t *testing.T, look Look, what string) {
	t.Helper()
	began := time.Now()
	if n, err := look(w.ctx); err == nil || n != 0 {
		t.Errorf("%s: %d, %v; want an error", what, n, err)
	}
	if took := time.Since(began); took > slack {
		t.Errorf("%s: took %v", what, took)
	}
}

// wrong answers each method with other types, with nothing, and with too much.
func (w *bench) wrong(t *testing.T) {
	s := w.serve(t)
	for method, honest := range w.Answers(few) {
		lies := [][]any{{}, append(append([]any{}, honest...), "more")}
		for _, v := range []any{
			uint32(7), "text", int64(-1), true, []string{"a"}, map[string]string{}, [][]byte{{1}}, []any{}, dbus.ObjectPath("/x"),
			dbus.MakeVariant(dbus.MakeVariant([]string{})), map[dbus.ObjectPath]map[string]dbus.Variant{},
		} {
			if dbus.SignatureOf(v) != dbus.SignatureOf(honest[0]) {
				lies = append(lies, append([]any{v}, honest[1:]...))
			}
		}
		for _, lie := range lies {
			s.Set(method, Lie(lie...))
			w.unknown(t, w.look, method+" answered as ("+dbus.SignatureOf(lie...).String()+")")
		}
		s.Set(method, nil)
	}
	w.honest(t, s)
}

// refused answers with errors, among them those that are the bus's own to give.
func (w *bench) refused(t *testing.T) {
	s := w.serve(t)
	for method := range w.Answers(few) {
		for _, short := range []string{"Failed", "ServiceUnknown", "NameHasNoOwner", "NoReply", "UnknownMethod", "UnknownObject", "AccessDenied"} {
			s.Set(method, Refuse("org.freedesktop.DBus.Error."+short))
			w.unknown(t, w.look, method+" refused by "+short)
		}
		s.Set(method, nil)
	}
	w.honest(t, s)
}

// silent never answers, and then answers slowly, which is no reason to give up.
func (w *bench) silent(t *testing.T) {
	s := w.serve(t)
	look := w.New(t, w.open(t, haste), haste)
	for method := range w.Answers(few) {
		s.Set(method, Silence)
		w.unknown(t, look, method+" without an answer")
		s.Set(method, nil)
	}
	for method := range w.Answers(few) {
		s.Set(method, Slow(haste/4))
	}
	w.honest(t, s)
}

func (w *bench) dies(t *testing.T) {
	for method := range w.Answers(few) {
		w.serve(t).Set(method, Death)
		w.unknown(t, w.look, "a death at "+method)
	}
	w.honest(t, w.serve(t))
}

// leaves goes away with its answer, so that the next question finds nobody: what
// was begun is not ended with nothing.
func (w *bench) leaves(t *testing.T) {
	for method := range w.Answers(few) {
		s := w.serve(t)
		s.Set(method, func(s *Service, honest []any) ([]any, error) { return honest, s.Release() })
		w.seenOrUnknown(t, "the service left at "+method)
		s.Close()
	}
	w.honest(t, w.serve(t))
}

// seenOrUnknown looks where the right answer may be had, and no other.
func (w *bench) seenOrUnknown(t *testing.T, what string) {
	t.Helper()
	if n, err := w.look(w.ctx); err == nil && n != w.seen || err != nil && n != 0 {
		t.Errorf("%s: %d, %v; want %d or an error", what, n, err, w.seen)
	}
}

// usurped has another take the names while a method is asked: what is said is
// what the first says, or nothing. The other is itself right, or is no such
// service.
func (w *bench) usurped(t *testing.T) {
	for method := range w.Answers(few) {
		for _, answers := range []Answers{w.Answers(few), {}} {
			other := w.serve(t)
			other.mu.Lock()
			other.answers = answers
			other.mu.Unlock()
			first := w.serve(t)
			first.Set(method, func(_ *Service, honest []any) ([]any, error) { return honest, other.Take(w.ctx) })
			w.seenOrUnknown(t, "another took the name at "+method)
			first.Close()
			other.Close()
		}
	}
	w.honest(t, w.serve(t))
}

func (w *bench) reappears(t *testing.T) {
	s := w.serve(t)
	for range 20 {
		w.honest(t, s)
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
		w.nobody(t)
		if err := s.Take(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.honest(t, s)
}

// many tells of more things than anybody has: all are seen or all refused, with
// a reason, and nothing stays in memory.
func (w *bench) many(t *testing.T) {
	s := w.serve(t)
	before := heap()
	for method, values := range w.Answers(many) {
		s.Say(method, values)
	}
	began := time.Now()
	n, err := w.look(w.ctx)
	took := time.Since(began)
	if err == nil && n < many || err != nil && (n != 0 || !strings.Contains(err.Error(), "00")) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("of %d things: %d, %v; want all, or the number in an error", many, n, err)
	}
	for method, values := range w.Answers(few) {
		s.Say(method, values)
	}
	if after := heap(); err != nil && after > before+kept {
		t.Errorf("%d bytes stay in memory", after-before)
	}
	t.Logf("%d things: %d taken after %v: %v", many, n, took, err)
	w.honest(t, s)
}

// heap is what is in use, once what is not was let go of.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// busGoes ends the bus while a method is asked, and starts it again.
func (w *bench) busGoes(t *testing.T) {
	up := make(chan struct{}, 8)
	sub, err := w.bus.Subscribe(func(e bus.Event) {
		if e.Kind == bus.Up {
			up <- struct{}{}
		}
	}, bus.Rule{Sender: w.Services[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	await := func() {
		t.Helper()
		select {
		case <-up:
		case <-w.ctx.Done():
			t.Fatal("the bus never came back")
		}
	}
	await()
	for method := range w.Answers(few) {
		s := w.serve(t)
		s.Set(method, func(s *Service, _ []any) ([]any, error) { return nil, w.StopBus() })
		w.unknown(t, w.look, "the bus went at "+method)
		w.unknown(t, w.look, "without a bus")
		s.Close()
		if err := w.StartBus(w.ctx); err != nil {
			t.Fatal(err)
		}
		await()
	}
	w.honest(t, w.serve(t))
}
