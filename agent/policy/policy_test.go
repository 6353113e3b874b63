package policy_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent/policy"
)

func TestDefault(t *testing.T) {
	p := policy.Default()
	for _, intent := range []string{"sign-out", "switch", "delete"} {
		d := p.Allows("xiaomi", "mi.com", intent)
		if !d.Allowed || d.Why == "" {
			t.Errorf("Allows(%s) = %+v", intent, d)
		}
		if delay := p.Delay("xiaomi", "mi.com", intent); delay != 0 {
			t.Errorf("Delay(%s) = %s", intent, delay)
		}
	}
	for _, domain := range []string{"mi.com", "", "*"} {
		for _, check := range []string{"records.purchases", "consequences.acknowledged", "inventory.complete"} {
			if p.Waivable(check, domain) {
				t.Errorf("%s may be waived for %q by default", check, domain)
			}
		}
	}
}

func TestZeroAllowsNothing(t *testing.T) {
	var p policy.Policy
	if d := p.Allows("xiaomi", "mi.com", "sign-out"); d.Allowed || d.Why == "" {
		t.Errorf("the zero policy answers %+v", d)
	}
	if p.Digest() == policy.Default().Digest() {
		t.Error("the zero policy has the default's digest")
	}
}

func TestDigestIsStable(t *testing.T) {
	const want = "2f8f7b60095eb114d5300c8decdd6f4cce6d7a528359625c5c4483219deb99d7"
	if got := policy.Default().Digest(); got != want {
		t.Errorf("Digest = %s, want %s: evidence of an earlier version names the other one", got, want)
	}
}
