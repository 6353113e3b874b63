package main

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	receiptType = "clearance-receipt+jwt"
	permitType  = "clearance-permit+jwt"

	receiptAge = 60 * time.Second
	permitLife = 5 * time.Minute
	// skew is how far the agent's clock may be ahead of ours.
	skew = 5 * time.Second

	demoAudience    = "demo"
	acceptsAttested = "+attested" // ends an audience that takes a person's word
)

// expected is what the relying party knows by itself.
type expected struct {
	typ, audience, nonce string
	redeems              string // jti; "": any
	now                  time.Time
}

func (e *expected) word() string {
	if e.typ == permitType {
		return "permit"
	}
	return "receipt"
}

// claims are what the statement says, once its signature holds.
type claims struct {
	key                                string
	provider, intent, state, assurance string
	issued, expires                    int64 // seconds since 1970
	waived                             []string
	simulated                          bool
}

// check gives every reason why a statement does not hold. Nothing in it is
// looked at before its signature holds.
func check(token string, keys map[string]publicKey, want *expected) (c claims, wrong []string) {
	payload, key, err := verify(token, want.typ, keys)
	if err != nil {
		return c, []string{err.Error()}
	}
	said, err := object(payload)
	if err != nil {
		return c, []string{"the payload is " + err.Error()}
	}
	r := reader{said: said}
	c = claims{key: key, provider: r.text("provider"), intent: r.text("intent"), state: r.text("state"), assurance: r.text("assurance"),
		issued: r.seconds("iat"), expires: r.seconds("exp"), simulated: r.flag("sim"), waived: r.list("waived")}
	r.identity(want)
	if len(r.wrong) == 0 { // times that are missing would be told twice
		r.times(c, want)
	}
	r.permission(c, want)
	return c, r.wrong
}

// reader takes claims out of a payload and collects what is wrong.
type reader struct {
	said  map[string]json.RawMessage
	wrong []string
}

func (r *reader) refuse(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

func (r *reader) text(name string) string {
	s := text(r.said[name])
	if s == "" {
		r.refuse("it does not say %q", name)
	}
	return s
}

func (r *reader) seconds(name string) int64 {
	var n *int64
	if json.Unmarshal(r.said[name], &n) != nil || n == nil || *n <= 0 || *n > 1<<40 {
		r.refuse("%q is not a time in whole seconds", name)
		return 0
	}
	return *n
}

func (r *reader) flag(name string) bool {
	raw, found := r.said[name]
	var v *bool
	if found && (json.Unmarshal(raw, &v) != nil || v == nil) {
		r.refuse("%q is neither true nor false", name)
	}
	return v != nil && *v
}

func (r *reader) list(name string) []string {
	raw, found := r.said[name]
	var v []string
	if found && json.Unmarshal(raw, &v) != nil {
		r.refuse("%q is not a list of names", name)
	}
	return v
}

// identity: for us, over our nonce, for our permit.
func (r *reader) identity(want *expected) {
	if got := r.text("aud"); got != "" && got != want.audience {
		r.refuse("it is for %q, not for %q", got, want.audience)
	}
	if got := r.text("eat_nonce"); got != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want.nonce)) != 1 {
		r.refuse("it is over another nonce: an old answer, or one to somebody else")
	}
	if r.text("jti") == "" || want.typ != receiptType {
		return
	}
	if got := r.text("permit"); got != "" && want.redeems != "" && got != want.redeems {
		r.refuse("it redeems permit %q, not %q", got, want.redeems)
	}
}

// times: by our clock.
func (r *reader) times(c claims, want *expected) {
	issued, expires := time.Unix(c.issued, 0), time.Unix(c.expires, 0)
	age := want.now.Sub(issued)
	if age < -skew {
		r.refuse("it was signed %d s in the future: one of the clocks is wrong", int(-age.Seconds()))
	}
	if want.typ == receiptType && age > receiptAge {
		r.refuse("it is %d s old: a receipt counts for %d s", int(age.Seconds()), int(receiptAge.Seconds()))
	}
	if !want.now.Before(expires) {
		r.refuse("it ran out %d s ago", int(want.now.Sub(expires).Seconds()))
	}
	if life := expires.Sub(issued); life <= 0 || life > permitLife {
		r.refuse("it says that it holds for %d s: at most %d are allowed", int(life.Seconds()), int(permitLife.Seconds()))
	}
}

// permission: what it states is enough for us.
func (r *reader) permission(c claims, want *expected) {
	if c.intent != "" && c.intent != "delete" {
		r.refuse("it is about %q, not about deleting the account", c.intent)
	}
	if c.simulated && want.audience != demoAudience {
		r.refuse("a simulated device took part: that counts for the audience %q alone", demoAudience)
	}
	switch c.assurance {
	case "", "system", "personal":
	case "attested":
		if !strings.HasSuffix(want.audience, acceptsAttested) {
			r.refuse("it rests on what a person said instead of what was seen, and %q does not accept that", want.audience)
		}
	default:
		r.refuse("its assurance %q is not known here", c.assurance)
	}
}
