package httpd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/authz"
)

// Times of one connection.
const (
	headerTime = 5 * time.Second  // to send a request's head
	readTime   = 10 * time.Second // to send a whole request
	callTime   = 25 * time.Second // to answer a call; longer work is a job
	writeTime  = 10 * time.Second // to take one answer, or one event
	idleTime   = 2 * time.Minute
	stillTime  = 15 * time.Second // between signs of life of a quiet stream
	graceTime  = 5 * time.Second  // for calls in flight when the server ends
	maxHeader  = 16 << 10         // bytes
)

// Options of a server; the zero value is usable.
type Options struct {
	Log    *slog.Logger // nil discards
	Limits authz.Limits // zero is authz.DefaultLimits
	// Identify says who is at the other end of a connection; nil is
	// authz.OfConn.
	Identify func(net.Conn) authz.Caller
	// Still is the time between signs of life of a quiet stream; zero is 15 s.
	Still time.Duration
}

// Server serves the table.
type Server struct {
	agent      api.Agent
	authorizer authz.Authorizer
	log        *slog.Logger
	identify   func(net.Conn) authz.Caller
	connection *authz.Quota
	calls      *authz.Quota
	still      time.Duration
	routes     *http.ServeMux
}

// New is a server of the whole table. It fails where the table has a gap.
func New(a api.Agent, authorizer authz.Authorizer, options Options) (*Server, error) {
	return serverOf(api.Table(), a, authorizer, options)
}

func serverOf(table []api.Entry, a api.Agent, authorizer authz.Authorizer, options Options) (*Server, error) {
	if err := api.Check(table); err != nil {
		return nil, err
	}
	if a == nil || authorizer == nil {
		return nil, errors.New("cannot serve without an agent and an authorizer")
	}
	if options.Limits == (authz.Limits{}) {
		options.Limits = authz.DefaultLimits
	}
	s := &Server{
		agent: a, authorizer: authorizer,
		log: options.Log, identify: options.Identify, still: options.Still,
		connection: authz.NewQuota(options.Limits.Connections),
		calls:      authz.NewQuota(options.Limits.Calls),
		routes:     http.NewServeMux(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.identify == nil {
		s.identify = authz.OfConn
	}
	if s.still == 0 {
		s.still = stillTime
	}
	for _, entry := range table {
		s.routes.Handle(entry.Verb+" "+entry.Route, s.handler(entry))
	}
	s.routes.HandleFunc("/", s.noRoute)
	return s, nil
}

// Serve answers until ctx ends: then streams end, calls in flight have a few
// seconds to finish, and the listener is closed. It returns nil after that.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	streams, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      callTime + writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), streamsKey{}, streams)
		},
		ConnContext: bindCaller,
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		endStreams()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = server.Close()
		}
		done <- err
	}()
	err := server.Serve(accepting{Listener: listener, identify: s.identify, quota: s.connection, spare: make(chan struct{}, spare)})
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return errors.Join(err, <-done)
	}
	return <-done
}

type streamsKey struct{}

// streamsEnd ends when the server is about to.
func streamsEnd(ctx context.Context) context.Context {
	streams, ok := ctx.Value(streamsKey{}).(context.Context)
	if !ok {
		return ctx
	}
	return streams
}

func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, "", &agent.Error{Kind: agent.KindNotFound, Text: "the agent has no such method"})
}
