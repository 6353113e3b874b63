package agent

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/gate"
)

func invalid(text string) error { return &Error{Kind: KindInvalid, Text: text} }

// told is err as a transport shows it. Of what is not known the caller gets an
// id alone, for the text may hold what is not theirs; the log has the rest.
func (s *Service) told(err error) *Error {
	if e := asError(err); e != nil {
		return e
	}
	id := engine.NewID()[:10]
	s.cfg.Fault(id, pathless(err))
	return &Error{Kind: KindInternal, Text: "the agent met a fault of its own; its log has it under " + id}
}

// path is what looks like the path of a file.
var path = regexp.MustCompile(`(?:/[^\s/:"'` + "`" + `]+){2,}/?`)

// pathless is an error's text without the paths in it, which name what a person
// has.
func pathless(err error) string {
	text := err.Error()
	for _, at := range pathsIn(err) {
		text = strings.ReplaceAll(text, at, "(path)")
	}
	return path.ReplaceAllString(text, "(path)")
}

// pathsIn are the paths that the errors of a file system name, the longest
// first.
func pathsIn(err error) (paths []string) {
	var walk func(error)
	walk = func(err error) {
		switch e := any(err).(type) { // each error of the tree on its own
		case *fs.PathError:
			if e.Path != "" {
				paths = append(paths, e.Path)
			}
			walk(e.Err)
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, each := range e.Unwrap() {
				walk(each)
			}
		}
	}
	walk(err)
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	return paths
}

// asError is err as one of ours, nil where it is not known.
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
	return nil
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
