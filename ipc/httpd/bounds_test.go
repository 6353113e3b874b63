package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/authz"
)

func TestConnectionsOfOneUserAreBounded(t *testing.T) {
	options := as(authz.Peer(ownUID, false))
	options.Limits = authz.Limits{Connections: 2, Calls: 2}
	s := serve(t, &stub{}, authz.Personal{UID: ownUID}, options)
	hold := []net.Conn{dialSocket(t, s.path), dialSocket(t, s.path)}
	if status, kind, _ := s.ask(t, "GET", "/v1/version", ""); kind != agent.KindBusy {
		t.Errorf("a third connection: %d %s", status, kind)
	}
	for range 3 * spare { // far beyond, connections are closed
		dialSocket(t, s.path)
	}
	beyond := dialSocket(t, s.path)
	if _, err := beyond.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("far beyond: %v", err)
	}
	for _, c := range hold {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		answer, err := s.Get("http://clearance/v1/version")
		if err == nil && errStatus(answer) == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a closed connection still counts")
		}
	}
}

func TestCallsInFlightAreBounded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	st := &stub{hold: func(context.Context) { entered <- struct{}{}; <-leave }}
	options := as(authz.Peer(ownUID, false))
	options.Limits = authz.Limits{Connections: 8, Calls: 1}
	s := serve(t, st, authz.Personal{UID: ownUID}, options)
	first := make(chan int, 1)
	go func() {
		answer, err := s.Get("http://clearance/v1/accounts")
		if err != nil {
			first <- 0
			return
		}
		first <- errStatus(answer)
	}()
	<-entered
	if status, kind, _ := s.ask(t, "GET", "/v1/accounts", ""); status != http.StatusTooManyRequests || kind != agent.KindBusy {
		t.Errorf("a second call: %d", status)
	}
	close(leave)
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first call: %d", status)
	}
}
