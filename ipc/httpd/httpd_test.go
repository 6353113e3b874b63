package httpd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
	"github.com/clearance-project/clearance/ipc/authz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ownUID = 1000

// served is a server over a real socket, stopped with the test.
type served struct {
	*http.Client
	path string
	stub *stub
	log  *bytes.Buffer
	stop func() error
}

func serve(t *testing.T, stub *stub, rule authz.Authorizer, options Options) *served {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clearance", "agent.sock")
	listener, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	if options.Log == nil {
		options.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	server, err := New(stub, rule, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	s := &served{Client: &http.Client{Transport: transport, Timeout: 20 * time.Second}, path: path, stub: stub, log: log}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the server did not stop")
		}
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask makes one call and returns its status and the kind of its refusal.
func (s *served) ask(t *testing.T, verb, target, body string) (status int, kind agent.Kind, text string) {
	t.Helper()
	req, err := http.NewRequest(verb, "http://clearance"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	var told agent.Error
	if answer.StatusCode >= 400 {
		if err := json.Unmarshal(content, &told); err != nil {
			t.Fatalf("%s %s answered %q", verb, target, content)
		}
	}
	return answer.StatusCode, told.Kind, string(content)
}

func target(e api.Entry) string {
	return strings.NewReplacer("{id}", "7", "{sub}", "a%2Fb").Replace(e.Route)
}

func as(caller authz.Caller) Options {
	return Options{Identify: func(net.Conn) authz.Caller { return caller }}
}

// The whole matrix: every entry of the table, every caller, from the table.
func TestWhoMayCallWhat(t *testing.T) {
	callers := map[string]struct {
		caller authz.Caller
		may    []api.Class
	}{
		"own uid":              {authz.Peer(ownUID, false), []api.Class{api.Read, api.Act, api.Owner}},
		"own uid in a sandbox": {authz.Peer(ownUID, true), []api.Class{api.Read}},
		"other uid":            {authz.Peer(ownUID+1, false), nil},
		"root":                 {authz.Peer(0, false), nil},
		"nobody":               {authz.Caller{}, nil},
	}
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &stub{}, authz.Personal{UID: ownUID}, as(c.caller))
			for _, e := range api.Table() {
				status, kind, text := s.ask(t, e.Verb, target(e), "")
				called := s.stub.calls()
				switch {
				case slices.Contains(c.may, e.Class):
					if status/100 != 2 || !slices.Equal(called, []string{e.Calls}) {
						t.Errorf("%s: %d %s, called %v", e.Name, status, text, called)
					}
					if uid, _ := c.caller.UID(); s.stub.by.Known && s.stub.by.UID != uid {
						t.Errorf("%s: called by %+v", e.Name, s.stub.by)
					}
					if e.Job && status != http.StatusAccepted {
						t.Errorf("%s: a job answers %d", e.Name, status)
					}
				case status != http.StatusForbidden || kind != agent.KindNotAuthorized || called != nil:
					t.Errorf("%s: %d %s, called %v", e.Name, status, text, called)
				}
			}
		})
	}
}

// asked is an authorizer that admits some classes and notes what it was asked.
type asked struct {
	may     []api.Class
	err     error
	classes []api.Class
	objects []api.Object
}

func (a *asked) Authorize(_ context.Context, _ authz.Caller, class api.Class, object api.Object) error {
	a.classes, a.objects = append(a.classes, class), append(a.objects, object)
	if slices.Contains(a.may, class) {
		return nil
	}
	if a.err != nil {
		return a.err
	}
	return &agent.Error{Kind: agent.KindNotAuthorized, Text: "no"}
}

func TestSubmittedAndCancelRiseToOwner(t *testing.T) {
	own := as(authz.Peer(ownUID, false))
	for name, tc := range map[string]struct {
		stub *stub
		want int
	}{
		"nothing irreversible yet": {&stub{}, http.StatusOK},
		"an act was begun":         {&stub{needsOwner: true}, http.StatusForbidden},
		"it cannot be told":        {&stub{ownerErr: errors.New("no store")}, http.StatusForbidden},
	} {
		for _, route := range []string{"/v1/departures/7/submission", "/v1/departures/7/cancel"} {
			rule := &asked{may: []api.Class{api.Read, api.Act}}
			s := serve(t, tc.stub, rule, own)
			if status, _, text := s.ask(t, "POST", route, ""); status != tc.want {
				t.Errorf("%s: %s: %d %s", name, route, status, text)
			}
			if rule.objects[0] != (api.Object{Kind: "departure", ID: "7"}) {
				t.Errorf("asked about %+v", rule.objects)
			}
		}
	}
}

// A permit is in the result of the job that asked for it: a program in a sandbox
// of the same person, which may look, gets neither the result nor the job.
func TestJobsOfTheOwnerAreForTheOwner(t *testing.T) {
	permit := api.Object{Kind: "permit", ID: "p"}
	for name, tc := range map[string]struct {
		stub     *stub
		confined bool
		verb     string
		want     int
	}{
		"the owner reads their own":         {&stub{owned: permit}, false, "GET", http.StatusOK},
		"the owner stops their own":         {&stub{owned: permit}, false, "DELETE", http.StatusOK},
		"a sandbox reads the owner's":       {&stub{owned: permit}, true, "GET", http.StatusForbidden},
		"a sandbox stops the owner's":       {&stub{owned: permit}, true, "DELETE", http.StatusForbidden},
		"a sandbox reads one that looks on": {&stub{}, true, "GET", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tc.stub, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, tc.confined)))
			status, _, text := s.ask(t, tc.verb, "/v1/jobs/7", "")
			if called := s.stub.calls(); status != tc.want || (called == nil) != (tc.want == http.StatusForbidden) {
				t.Errorf("%d %s, called %v", status, text, called)
			}
		})
	}
	rule := &asked{may: []api.Class{api.Read}}
	s := serve(t, &stub{owned: permit}, rule, as(authz.Peer(ownUID, false)))
	s.ask(t, "GET", "/v1/jobs/7", "")
	if !slices.Equal(rule.classes, []api.Class{api.Read, api.Owner}) || rule.objects[1] != permit {
		t.Errorf("asked for %v of %v", rule.classes, rule.objects)
	}
}

