package policy

import (
	"testing"
	"time"
)

func TestRules(t *testing.T) {
	p := Policy{rules{Origin: "test", Allowed: true, Delay: 90, Waivers: map[string][]string{"records.purchases": {"example.org"}}}}
	if got := p.Delay("xiaomi", "example.org", "delete"); got != 90*time.Second {
		t.Errorf("Delay = %s", got)
	}
	for _, tc := range []struct {
		check, domain string
		want          bool
	}{
		{"records.purchases", "example.org", true},
		{"records.purchases", "EXAMPLE.org", true},
		{"records.purchases", "sub.example.org", false},
		{"records.purchases", "", false},
		{"backup.verified", "example.org", false},
	} {
		if got := p.Waivable(tc.check, tc.domain); got != tc.want {
			t.Errorf("Waivable(%s, %q) = %v", tc.check, tc.domain, got)
		}
	}
}
