package agent

import (
	"context"
	"errors"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/gate"
)

func invalid(text string) error { return &Error{Kind: KindInvalid, Text: text} }

// asError is err as a transport shows it. What is not known is internal: it is
// not shown, for it may hold what is not the caller's.
func asError(err error) *Error {
	var (
		known    *Error
		refused  *engine.RefusedError
		blocked  *engine.BlockedError
		notReady *gate.NotReadyError
		stale    *gate.StaleError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused):
		return &Error{Kind: Kind(refused.Code), Text: refused.Text}
	case errors.As(err, &blocked):
		kind := KindUnavailable
		if blocked.Why.Code == "unreachable" || blocked.Why.Code == "unauthorized" {
			kind = KindProviderUnreachable
		}
		return &Error{Kind: kind, Text: blocked.Why.Text, Remedy: &blocked.Remedy}
	case errors.As(err, &notReady):
		return notReadyError(notReady)
	case errors.As(err, &stale):
		return &Error{Kind: KindStale, Text: "do not delete: " + stale.Error(),
			Remedy: &departure.Remedy{Code: "status", Text: "see what changed", Command: "clearance status"}}
	case errors.Is(err, engine.ErrNotFound), errors.Is(err, gate.ErrUnknownPermit):
		return &Error{Kind: KindNotFound, Text: err.Error()}
	case errors.Is(err, engine.ErrAlreadyOpen):
		return &Error{Kind: KindBusy, Text: err.Error()}
	case errors.Is(err, engine.ErrBusy), errors.Is(err, engine.ErrConflict):
		return &Error{Kind: KindBusy, Text: err.Error()}
	case errors.Is(err, engine.ErrNoWorker), errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: KindUnavailable, Text: err.Error()}
	case errors.Is(err, context.Canceled):
		return &Error{Kind: KindUnavailable, Text: "it was stopped; what is done stays done, and it goes on from there"}
	}
	return &Error{Kind: KindInternal, Text: err.Error()}
}

func notReadyError(err *gate.NotReadyError) *Error {
	e := &Error{Kind: KindNotReady, Text: "do not delete yet: " + err.Why, Checks: err.Checks}
	if len(err.Checks) > 0 {
		e.Remedy = err.Checks[0].Remedy
		switch err.Checks[0].Reason.Code {
		case "grant-required", "not-authorised":
			e.Kind = KindGrantRequired
		case "delay":
			e.Kind = KindDelayPending
		}
	}
	return e
}
