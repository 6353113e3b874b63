package httpd

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/authz"
)

// spare is how many connections beyond every quota are held at once to be told
// so; any more are closed without a word.
const spare = 16

// accepting binds the caller to each connection and keeps each uid's number of
// connections within its quota.
type accepting struct {
	net.Listener
	identify func(net.Conn) authz.Caller
	quota    *authz.Quota
	spare    chan struct{}
}

// boundConn is a connection with who is at its other end.
type boundConn struct {
	net.Conn
	caller   authz.Caller
	turned   *agent.Error // why it is not served
	giveBack func()
}

func (l accepting) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		caller := l.identify(conn)
		if giveBack, ok := l.quota.Take(caller); ok {
			return &boundConn{Conn: conn, caller: caller, giveBack: giveBack}, nil
		}
		select {
		case l.spare <- struct{}{}:
			giveBack := sync.OnceFunc(func() { <-l.spare })
			return &boundConn{Conn: conn, caller: caller, turned: turnedAway(caller), giveBack: giveBack}, nil
		default:
			// Nobody is left to tell when this fails.
			_ = conn.Close()
		}
	}
}

// Close closes the connection and returns its place.
func (c *boundConn) Close() error {
	c.giveBack()
	return c.Conn.Close()
}

func turnedAway(caller authz.Caller) *agent.Error {
	if _, known := caller.UID(); !known {
		return &agent.Error{Kind: agent.KindNotAuthorized, Text: "the agent cannot tell who is asking"}
	}
	return &agent.Error{Kind: agent.KindBusy, Text: "this user has too many connections to the agent; close some and try again"}
}

type connKey struct{}

// bindCaller is the server's ConnContext: the caller goes with the connection.
func bindCaller(ctx context.Context, conn net.Conn) context.Context {
	if bound, ok := conn.(*boundConn); ok {
		return context.WithValue(ctx, connKey{}, bound)
	}
	return ctx
}

// callerOf is nobody for a connection that was not bound.
func callerOf(ctx context.Context) authz.Caller {
	bound, ok := ctx.Value(connKey{}).(*boundConn)
	if !ok {
		return authz.Caller{}
	}
	return bound.caller
}

// ServeHTTP answers one request, unless its connection was turned away.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if bound, ok := r.Context().Value(connKey{}).(*boundConn); ok && bound.turned != nil {
		w.Header().Set("Connection", "close")
		s.refuse(w, r, "", bound.turned)
		return
	}
	s.routes.ServeHTTP(w, r)
}
