package bustest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Answers are what a service says, by method; to Properties.Get by the property.
type Answers map[string][]any

// Weather is what happens instead of an honest answer. It is called while the
// caller waits.
type Weather func(s *Service, honest []any) ([]any, error)

// Service is a service with some names on a bus. It answers alike at every path.
type Service struct {
	conn  *dbus.Conn
	names []string
	over  chan struct{}

	mu      sync.Mutex
	answers Answers
	weather map[string]Weather
	asked   map[string]int
}

// Serve takes names on the bus of that address. Another may take them away.
func Serve(ctx context.Context, address string, names []string, answers Answers) (*Service, error) {
	s := &Service{names: names, over: make(chan struct{}), answers: answers, weather: map[string]Weather{}, asked: map[string]int{}}
	conn, err := dbus.Connect(address, dbus.WithHandler(s))
	if err != nil {
		return nil, fmt.Errorf("cannot serve %v: %w", names, err)
	}
	s.conn = conn
	if err := s.Take(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// Take takes the names, from whoever has them.
func (s *Service) Take(ctx context.Context) error {
	for _, name := range s.names {
		var reply dbus.RequestNameReply
		for reply != dbus.RequestNameReplyPrimaryOwner && reply != dbus.RequestNameReplyAlreadyOwner {
			var err error
			if reply, err = s.conn.RequestName(name, dbus.NameFlagAllowReplacement|dbus.NameFlagReplaceExisting|dbus.NameFlagDoNotQueue); err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("cannot take %s: %w", name, err)
			}
		}
	}
	return nil
}

// Release gives the names back, and stays on the bus.
func (s *Service) Release() error {
	for _, name := range s.names {
		if _, err := s.conn.ReleaseName(name); err != nil {
			return fmt.Errorf("cannot give %s back: %w", name, err)
		}
	}
	return nil
}

// Close ends the service as a crash does.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.over:
	default:
		close(s.over)
	}
	_ = s.conn.Close() // The bus may be gone by now.
}

// Set has another weather for one method, nil for none.
func (s *Service) Set(method string, w Weather) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.weather[method] = w
}

// Say replaces the honest answer of one method.
func (s *Service) Say(method string, values []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[method] = values
}

// Asked is how often a method was called.
func (s *Service) Asked(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[method]
}

// Lie answers with these values instead.
func Lie(values ...any) Weather {
	return func(*Service, []any) ([]any, error) { return values, nil }
}

// Refuse answers with an error of that name.
func Refuse(name string) Weather {
	return func(*Service, []any) ([]any, error) { return nil, dbus.NewError(name, []any{"no"}) }
}

// Slow answers after a while.
func Slow(d time.Duration) Weather {
	return func(s *Service, honest []any) ([]any, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.over:
		}
		return honest, nil
	}
}

// Silence never answers.
func Silence(s *Service, _ []any) ([]any, error) {
	<-s.over
	return nil, nil
}

// Death ends the service while the caller waits.
func Death(s *Service, _ []any) ([]any, error) {
	s.Close()
	return nil, nil
}

// LookupObject implements [dbus.Handler].
func (s *Service) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) { return s, true }

// LookupInterface implements [dbus.ServerObject].
func (s *Service) LookupInterface(string) (dbus.Interface, bool) { return s, true }

// LookupMethod implements [dbus.Interface].
func (s *Service) LookupMethod(name string) (dbus.Method, bool) {
	return &method{s: s, name: name}, true
}

// method is one call.
type method struct {
	s    *Service
	name string
}

func (m *method) DecodeArguments(_ *dbus.Conn, _ string, _ *dbus.Message, args []any) ([]any, error) {
	if property, ok := last(args).(string); ok && m.name == "Get" {
		m.name = property
	}
	return nil, nil
}

func last(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[len(args)-1]
}

func (m *method) Call(...any) ([]any, error) {
	m.s.mu.Lock()
	honest, ok := m.s.answers[m.name]
	w := m.s.weather[m.name]
	m.s.asked[m.name]++
	m.s.mu.Unlock()
	switch {
	case w != nil:
		return w(m.s, honest)
	case !ok:
		return nil, dbus.MakeUnknownMethodError(m.name)
	}
	return honest, nil
}

func (m *method) NumArguments() int     { return 0 }
func (m *method) NumReturns() int       { return 0 }
func (m *method) ArgumentValue(int) any { return nil }
func (m *method) ReturnValue(int) any   { return nil }
