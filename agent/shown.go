package agent

import (
	"encoding/json"
	"sync"

	"github.com/clearance-project/clearance/agent/engine"
)

// shown keeps how each open departure looks for as long as it looks so: many ask
// again and again, and few departures change many times a second. Whether it still
// looks so is asked each time, of the engine and of the clock.
type shown struct {
	mu    sync.Mutex
	views map[string]view // by departure; only of open ones
}

// view is a departure in one state. Two of one key are the same.
type view struct {
	key  viewKey
	info DepartureInfo
}

// viewKey is everything that an answer hangs on: the version stands for what the
// engine was told, the epoch may have moved before it was, and live is judged by
// the clock.
type viewKey struct {
	version, epoch uint64
	live           Live
}

// of is the departure as it is in the snapshot, put together by look where it was
// not shown in this state before.
func (s *shown) of(snap engine.Snapshot, live Live, look func(engine.Snapshot, Live) DepartureInfo) DepartureInfo {
	id, key := snap.Record.Departure.ID, viewKey{snap.Version, snap.Epoch, live}
	s.mu.Lock()
	v, known := s.views[id]
	s.mu.Unlock()
	if known && v.key == key {
		return v.info
	}
	info := look(snap, live)
	if snap.Record.State != engine.Open {
		s.mu.Lock()
		delete(s.views, id)
		s.mu.Unlock()
		return info
	}
	if snap.Version == 0 {
		return info
	}
	info.encoded = sync.OnceValues(func() ([]byte, error) { return json.Marshal(info) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.views == nil {
		s.views = make(map[string]view)
	}
	s.views[id] = view{key, info}
	return info
}

// Encoded is the departure as JSON. An answer that many get is encoded once.
func (i DepartureInfo) Encoded() ([]byte, error) {
	if i.encoded == nil {
		return json.Marshal(i)
	}
	return i.encoded()
}
