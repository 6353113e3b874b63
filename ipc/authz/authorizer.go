package authz

import (
	"context"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/ipc/api"
)

// Authorizer decides whether a caller is admitted to a class for an object.
// Nil admits; a refusal is an *agent.Error of kind not-authorized; any other
// error denies too.
type Authorizer interface {
	Authorize(ctx context.Context, caller Caller, class api.Class, object api.Object) error
}

// Personal is the rule of an agent that one person runs for themselves: that
// uid may read, act and own, nobody else may anything, and nobody manages.
type Personal struct {
	UID uint32
}

// Authorize implements [Authorizer].
func (p Personal) Authorize(_ context.Context, caller Caller, class api.Class, _ api.Object) error {
	uid, known := caller.UID()
	switch {
	case !known:
		return refuse("the agent cannot tell who is asking")
	case uid != p.UID:
		return refuse("this agent serves another user")
	case class == api.Read:
		return nil
	case caller.Confined():
		return refuse("a program in a sandbox may look, but not change anything; use a terminal outside of it")
	case class == api.Act, class == api.Owner:
		return nil
	}
	return refuse("a personal agent has no policy or service to manage")
}

func refuse(text string) *agent.Error {
	return &agent.Error{Kind: agent.KindNotAuthorized, Text: text}
}
