package findmy

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/godbus/dbus/v5"
)

// Target is one implementer and the account that it must speak for.
type Target struct {
	Name     string // bus name
	Provider string
	Account  string
}

func (t Target) is(i Implementer) bool {
	return t.Name == i.Name && t.account(i)
}

func (t Target) account(i Implementer) bool {
	return t.Provider != "" && t.Account != "" && strings.EqualFold(t.Provider, i.Provider) && strings.EqualFold(t.Account, i.Account)
}

// Outcome is how an act ended.
type Outcome string

// The outcomes. Only Done changed the state; after Unclear it is not known.
const (
	Done        Outcome = "done"        // and read back
	WrongProof  Outcome = "wrong-proof" // the provider did not accept it
	NotAllowed  Outcome = "not-allowed" // the implementer takes it from somebody else only
	Unreachable Outcome = "unreachable" // the provider could not be asked
	Refused     Outcome = "refused"     // by us: it does not count, or does not speak for this account
	NotDone     Outcome = "not-done"    // it failed, or said ok and reads otherwise
	Unclear     Outcome = "unclear"     // no usable answer, and the state cannot be read
)

// Result of turning Find My Device off or on.
type Result struct {
	Outcome Outcome
	Why     string
	After   Implementer // read back
	// Disturbed are the other implementers that count and changed meanwhile.
	Disturbed []string
}

// TurnOff asks one implementer to turn itself off, hands it the owner's proof
// (the account's password), and reads back. The proof goes to the unique name
// whose uid was checked, and nowhere else.
func (c *Client) TurnOff(ctx context.Context, t Target, proof string) Result {
	return c.act(ctx, t, proof, "Disable", departure.TrackerOff)
}

// TurnOn is TurnOff the other way.
func (c *Client) TurnOn(ctx context.Context, t Target, proof string) Result {
	return c.act(ctx, t, proof, "Enable", departure.TrackerOn)
}

func (c *Client) act(ctx context.Context, t Target, proof, method string, want departure.TrackerState) Result {
	c.acting.Lock()
	defer c.acting.Unlock()
	before, err := c.Look(ctx, nil)
	if err != nil {
		return Result{Outcome: Refused, Why: err.Error()}
	}
	found := before.Find(t.Name)
	switch {
	case found == nil:
		return Result{Outcome: Refused, Why: "it is not there"}
	case !found.Counts || !found.Owned:
		return Result{Outcome: Refused, Why: found.Why, After: *found}
	case !t.is(*found):
		return Result{Outcome: Refused, Why: "it does not speak for this account", After: *found}
	case proof == "":
		return Result{Outcome: Refused, Why: "there is no proof that the owner wants this", After: *found}
	case found.State == want:
		return Result{Outcome: Done, After: *found}
	}
	r := c.call(ctx, t, proof, method, found.OwnerUID)
	after, err := c.Look(ctx, []string{t.Name})
	if err != nil {
		if r.Outcome == Done {
			r.Outcome, r.Why = Unclear, "its state cannot be read back: "+err.Error()
		}
		return r
	}
	r.settle(t, want, before, after)
	return r
}

// call sends the proof to the process that runs as the uid that was judged.
func (c *Client) call(ctx context.Context, t Target, proof, method string, uid uint32) Result {
	unique, now, err := c.owner(ctx, t.Name, false)
	if err != nil || now != uid {
		return Result{Outcome: Refused, Why: "its owner on the bus changed"}
	}
	var answer map[string]dbus.Variant
	m := bus.Method{Service: unique, Path: Path, Name: Interface + "." + method, NoStart: true, Timeout: c.opts.ActTimeout}
	err = c.bus.Call(ctx, m, []any{map[string]dbus.Variant{ProofPassword: dbus.MakeVariant(proof)}}, &answer)
	var refusal *bus.RemoteError
	switch {
	case err == nil:
		return answered(answer)
	case errors.As(err, &refusal) && refusal.Name == accessDenied:
		return Result{Outcome: NotAllowed, Why: refusal.Message}
	case errors.As(err, &refusal) && !errors.Is(err, bus.ErrNoService):
		return Result{Outcome: NotDone, Why: refusal.Error()}
	}
	return Result{Outcome: Unclear, Why: err.Error()}
}

func answered(answer map[string]dbus.Variant) Result {
	word, _ := answer[ResultKey].Value().(string)
	text, _ := answer[TextKey].Value().(string)
	r := Result{Outcome: NotDone, Why: clean(text)}
	switch word {
	case ResultOK:
		r.Outcome = Done
	case ResultWrongProof:
		r.Outcome = WrongProof
	case ResultUnreachable:
		r.Outcome = Unreachable
	case ResultFailed:
	default:
		r.Outcome, r.Why = Unclear, "its answer is not one of the interface"
	}
	return r
}

// settle holds the answer against what is read back.
func (r *Result) settle(t Target, want departure.TrackerState, before, after Report) {
	if i := after.Find(t.Name); i != nil {
		r.After = *i
	}
	reached := r.After.Counts && r.After.State == want && (t.is(r.After) || want == departure.TrackerOff && r.After.Account == "")
	switch {
	case r.Outcome == Done && !reached, r.Outcome == Unclear && !reached && r.After.State != departure.TrackerUnknown:
		r.Outcome = NotDone
		if r.Why == "" {
			r.Why = "it said that it was done, but reads otherwise"
		}
		if r.After.State == departure.TrackerUnknown {
			r.Outcome = Unclear
		}
	case r.Outcome == Unclear && reached:
		r.Outcome = Done
	}
	for _, was := range before.Implementers {
		if !was.Counts || was.Name == t.Name {
			continue
		}
		is := after.Find(was.Name)
		if is == nil || is.State != was.State || is.Provider != was.Provider || is.Account != was.Account {
			r.Disturbed = append(r.Disturbed, was.Name)
		}
	}
}

// clean makes an implementer's text fit to be shown.
func clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		if b.Len() >= maxText {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