func TestAnAuthorizerThatFailsDenies(t *testing.T) {
	s := serve(t, &stub{}, &asked{err: errors.New("polkit is silent")}, as(authz.Peer(ownUID, false)))
	if status, kind, text := s.ask(t, "GET", "/v1/accounts", ""); status != http.StatusForbidden || kind != agent.KindNotAuthorized || strings.Contains(text, "polkit") {
		t.Errorf("%d %s", status, text)
	}
}

func TestTheBodyIsNotReadBeforeTheCallerIsAdmitted(t *testing.T) {
	s := serve(t, &stub{}, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID+1, false)))
	conn := dialSocket(t, s.path)
	fmt.Fprint(conn, "POST /v1/departures HTTP/1.1\r\nHost: c\r\nContent-Length: 1000\r\n\r\n{")
	if err := conn.SetReadDeadline(time.Now().Add(readTime / 2)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("%d", answer.StatusCode)
	}
}

func TestSchemasAreClosed(t *testing.T) {
	s := serve(t, &stub{}, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, false)))
	for _, e := range api.Table() {
		bad := map[string][2]string{
			"unknown field":  {target(e), `{"surprise":1}`},
			"trailing data":  {target(e), `{} {}`},
			"no object":      {target(e), `[]`},
			"unknown in URL": {target(e) + "?surprise=1", ``},
			"too large":      {target(e), strings.Repeat(" ", api.MaxRequest+2)},
		}
		for name, b := range bad {
			status, kind, text := s.ask(t, e.Verb, b[0], b[1])
			if called := s.stub.calls(); status != http.StatusBadRequest || kind != agent.KindInvalid || called != nil {
				t.Errorf("%s: %s: %d %s, called %v", e.Name, name, status, text, called)
			}
		}
	}
}

func TestEveryKindOnTheWire(t *testing.T) {
	for _, kind := range []agent.Kind{agent.KindNotReady, agent.KindDelayPending, agent.KindStale, agent.KindBusy, agent.KindNotFound} {
		s := serve(t, &stub{fail: &agent.Error{Kind: kind, Text: "a sentence"}}, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, false)))
		if status, got, text := s.ask(t, "GET", "/v1/departures/7", ""); got != kind || status != api.OutcomeOf(kind).Status || !strings.Contains(text, "a sentence") {
			t.Errorf("%s: %d %s", kind, status, text)
		}
	}
}

func TestFaultsStayInside(t *testing.T) {
	for name, st := range map[string]*stub{
		"error": {fail: errors.New("open /home/alice/x: hunter2")},
		"panic": {fault: "hunter2"},
	} {
		s := serve(t, st, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, false)))
		status, kind, text := s.ask(t, "GET", "/v1/accounts", "")
		if status != http.StatusInternalServerError || kind != agent.KindInternal || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestASecretNeverReachesTheLog(t *testing.T) {
	s := serve(t, &stub{fault: "hunter2"}, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, false)))
	s.ask(t, "POST", "/v1/accounts/7/credential", `{"password":"hunter2"}`)
	s.ask(t, "POST", "/v1/accounts/7/credential", `{"password":["hunter2"]}`)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.log.String(), "hunter2") || s.log.Len() == 0 {
		t.Errorf("the log: %s", s.log)
	}
}

func TestUnknownRoutes(t *testing.T) {
	s := serve(t, &stub{}, authz.Personal{UID: ownUID}, as(authz.Peer(ownUID, false)))
	for _, route := range []string{"/", "/v1", "/v2/accounts", "/v1/restores", "/v1/accounts/7"} {
		if status, kind, _ := s.ask(t, "GET", route, ""); status != http.StatusNotFound || kind != agent.KindNotFound {
			t.Errorf("%s: %d", route, status)
		}
	}
}

func TestATableWithAGapDoesNotStart(t *testing.T) {
	if _, err := serverOf(api.Table()[1:], &stub{}, authz.Personal{}, Options{}); err == nil {
		t.Error("it started")
	}
	if _, err := New(nil, authz.Personal{}, Options{}); err == nil {
		t.Error("it started without an agent")
	}
	if _, err := New(&stub{}, nil, Options{}); err == nil {
		t.Error("it started without an authorizer")
	}
}

func errStatus(answer *http.Response) int {
	if err := answer.Body.Close(); err != nil {
		return 0
	}
	return answer.StatusCode
}

func TestTheRealPeerIsThisProcess(t *testing.T) {
	s := serve(t, &stub{}, authz.Personal{UID: uint32(os.Getuid())}, Options{})
	if status, _, text := s.ask(t, "POST", "/v1/departures", "{}"); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	if uid := s.stub.by; !uid.Known || uid.UID != uint32(os.Getuid()) {
		t.Errorf("by %+v", uid)
	}
}

func dialSocket(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}
