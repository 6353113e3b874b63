package eds

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/platform/bus"
)

// Refreshed is what a refresh came to. Even a good one is no evidence: only a
// listing at the server is.
type Refreshed struct {
	Supported bool   // local stores have nothing to refresh
	Reached   bool   // EDS was connected before and after, and reported no trouble
	Settled   bool   // two listings in a row were equal
	Trouble   string // what EDS reported meanwhile, "" nothing
	State     State
}

const (
	settlePause = 200 * time.Millisecond // between two listings that must agree
	connectWait = 15 * time.Second       // for EDS to connect to a server
	connected   = "connected"
)

// Refresh makes EDS fetch the collection anew and returns once the store's
// list stays the same, or at the deadline with Settled false. The first
// listing after EDS's Refresh waits until the refresh has ended (measured),
// but not while EDS is still connecting, as it is just after signing in: then
// the list is empty or old, stays so, and there is no error. So a refresh
// counts as Reached only if EDS was connected before it.
func (s *Store) Refresh(ctx context.Context) (Refreshed, error) {
	limited, cancel := context.WithTimeout(ctx, s.c.opts.RefreshTimeout)
	defer cancel()
	var out Refreshed
	err := s.reading(limited, func(h handle) (err error) {
		out, err = s.refresh(limited, h)
		return err
	})
	if err != nil {
		return Refreshed{}, err
	}
	out.State, err = s.State(ctx)
	return out, err
}

func (s *Store) refresh(ctx context.Context, h handle) (Refreshed, error) {
	if !h.can("refresh-supported") {
		return Refreshed{Reached: true, Settled: true}, nil
	}
	trouble := &troubles{}
	sub, err := s.c.hear(ctx, trouble.hear, bus.Rule{Sender: h.dest, Interface: s.source.Kind.face(), Member: "Error", Path: h.path})
	if err != nil {
		return Refreshed{}, failed(ctx, "refresh the store", err)
	}
	defer sub.Close()
	out := Refreshed{Supported: true}
	deadline := s.c.opts.Now().Add(connectWait)
	for {
		before, err := s.c.Source(ctx, s.source.UID)
		if err != nil {
			return Refreshed{}, err
		}
		if err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, s.source.Kind.face()+".Refresh", nil); err != nil {
			return Refreshed{}, failed(ctx, "refresh the store", err)
		}
		if out.Settled, err = s.settle(ctx, h); err != nil {
			return Refreshed{}, err
		}
		if err := s.c.fence(ctx, h.dest); err != nil {
			return Refreshed{}, err
		}
		after, err := s.c.Source(ctx, s.source.UID)
		if err != nil {
			return Refreshed{}, err
		}
		out.Trouble = trouble.String()
		out.Reached = before.Status == connected && after.Status == connected && out.Trouble == ""
		if out.Reached || out.Trouble != "" || !out.Settled || s.c.opts.Now().After(deadline) {
			return out, nil
		}
	}
}

// settle lists until two lists in a row agree.
func (s *Store) settle(ctx context.Context, h handle) (bool, error) {
	last := ""
	for {
		if s.source.Kind == AddressBook { // waits for the refresh
			if _, err := s.contactUIDs(ctx, h); err != nil {
				return false, err
			}
		}
		v, err := s.view(ctx, h)
		if err != nil {
			return false, err
		}
		now := digest(keysOf(v.revs))
		if now == last {
			return true, nil
		}
		last = now
		if pause(ctx, settlePause) != nil {
			return false, nil
		}
	}
}

// troubles collects the Error signals of a store.
type troubles struct {
	mu   sync.Mutex
	list []string
}

func (t *troubles) hear(e bus.Event) {
	if e.Kind != bus.Signal {
		return
	}
	text, ok := only[string](e.Signal, 0)
	if !ok {
		text = "an error without a text"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if text = cut(text, 200); len(t.list) < 4 && !slices.Contains(t.list, text) {
		t.list = append(t.list, text)
	}
}

func (t *troubles) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.list, "; ")
}
