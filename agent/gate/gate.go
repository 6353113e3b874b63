package gate

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

const (
	// PermitType and ReceiptType are the typ headers of the two statements;
	// ListType is that of the signed list of what a person gave up.
	PermitType  = "clearance-permit+jwt"
	ReceiptType = "clearance-receipt+jwt"
	ListType    = "clearance-list+jwt"

	// PermitLife is how long a permit may be redeemed.
	PermitLife = 5 * time.Minute
	// ReceiptLife is how long a relying party may trust a receipt.
	ReceiptLife = 60 * time.Second
	// keptPermits is how many permits a departure's record keeps.
	keptPermits = 20

	// AcceptsAttested ends the name of an audience that takes permits which
	// rest on what a person said instead of what was seen.
	AcceptsAttested = "+attested"
)

// Signer makes compact JWS with the agent's key.
type Signer interface {
	Sign(typ string, claims []byte) (string, error)
}

// Config is what a gate is made of.
type Config struct {
	Engine *engine.Engine
	Signer Signer
	// Secret makes subjects pairwise: it never leaves this device.
	Secret []byte
	BootID string
	// Closed, when it is not empty, is why no permit is given at all.
	Closed func() string
}

// Gate issues and redeems permits.
type Gate struct{ cfg Config }

// New makes a gate.
func New(cfg Config) *Gate { return &Gate{cfg: cfg} }

// Claims are what a permit or a receipt states. Times are seconds since 1970.
type Claims struct {
	Issuer   string `json:"iss"`
	ID       string `json:"jti"`
	Subject  string `json:"sub"` // pairwise: the account, for this audience alone
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Nonce    string `json:"eat_nonce"`
	Boot     string `json:"boot"`

	Provider  string              `json:"provider"` // id in the catalogue
	Intent    departure.Intent    `json:"intent"`
	State     string              `json:"state"` // "signed-in" or "signed-out": on this device
	Basis     departure.Digest    `json:"basis"`
	Assurance departure.Assurance `json:"assurance"`
	Waived    []string            `json:"waived,omitempty"` // checks passed over
	Simulated bool                `json:"sim,omitempty"`    // a simulated device took part
	Permit    string              `json:"permit,omitempty"` // in a receipt: the permit that it burns
}

// Errors of the gate.
var (
	// ErrUnknownPermit: no such permit was given here.
	ErrUnknownPermit = errors.New("no such permit was given by this agent")
)

// NotReadyError says which checks stand in the way of a permit.
type NotReadyError struct {
	Checks departure.Checks
	Why    string
}

func (e *NotReadyError) Error() string { return "deletion is not allowed: " + e.Why }

// StaleError says that a permit no longer counts.
type StaleError struct{ Why string }

func (e *StaleError) Error() string { return "this permit no longer counts: " + e.Why }

func checkNonce(nonce, audience string) error {
	switch {
	case len(nonce) < 16 || len(nonce) > 128:
		return &engine.RefusedError{Code: "invalid", Text: "a nonce has 16 to 128 characters, chosen anew at random for each request"}
	case audience == "" || len(audience) > 200:
		return &engine.RefusedError{Code: "invalid", Text: "say for whom the permit is: the audience has 1 to 200 characters"}
	}
	return nil
}

// Issue gives a permit after a fresh look, or a *NotReadyError.
func (g *Gate) Issue(ctx context.Context, id, nonce, audience string) (p engine.Permit, token string, err error) {
	if err := checkNonce(nonce, audience); err != nil {
		return p, "", err
	}
	if why := g.cfg.Closed(); why != "" {
		return p, "", &NotReadyError{Why: why}
	}
	clock := g.cfg.Engine.Clock()
	err = g.cfg.Engine.Look(ctx, id, func(l *engine.Looked) ([]engine.Event, error) {
		if err := refusal(l, audience); err != nil {
			return nil, err
		}
		now := clock.Now()
		p = engine.Permit{ID: engine.NewID(), Audience: audience, Nonce: nonce, Basis: l.Verdict.Basis, Issued: now, Expires: now.Add(PermitLife)}
		c := g.claims(l, p.ID, audience, nonce, now, PermitLife)
		if token, err = g.sign(PermitType, c); err != nil {
			return nil, err
		}
		l.Record.Permits = append(l.Record.Permits, p)
		if n := len(l.Record.Permits); n > keptPermits {
			l.Record.Permits = slices.Delete(l.Record.Permits, 0, n-keptPermits)
		}
		return []engine.Event{{At: now, Departure: l.Record.Departure.ID, Kind: "permit.issued", Text: "a permit was given"}}, nil
	})
	if err != nil {
		return engine.Permit{}, "", err
	}
	return p, token, nil
}

// refusal is why a look's verdict allows no permit for the audience.
func refusal(l *engine.Looked, audience string) error {
	if l.Record.State != engine.Open {
		return &NotReadyError{Why: "this leaving is closed"}
	}
	if l.Record.Departure.Intent != departure.Delete {
		return &NotReadyError{Why: "you asked to sign out, not to delete the account"}
	}
	if !l.Verdict.Ready {
		open := l.Verdict.Checks.Open()
		why := "not every check holds"
		if len(open) > 0 {
			why = open[0].Reason.Text
		}
		return &NotReadyError{Checks: open, Why: why}
	}
	if l.Verdict.Assurance == departure.AssuredAttested && !strings.HasSuffix(audience, AcceptsAttested) {
		return &NotReadyError{Why: "this rests on what you said, and " + audience + " does not take that"}
	}
	if l.Verdict.Simulated && strings.TrimSuffix(audience, AcceptsAttested) != "demo" {
		return &NotReadyError{Why: "a simulated Find My Device took part, so it counts for a demonstration only"}
	}
	return nil
}

