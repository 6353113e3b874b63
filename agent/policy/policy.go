// Package policy is what an organisation decides about leaving accounts:
// whether a departure is allowed at all, how long it has to wait, and which
// checks may be waived for which account domains.
//
// It imports the standard library alone and does no I/O. Evaluation is pure:
// the same policy gives the same answers, and its Digest names it in evidence.
//
// Invariants:
//   - The zero Policy allows nothing and waives nothing, so a policy that was
//     never set cannot let anything pass.
//   - A waiver names account domains one by one; there is no domain that stands
//     for all.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy answers what the organisation, or the built-in default, has decided.
// It never changes once made. The zero value allows nothing.
type Policy struct {
	rules rules
}

// rules is the whole policy in a form with one encoding, for Digest. Allowed is
// the answer for every departure, delay the wait in seconds, and waivers lists
// the account domains of each waivable check.
type rules struct {
	Origin  string              `json:"origin"`
	Allowed bool                `json:"allowed"`
	Delay   int64               `json:"delay"`
	Waivers map[string][]string `json:"waivers"`
}

// Decision is an answer with its reason, which a person reads.
type Decision struct {
	Allowed bool
	Why     string
}

// Default is the policy where no organisation has set one: everything is
// allowed, nothing waits, nothing may be waived.
func Default() Policy {
	return Policy{rules{Origin: "built-in", Allowed: true}}
}

// Allows reports whether the account at provider whose identity lies in domain
// may be left with this intent (sign-out, switch or delete).
func (p Policy) Allows(provider, domain, intent string) Decision {
	if !p.rules.Allowed {
		return Decision{Why: fmt.Sprintf("no policy allows %s of the %s account in %q", intent, provider, domain)}
	}
	return Decision{Allowed: true, Why: "no policy restricts leaving accounts on this device"}
}

// Delay is how long a departure waits between its authorisation and its first
// irreversible step.
func (p Policy) Delay(provider, domain, intent string) time.Duration {
	return time.Duration(p.rules.Delay) * time.Second
}

// Waivable reports whether the check may be waived for an account in domain.
func (p Policy) Waivable(check, domain string) bool {
	return domain != "" && slices.Contains(p.rules.Waivers[check], strings.ToLower(domain))
}

// Digest is the hex SHA-256 of everything that the policy says. Two policies
// with one digest give the same answers.
func (p Policy) Digest() string {
	raw, err := json.Marshal(p.rules)
	if err != nil {
		panic("policy: rules cannot be encoded: " + err.Error()) // strings, numbers and lists always can
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
