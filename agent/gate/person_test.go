package gate_test

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

func claimsOf(token string) (c gate.Claims, err error) {
	for i := range token {
		if token[i] == ' ' {
			return c, json.Unmarshal([]byte(token[i+1:]), &c)
		}
	}
	return c, errors.New("no claims")
}

// agent is one run of the agent over a world, which survives it.
type agent struct {
	w       *world.World
	rules   *world.Rules
	e       *engine.Engine
	g       *gate.Gate
	signing func() // at each signature
	closed  string // why no permit is given at all
	cancel  context.CancelFunc
}

// start is an agent over a world. Its signer calls meddle before it signs.
func start(w *world.World, rules world.Rules) (*agent, error) {
	ctx, cancel := context.WithCancel(context.Background())
	a := &agent{w: w, rules: &rules, e: engine.New(w.Config(&rules)), cancel: cancel}
	a.g = gate.New(gate.Config{Engine: a.e, Signer: a, Secret: []byte("secret"), BootID: "boot", Closed: func() string { return a.closed }})
	return a, a.e.Load(ctx)
}

// Sign signs nothing: a token is its type and claims.
func (a *agent) Sign(typ string, claims []byte) (string, error) {
	if a.signing != nil {
		a.signing()
	}
	return typ + " " + string(claims), nil
}

func (a *agent) stop() {
	a.cancel()
	a.e.Close()
}

func (a *agent) open(intent departure.Intent, account departure.Account) (string, error) {
	rec := a.w.Record(intent, account)
	if account.Declared {
		rec.Given = []engine.GivenSource{{ID: world.GivenID, Dataset: departure.Photos, Path: "/export"}}
	}
	return rec.Departure.ID, a.e.Open(context.Background(), rec)
}

// honest does the next thing that an honest person would.
func (a *agent) honest(id string) error { return a.w.Honest(context.Background(), a.e, id) }

// permit asks for a permit and redeems it: a receipt, or why there is none.
func (a *agent) permit(id, audience string) (receipt string, err error) {
	ctx := context.Background()
	p, _, err := a.g.Issue(ctx, id, "0123456789abcdef", audience)
	if err != nil {
		return "", err
	}
	receipt, _, err = a.g.Redeem(ctx, p.ID, "fedcba9876543210")
	return receipt, err
}
