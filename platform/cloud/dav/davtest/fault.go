package davtest

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is something that goes wrong with the requests that it matches. Its
// effects can be combined; the zero value of each does nothing. A fault that a
// test injects must be seen to fire: ask Fired.
type Fault struct {
	// Method and Path select requests: empty is any, Path is a prefix.
	Method string
	Path   string
	// Exact wants the whole path to be Path.
	Exact bool
	// Depth selects by the Depth header; empty is any.
	Depth string
	// Skip lets the first matching requests pass.
	Skip int
	// Times ends the fault after so many; 0 is never.
	Times int

	// Hold keeps the request waiting, before anything is answered, until
	// Release, ReleaseAll, or until the client left.
	Hold bool
	// Before and After run before and after the request was answered: to
	// change the account in the middle of a client's listing.
	Before, After func()

	// Status answers with this status instead; with RetryAfter, Location,
	// ContentType and Body where they are set.
	Status      int
	RetryAfter  string
	Location    string
	ContentType string
	Body        string

	// CutAfter drops the connection after so many bytes of the body.
	CutAfter int
	// TruncateAfter ends the body early but properly.
	TruncateAfter int
	// HideLast leaves the last members out of a listing or a multiget.
	HideLast int
	// DenyFirst answers the first members with a propstat of 403.
	DenyFirst int
	// Damage flips the first byte of a GET.
	Damage bool
	// ETag replaces every ETag; "-" leaves it out, "*" is another each time.
	ETag string

	// Those below are a Proxy's alone.

	// Length is added to the Content-Length that is told of a body.
	Length int
	// Skew is added to the Date of the answer.
	Skew time.Duration
	// Again tells the first members twice.
	Again int
	// Stray is the href of one member more.
	Stray string
}

// Injected is a fault at work.
type Injected struct {
	Fault
	seen, fired atomic.Int64
	arrived     chan struct{}
	released    chan struct{}
	once        sync.Once
	arriveOnce  sync.Once
}

func newInjected(fault Fault) *Injected {
	return &Injected{Fault: fault, arrived: make(chan struct{}), released: make(chan struct{})}
}

// Inject adds a fault; the first that matches a request applies.
func (s *Server) Inject(fault Fault) *Injected {
	f := newInjected(fault)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return f
}

// Heal removes every fault and lets held requests go on.
func (s *Server) Heal() {
	s.ReleaseAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// ReleaseAll lets every held request go on.
func (s *Server) ReleaseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		f.Release()
	}
}

// Fired says how often the fault applied.
func (f *Injected) Fired() int { return int(f.fired.Load()) }

// Arrived is closed when the first request meets the fault.
func (f *Injected) Arrived() <-chan struct{} { return f.arrived }

// Release lets the requests go on that the fault holds, and later ones.
func (f *Injected) Release() { f.once.Do(func() { close(f.released) }) }

func (s *Server) match(r *http.Request) *Injected {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.matches(r) {
			return f
		}
	}
	return nil
}

func (f *Injected) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Depth != "" && f.Depth != r.Header.Get("Depth") {
		return false
	}
	if f.Exact && r.URL.Path != f.Path || !strings.HasPrefix(r.URL.Path, f.Path) {
		return false
	}
	n := f.seen.Add(1)
	if n <= int64(f.Skip) || f.Times > 0 && n > int64(f.Skip+f.Times) {
		return false
	}
	f.fired.Add(1)
	return true
}

// before applies what happens ahead of the answer; done means that the fault
// was the answer.
func (f *Injected) before(w http.ResponseWriter, r *http.Request) (done bool, out http.ResponseWriter) {
	f.arriveOnce.Do(func() { close(f.arrived) })
	if f.Before != nil {
		f.Before()
	}
	if f.Hold {
		select {
		case <-f.released:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if f.CutAfter > 0 || f.TruncateAfter > 0 {
		w = &shortWriter{ResponseWriter: w, cut: f.CutAfter > 0, left: max(f.CutAfter, f.TruncateAfter)}
	}
	if f.Status == 0 {
		return false, w
	}
	h := w.Header()
	for name, value := range map[string]string{
		"Retry-After": f.RetryAfter, "Location": f.Location, "Content-Type": f.ContentType,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	w.WriteHeader(f.Status)
	// The client may have left; the log shows how much it took.
	_, _ = w.Write([]byte(f.Body))
	return true, w
}

// shortWriter sends the first bytes of a body and then drops the connection or
// swallows the rest.
type shortWriter struct {
	http.ResponseWriter
	left int
	cut  bool
}

func (w *shortWriter) WriteHeader(status int) {
	if !w.cut {
		w.Header().Del("Content-Length")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if _, err := w.ResponseWriter.Write(p[:n]); err != nil {
		return 0, err
	}
	if w.cut && w.left == 0 {
		// What was written must be on the wire before the connection goes.
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return len(p), nil
}
