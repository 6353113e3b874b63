package davtest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// User is one account of the server.
type User struct {
	Name     string
	Password string
	// Token is accepted as a bearer token where it is not empty.
	Token string
}

// Options say what a server is like. The zero value is a server on a free
// loopback port without users.
type Options struct {
	// Addr is the listening address; empty is a free port on 127.0.0.1.
	Addr  string
	Users []User
	// Prefix is put before every path, "/cloud" for instance; empty is none.
	Prefix string
	// Now is the clock of modification times, of the Date of answers and of the
	// log; nil is time.Now.
	Now func() time.Time
	// NoState leaves out getctag, sync-token and the ETags of collections, as
	// plain WebDAV servers do.
	NoState bool
	// SyncPage bounds the members of one sync-collection answer, which then ends
	// with a 507 and a token to go on from; 0 is no bound.
	SyncPage int
	// NoSizes leaves out getcontentlength of contacts and events.
	NoSizes bool
}

// Server is a running server. Its methods may be called at any time, also
// while clients are at work.
type Server struct {
	opts Options

	mu       sync.Mutex
	accounts map[string]*Account
	faults   []*Injected
	log      []*Request
	counters uint64
	apps     []string

	life sync.Mutex
	addr string
	http *http.Server
	done chan struct{}
}

// New starts a server.
func New(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	opts.Prefix = strings.TrimSuffix(opts.Prefix, "/")
	s := &Server{opts: opts, accounts: make(map[string]*Account), addr: opts.Addr}
	for _, u := range opts.Users {
		if _, err := s.AddUser(u); err != nil {
			return nil, err
		}
	}
	if err := s.Revive(); err != nil {
		return nil, err
	}
	return s, nil
}

// URL is the server's base, "http://127.0.0.1:1234/", with its prefix: what a
// person enters as the address of the cloud.
func (s *Server) URL() string { return "http://" + s.Addr() + s.opts.Prefix + "/" }

// Addr is the listening host and port; it stays the same over Die and Revive.
func (s *Server) Addr() string {
	s.life.Lock()
	defer s.life.Unlock()
	return s.addr
}

// Die closes the listener and every connection, as a machine that went away.
// The accounts stay.
func (s *Server) Die() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.http == nil {
		return nil
	}
	err := s.http.Close()
	<-s.done
	s.http = nil
	return err
}

// Revive listens again at the address of before.
func (s *Server) Revive() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.http != nil {
		return nil
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	s.addr = l.Addr().String()
	h := &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	done := make(chan struct{})
	s.http, s.done = h, done
	go func() {
		defer close(done)
		// Serve returns only once the server was closed, and then with
		// ErrServerClosed; a listener that broke shows as refused connections.
		_ = h.Serve(l)
	}()
	return nil
}

// Close ends the server.
func (s *Server) Close() error {
	s.ReleaseAll()
	return s.Die()
}

// AddUser adds an account with no data but its empty files folder.
func (s *Server) AddUser(u User) (*Account, error) {
	if u.Name == "" || strings.ContainsAny(u.Name, "/\x00") || u.Name == "." || u.Name == ".." {
		return nil, fmt.Errorf("cannot add user %q: not a name", u.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[u.Name] != nil {
		return nil, fmt.Errorf("cannot add user %q: exists", u.Name)
	}
	a := &Account{server: s, user: u}
	a.root = a.newFolder("")
	s.accounts[u.Name] = a
	return a, nil
}

// RemoveUser deletes an account with all it holds, as the account's own
// deletion page would. Requests with its password get 401 from then on.
func (s *Server) RemoveUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accounts, name)
}

// User returns an account, or nil.
func (s *Server) User(name string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accounts[name]
}

// next is a number used once: for ETags, file ids and change counters.
func (s *Server) next() uint64 {
	s.counters++
	return s.counters
}

// ServeHTTP answers one request and logs it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	rec := &recorder{ResponseWriter: w}
	line := s.begin(r)
	defer func() { s.finish(line, rec) }()

	fault := s.match(r)
	if fault != nil {
		done, out := fault.before(rec, r)
		if fault.After != nil {
			defer fault.After()
		}
		if done {
			return
		}
		s.answer(out, r, line, fault)
		return
	}
	s.answer(rec, r, line, nil)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, line *Request, fault *Injected) {
	path, ok := strings.CutPrefix(r.URL.Path, s.opts.Prefix)
	if !ok {
		http.NotFound(w, r)
		return
	}
	switch path {
	case "/.well-known/carddav", "/.well-known/caldav":
		http.Redirect(w, r, s.opts.Prefix+"/remote.php/dav/", http.StatusMovedPermanently)
		return
	case "/status.php":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"installed":true,"maintenance":false,"needsDbUpgrade":false,"version":"30.0.0.0","versionstring":"30.0.0","productname":"Nextcloud"}`)
		return
	}
	account, err := s.authenticate(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="Nextcloud", charset="UTF-8"`)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	s.authorized(line, account.user.Name)
	if path == "/ocs/v2.php/core/navigation/apps" {
		s.navigation(w, r)
		return
	}
	s.dispatch(w, r, account, path, fault)
}

var errCredentials = errors.New("no such user, or a wrong password")

func (s *Server) authenticate(r *http.Request) (*Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		for _, a := range s.accounts {
			if a.user.Token != "" && a.user.Token == token {
				return a, nil
			}
		}
		return nil, errCredentials
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return nil, errors.New("a user and a password are needed")
	}
	a := s.accounts[name]
	if a == nil || a.user.Password != password {
		return nil, errCredentials
	}
	return a, nil
}
