package api

import (
	"errors"
	"net/http"

	"github.com/clearance-project/clearance/agent"
)

// Outcome is how a kind of error shows on each transport.
type Outcome struct {
	Status int // of HTTP
	Exit   int // of the command line
}

// Exit codes of the command line that are no error of the agent.
const (
	ExitOK           = 0
	ExitNotReady     = 1
	ExitUsage        = 2
	ExitPolicy       = 3
	ExitUnauthorized = 4
	ExitUnreachable  = 5
	ExitPending      = 6
	ExitTryAgain     = 75 // EX_TEMPFAIL of sysexits.h
)

// Kinds maps every kind of error to its outcome. A kind that is missing here
// counts as internal.
var kinds = map[agent.Kind]Outcome{
	agent.KindNotReady:            {http.StatusConflict, ExitNotReady},
	agent.KindNotAuthorized:       {http.StatusForbidden, ExitUnauthorized},
	agent.KindGrantRequired:       {http.StatusPreconditionRequired, ExitPending},
	agent.KindDelayPending:        {http.StatusTooEarly, ExitPending},
	agent.KindStale:               {http.StatusPreconditionFailed, ExitTryAgain},
	agent.KindProviderUnreachable: {http.StatusBadGateway, ExitTryAgain},
	agent.KindPolicyInvalid:       {http.StatusUnprocessableEntity, ExitPolicy},
	agent.KindBusy:                {http.StatusTooManyRequests, ExitTryAgain},
	agent.KindUnavailable:         {http.StatusServiceUnavailable, ExitUnreachable},
	agent.KindNotFound:            {http.StatusNotFound, ExitUsage},
	agent.KindInvalid:             {http.StatusBadRequest, ExitUsage},
	agent.KindInternal:            {http.StatusInternalServerError, ExitNotReady},
}

// OutcomeOf is how a kind shows; an unknown kind shows as internal.
func OutcomeOf(kind agent.Kind) Outcome {
	if o, ok := kinds[kind]; ok {
		return o
	}
	return kinds[agent.KindInternal]
}

// Tell is what a caller may know of err: an *agent.Error as it is, anything
// else as internal without its text.
func Tell(err error) *agent.Error {
	if told, ok := errors.AsType[*agent.Error](err); ok {
		return told
	}
	return &agent.Error{Kind: agent.KindInternal, Text: "the agent met a fault of its own; its log says which"}
}

// Invalid is the refusal of a malformed request.
func Invalid(text string) *agent.Error { return &agent.Error{Kind: agent.KindInvalid, Text: text} }