// Redeem burns a permit and gives its receipt over the relying party's own
// nonce, after a fresh look with the same Basis. The same call again returns
// the same receipt within 60 seconds, while nothing changed.
func (g *Gate) Redeem(ctx context.Context, permit, nonce string) (receipt string, at time.Time, err error) {
	if err := checkNonce(nonce, "receipt"); err != nil {
		return "", time.Time{}, err
	}
	if why := g.cfg.Closed(); why != "" {
		return "", time.Time{}, &NotReadyError{Why: why}
	}
	id, err := g.cfg.Engine.Owned(ctx, permit)
	if errors.Is(err, engine.ErrNotFound) {
		return "", time.Time{}, ErrUnknownPermit
	}
	if err != nil {
		return "", time.Time{}, err
	}
	clock := g.cfg.Engine.Clock()
	err = g.cfg.Engine.Look(ctx, id, func(l *engine.Looked) ([]engine.Event, error) {
		i := slices.IndexFunc(l.Record.Permits, func(p engine.Permit) bool { return p.ID == permit })
		if i < 0 {
			return nil, ErrUnknownPermit
		}
		p, now := &l.Record.Permits[i], clock.Now()
		if !p.RedeemedAt.IsZero() {
			if p.RedeemedNonce == nonce && now.Before(p.RedeemedAt.Add(ReceiptLife)) && p.ReceiptEpoch == l.Epoch && p.Basis == l.Verdict.Basis && l.Verdict.Ready {
				receipt, at = p.Receipt, p.RedeemedAt
				return nil, nil
			}
			return nil, &StaleError{"it was redeemed already"}
		}
		if err := usable(p, l, now); err != nil {
			return nil, err
		}
		c := g.claims(l, engine.NewID(), p.Audience, nonce, now, ReceiptLife)
		c.Permit = p.ID
		token, err := g.sign(ReceiptType, c)
		if err != nil {
			return nil, err
		}
		p.RedeemedAt, p.RedeemedNonce, p.Receipt, p.ReceiptEpoch = now, nonce, token, l.Epoch
		receipt, at = token, now
		return []engine.Event{{At: now, Departure: l.Record.Departure.ID, Kind: "permit.redeemed", Text: "a permit was redeemed"}}, nil
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return receipt, at, nil
}

// usable says why a permit cannot be redeemed on this look.
func usable(p *engine.Permit, l *engine.Looked, now time.Time) error {
	switch {
	case !p.RevokedAt.IsZero():
		return &StaleError{p.RevokedWhy}
	case !now.Before(p.Expires):
		return &StaleError{"it was good until " + p.Expires.Format("15:04:05")}
	case now.Before(p.Issued):
		return &StaleError{"the clock was set back"}
	}
	if err := refusal(l, p.Audience); err != nil {
		return err
	}
	if l.Verdict.Basis != p.Basis {
		return &StaleError{"something changed after it was given"}
	}
	return nil
}

func (g *Gate) claims(l *engine.Looked, id, audience, nonce string, now time.Time, life time.Duration) Claims {
	c := Claims{
		Issuer: "clearance", ID: id, Subject: g.subject(audience, l.Record.Departure.Account.ID), Audience: audience,
		Issued: now.Unix(), Expires: now.Add(life).Unix(), Nonce: nonce, Boot: g.cfg.BootID,
		Provider: l.Record.Departure.Account.Provider, Intent: l.Record.Departure.Intent, State: "signed-out",
		Basis: l.Verdict.Basis, Assurance: l.Verdict.Assurance, Simulated: l.Verdict.Simulated,
	}
	if b, ok := l.Verdict.Checks.Get(departure.BindingsRemoved); ok && !b.Status.Holds() {
		c.State = "signed-in"
	}
	for _, w := range l.Verdict.Waived {
		c.Waived = append(c.Waived, string(w))
	}
	return c
}

// subject names the account to one audience: two audiences cannot compare.
func (g *Gate) subject(audience, account string) string {
	m := hmac.New(sha256.New, g.cfg.Secret)
	fmt.Fprintf(m, "%d:%s%s", len(audience), audience, account)
	return hex.EncodeToString(m.Sum(nil))[:32]
}

func (g *Gate) sign(typ string, claims any) (string, error) {
	b, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("cannot write a %s: %w", typ, err)
	}
	token, err := g.cfg.Signer.Sign(typ, b)
	if err != nil {
		return "", fmt.Errorf("cannot sign a %s: %w", typ, err)
	}
	return token, nil
}

// List signs what a person gives up by deleting at their own risk. It is no
// permit.
func (g *Gate) List(account departure.Account, lines []departure.Line) (string, error) {
	return g.sign(ListType, struct {
		Issuer  string           `json:"iss"`
		Issued  int64            `json:"iat"`
		Subject string           `json:"sub"`
		Lost    []departure.Line `json:"lost"`
	}{"clearance", g.cfg.Engine.Clock().Now().Unix(), g.subject("", account.ID), lines})
}
