package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
)

// handler admits the caller, then answers one entry of the table.
func (s *Server) handler(entry api.Entry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.contain(w, r, entry.Name)
		caller := callerOf(r.Context())
		giveBack, ok := s.calls.Take(caller)
		if !ok {
			s.refuse(w, r, entry.Name, &agent.Error{Kind: agent.KindBusy, Text: "this user has too many calls to the agent in flight; try again in a moment"})
			return
		}
		defer giveBack()
		if err := s.admit(r, entry); err != nil {
			s.refuse(w, r, entry.Name, errors.Join(err, leaveUnread(w, r)))
			return
		}
		if entry.Stream {
			s.stream(w, r, entry)
			return
		}
		s.call(w, r, entry)
	})
}

// admit authorises the call by its route alone. A class that may rise is
// looked up first; when that fails the higher class is asked for.
func (s *Server) admit(r *http.Request, entry api.Entry) error {
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	id := r.PathValue("id")
	// The lowest class first, so that nobody without it learns from the second
	// question whether a departure exists.
	if err := s.authorize(ctx, r, entry.Class, entry.Object(id)); err != nil {
		return err
	}
	object, raised := entry.Raised(ctx, s.agent, callerOf(r.Context()).Agent(), id)
	if !raised {
		return nil
	}
	return s.authorize(ctx, r, api.Owner, object)
}

func (s *Server) authorize(ctx context.Context, r *http.Request, class api.Class, object api.Object) error {
	err := s.authorizer.Authorize(ctx, callerOf(r.Context()), class, object)
	if err == nil {
		return nil
	}
	if told := api.Tell(err); told.Kind == agent.KindNotAuthorized {
		return told
	}
	s.log.Warn("cannot authorise", "class", class, "error", err)
	return &agent.Error{Kind: agent.KindNotAuthorized, Text: "the agent could not find out whether you may do this"}
}

func (s *Server) call(w http.ResponseWriter, r *http.Request, entry api.Entry) {
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	answer, err := entry.Invoke(ctx, s.agent, api.Args{
		By: callerOf(r.Context()).Agent(), ID: r.PathValue("id"), Sub: r.PathValue("sub"),
		Decode: func(into any) error {
			if err := decode(w, r, into); err != nil {
				return err
			}
			return untilRead(w)
		},
	})
	if err != nil {
		s.refuse(w, r, entry.Name, err)
		return
	}
	status := http.StatusOK
	if entry.Job {
		status = http.StatusAccepted
	}
	s.answer(w, status, answer)
}

// decode reads the request from the address for GET and from the body for
// everything else. The other place must be empty.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	query := r.URL.Query()
	body := http.MaxBytesReader(w, r.Body, api.MaxRequest+1)
	if r.Method == http.MethodGet {
		if err := api.Decode(body, &api.Nothing{}); err != nil {
			return err
		}
		return api.DecodeQuery(query, into)
	}
	if len(query) > 0 {
		return api.Invalid("cannot read the address: it takes no parameters")
	}
	return api.Decode(body, into)
}

func (s *Server) answer(w http.ResponseWriter, status int, answer any) {
	body, err := encode(answer)
	if err != nil {
		s.log.Error("cannot encode an answer", "error", err)
		status = http.StatusInternalServerError
		body = []byte(`{"kind":"internal","text":"the agent met a fault of its own; its log says which"}`)
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = jsonType, noStore
	h["Content-Length"] = []string{strconv.Itoa(len(body) + len(lineEnd))}
	w.WriteHeader(status)
	_, err = w.Write(body) // it may be shared: nothing is appended to it
	if err == nil {
		_, err = w.Write(lineEnd)
	}
	if err != nil {
		s.log.Debug("the caller is gone", "error", err)
	}
}

// The same for every answer, and never changed.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	lineEnd  = []byte{'\n'}
)

// encode is an answer as JSON. One that many get may keep how it is written.
func encode(answer any) ([]byte, error) {
	if a, ok := answer.(interface{ Encoded() ([]byte, error) }); ok {
		return a.Encoded()
	}
	return json.Marshal(answer)
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, method string, err error) {
	told := api.Tell(err)
	uid, known := callerOf(r.Context()).UID()
	if told.Kind == agent.KindInternal {
		s.log.Error("a call failed", "method", method, "uid", uid, "known", known, "error", err)
	} else {
		s.log.Info("a call was refused", "method", method, "uid", uid, "known", known, "kind", told.Kind)
	}
	s.answer(w, api.OutcomeOf(told.Kind).Status, told)
}

// contain turns a panic into an answer: one call must not take the agent down,
// and what it was about stays out of the answer.
func (s *Server) contain(w http.ResponseWriter, r *http.Request, method string) {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	// The type alone: the value may hold what the caller sent.
	s.log.Error("a call met a fault", "method", method, "fault", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
	s.refuse(w, r, method, errFault)
}

// leaveUnread keeps the server from reading a body that nobody asked for
// before the refusal is sent.
func leaveUnread(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	w.Header().Set("Connection", "close")
	return http.NewResponseController(w).SetReadDeadline(time.Now())
}

// untilRead lifts the deadline for reading, so that it does not end a call or
// a stream whose request was read long ago.
func untilRead(w http.ResponseWriter) error {
	return http.NewResponseController(w).SetReadDeadline(time.Time{})
}
