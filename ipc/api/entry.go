package api

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/clearance-project/clearance/agent"
)

// Class is what a caller must be allowed to do. The zero value is none of the
// classes and is always denied.
type Class string

// The access classes.
const (
	Read   Class = "read"   // see
	Act    Class = "act"    // what can be undone
	Owner  Class = "owner"  // needs the owner's own authentication
	Manage Class = "manage" // policy and service
)

// Known reports whether c is one of the classes.
func (c Class) Known() bool { return c == Read || c == Act || c == Owner || c == Manage }

// Object is what a call is about.
type Object struct {
	Kind string // "account", "departure", "job", "permit"; empty for none
	ID   string
}

// Args are what a transport knows of one call.
type Args struct {
	By  agent.Caller
	ID  string // of the entry's object
	Sub string // the second id in the route, where there is one
	// Decode fills the request; it is called after the caller was admitted.
	Decode func(into any) error
}

// Entry is one row of the table.
type Entry struct {
	Name  string // the method's name on every transport
	Calls string // the method of [Methods] behind it
	Verb  string // of HTTP
	Route string // of HTTP, a pattern of net/http
	Class Class
	// Rises: the class is owner where the agent says so, by [Entry.Raised].
	Rises  bool
	Job    bool // answered at once with a job
	Stream bool // answered with server-sent events; Invoke refuses
	CLI    string
	In     reflect.Type
	Out    reflect.Type

	invoke func(ctx context.Context, a Agent, args Args) (any, error)
}

// Object is what a call of this entry with this id is about.
func (e Entry) Object(id string) Object {
	first, rest, _ := strings.Cut(strings.TrimPrefix(e.Route, "/v1/"), "/")
	if !strings.HasPrefix(rest, "{id}") {
		return Object{}
	}
	return Object{Kind: strings.TrimSuffix(first, "s"), ID: id}
}

// Raised is the object whose owner must be asked besides, where the agent says
// that this call is theirs alone: to end a departure in which something
// irreversible was begun, to read or stop a job that the owner started. Where
// the agent does not know, it is.
func (e Entry) Raised(ctx context.Context, a Agent, by agent.Caller, id string) (Object, bool) {
	if !e.Rises {
		return Object{}, false
	}
	if e.Object(id).Kind == "job" {
		kind, about, raised := a.OwnerJob(by, id)
		return Object{Kind: kind, ID: about}, raised
	}
	needs, err := a.NeedsOwner(ctx, id)
	return e.Object(id), needs || err != nil
}

// Invoke calls the agent. The caller was admitted before.
func (e Entry) Invoke(ctx context.Context, a Agent, args Args) (any, error) {
	if e.invoke == nil {
		return nil, Invalid(e.Name + " is a stream")
	}
	return e.invoke(ctx, a, args)
}

// entry fills a row's types and its call.
func entry[In, Out any](e Entry, call func(ctx context.Context, a Agent, args Args, in In) (Out, error)) Entry {
	e.In, e.Out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	e.invoke = func(ctx context.Context, a Agent, args Args) (any, error) {
		var in In
		if err := args.Decode(&in); err != nil {
			return nil, err
		}
		return call(ctx, a, args, in)
	}
	return e
}

// Check refuses a table that does not offer every method of [Methods] exactly
// once, with a class, a route, a verb of the command line and an answer each.
func Check(table []Entry) error {
	var faults []error
	calls, routes := map[string]int{}, map[string]int{}
	for _, e := range table {
		calls[e.Calls]++
		routes[e.Verb+" "+e.Route]++
		if err := e.check(); err != nil {
			faults = append(faults, err)
		}
	}
	for m := range reflect.TypeFor[Methods]().Methods() {
		if n := calls[m.Name]; n != 1 {
			faults = append(faults, fmt.Errorf("the method %s has %d entries", m.Name, n))
		}
		delete(calls, m.Name)
	}
	for name := range calls {
		faults = append(faults, fmt.Errorf("the entry for %q calls no method", name))
	}
	for route, n := range routes {
		if n != 1 {
			faults = append(faults, fmt.Errorf("the route %s has %d entries", route, n))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("cannot use the table of methods: %w", err)
	}
	return nil
}

func (e Entry) check() error {
	switch {
	case e.Name == "" || e.Verb == "" || e.CLI == "":
		return fmt.Errorf("the entry for %q has no name, verb or command", e.Calls)
	case !strings.HasPrefix(e.Route, "/v1/"):
		return fmt.Errorf("the entry %s has no route under /v1", e.Name)
	case !e.Class.Known():
		return fmt.Errorf("the entry %s has no access class", e.Name)
	case e.In == nil || e.Out == nil:
		return fmt.Errorf("the entry %s has no schema", e.Name)
	case e.Stream == (e.invoke != nil):
		return fmt.Errorf("the entry %s is neither a call nor a stream", e.Name)
	case e.Rises && (e.Class == Owner || (e.Object("").Kind != "departure" && e.Object("").Kind != "job")):
		return fmt.Errorf("the entry %s cannot rise", e.Name)
	}
	return nil
}
