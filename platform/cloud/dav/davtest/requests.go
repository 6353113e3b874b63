package davtest

import (
	"net/http"
	"strings"
	"time"
)

// Request is one line of the log.
type Request struct {
	At     time.Time
	Method string
	Path   string
	Depth  string
	Agent  string // the User-Agent header
	// Scheme is that of the Authorization header in lower case; empty: the
	// request carried no credentials at all, right or wrong.
	Scheme string
	// User is the account that the credentials were right for, else empty.
	User   string
	Status int
	Bytes  int64
	// Done says that the answer ended; a dropped connection ends one too.
	Done bool
}

// logLimit bounds the log of a demo that runs for days: older lines go.
const logLimit = 200_000

func (s *Server) begin(r *http.Request) *Request {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	line := &Request{
		At: s.opts.Now(), Method: r.Method, Path: r.URL.Path,
		Depth: r.Header.Get("Depth"), Agent: r.UserAgent(), Scheme: strings.ToLower(scheme),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) >= logLimit {
		s.log = nil
	}
	s.log = append(s.log, line)
	return line
}

func (s *Server) authorized(line *Request, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line.User = user
}

func (s *Server) finish(line *Request, rec *recorder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line.Status, line.Bytes, line.Done = rec.status, rec.bytes, true
}

// Requests is a copy of the log, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.log))
	for _, line := range s.log {
		list = append(list, *line)
	}
	return list
}

// ResetRequests empties the log.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// Count says how many requests had this method (empty: any) and a path that
// begins with prefix.
func (s *Server) Count(method, prefix string) int {
	n := 0
	for _, r := range s.Requests() {
		if (method == "" || r.Method == method) && strings.HasPrefix(r.Path, prefix) {
			n++
		}
	}
	return n
}

// Credentialed says how many requests carried credentials, right or wrong.
func (s *Server) Credentialed() int {
	n := 0
	for _, r := range s.Requests() {
		if r.Scheme != "" {
			n++
		}
	}
	return n
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
