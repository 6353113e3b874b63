package authz

import "sync"

// Limits bounds what one uid may hold open. The zero value lets nothing in.
type Limits struct {
	Connections int // open at once
	Calls       int // in flight at once, streams among them
}

// DefaultLimits are enough for a command line, a settings page and a few
// programs that watch.
var DefaultLimits = Limits{Connections: 64, Calls: 32}

// Quota counts what each uid holds. Nobody has no quota.
type Quota struct {
	max  int
	mu   sync.Mutex
	held map[uint32]int
}

// NewQuota is a quota of max for each uid.
func NewQuota(max int) *Quota { return &Quota{max: max, held: map[uint32]int{}} }

// Take takes one for the caller, or reports that there is none left. Each one
// taken is given back by calling the function once.
func (q *Quota) Take(caller Caller) (giveBack func(), ok bool) {
	uid, known := caller.UID()
	if !known {
		return nil, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[uid] >= q.max {
		return nil, false
	}
	q.held[uid]++
	return sync.OnceFunc(func() { q.release(uid) }), true
}

func (q *Quota) release(uid uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[uid]--; q.held[uid] == 0 {
		delete(q.held, uid)
	}
}
