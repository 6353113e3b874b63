package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/ipc/api"
)

// Times and sizes of a call.
const (
	callTime  = 40 * time.Second // above the server's own limit
	dialTime  = 5 * time.Second
	maxAnswer = 64 << 20 // bytes
)

// Client calls the agent at one socket.
type Client struct {
	http *http.Client
}

// New is a client of the socket at path. Nothing is opened before a call.
func New(path string) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, path)
		},
		MaxIdleConns:       4,
		IdleConnTimeout:    time.Minute,
		DisableCompression: true,
	}
	return &Client{http: &http.Client{Transport: transport}}
}

// Close closes the connections that no call holds.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// dial connects and makes sure that the server is this user or root, as a
// password may follow.
func dial(ctx context.Context, path string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := trust(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

var errStranger = errors.New("the socket is served by another user")

func trust(conn net.Conn) error {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return errStranger
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	if cred.Uid != 0 && cred.Uid != uint32(os.Geteuid()) {
		return errStranger
	}
	return nil
}

// call makes one call of the table. Sub is the second id of the route.
func call[Out any](ctx context.Context, c *Client, method, id, sub string, in any) (Out, error) {
	var out Out
	entry, ok := api.Lookup(method)
	if !ok {
		return out, fmt.Errorf("cannot call %s: the table does not have it", method)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, err := c.send(ctx, entry, id, sub, in)
	if err != nil {
		return out, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return out, lost(ctx, err)
	}
	if answer.StatusCode/100 != 2 {
		return out, refusal(answer.StatusCode, body)
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, &agent.Error{Kind: agent.KindInternal, Text: "the agent's answer cannot be read; are clearance and clearanced of the same version?"}
	}
	return out, nil
}

// send makes the request and returns its answer, whose body the caller closes.
func (c *Client) send(ctx context.Context, entry api.Entry, id, sub string, in any) (*http.Response, error) {
	address := "http://clearance" + strings.NewReplacer(
		"{id}", url.PathEscape(id), "{sub}", url.PathEscape(sub)).Replace(entry.Route)
	var body io.Reader
	if in != nil && entry.Verb == http.MethodGet {
		if query := api.EncodeQuery(in).Encode(); query != "" {
			address += "?" + query
		}
	} else if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("cannot encode the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, entry.Verb, address, body)
	if err != nil {
		return nil, api.Invalid("cannot ask the agent about this name")
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	return answer, nil
}

// lost is the error of a call that got no answer: the caller's own end, or an
// agent that is not there.
func lost(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	text := "the agent is not running: start it with `clearanced --user`"
	switch {
	case errors.Is(err, errStranger):
		text = "the agent's socket is served by another user, so nothing was asked"
	case errors.Is(err, os.ErrPermission):
		text = "this user may not speak to the agent at its socket"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		text = "the agent does not answer: see `clearance doctor`, or start it again with `clearanced --user`"
	}
	return &agent.Error{Kind: agent.KindUnavailable, Text: text,
		Remedy: &departure.Remedy{Code: "agent.start", Text: "start the agent", Command: "clearanced --user"}}
}

func refusal(status int, body []byte) error {
	told := &agent.Error{}
	if err := json.Unmarshal(body, told); err != nil || told.Kind == "" {
		return &agent.Error{Kind: agent.KindInternal, Text: fmt.Sprintf("the agent answered with status %d and no reason", status)}
	}
	return told
}
