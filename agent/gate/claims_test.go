package gate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
	"github.com/clearance-project/clearance/agent/gate"
)

func TestClaims(t *testing.T) {
	a, id := readied(t)
	a.w.SameDisk = true
	reach(t, a, id, ready)
	var tokens []string
	subjects := map[string]bool{}
	for _, audience := range []string{"rp", "rp2", "1:rp", "rp+attested"} {
		p, token, err := a.g.Issue(t.Context(), id, nonce, audience)
		if err != nil {
			t.Fatal(err)
		}
		c, err := claimsOf(token)
		if err != nil {
			t.Fatal(err)
		}
		if c.Audience != audience || c.Nonce != nonce || c.ID != p.ID || c.Expires-c.Issued != 300 || c.Boot != "boot" || c.Basis == "" ||
			c.Assurance != departure.AssuredPersonal || c.Intent != departure.Delete || c.State != "signed-out" || c.Permit != "" {
			t.Errorf("%+v", c)
		}
		if fmt.Sprint(c.Waived) != "[destination.apart]" {
			t.Errorf("waived: %v", c.Waived)
		}
		if subjects[c.Subject] || len(c.Subject) != 32 {
			t.Errorf("subject %q is another audience's too", c.Subject)
		}
		subjects[c.Subject] = true
		receipt, _, err := a.g.Redeem(t.Context(), p.ID, second)
		if err != nil {
			t.Fatal(err)
		}
		r, err := claimsOf(receipt)
		if err != nil {
			t.Fatal(err)
		}
		if r.Subject != c.Subject || r.Permit != p.ID || r.Nonce != second || r.Expires-r.Issued != 60 || r.Basis != c.Basis || r.ID == c.ID {
			t.Errorf("proof %+v of permit %+v", r, c)
		}
		if !strings.HasPrefix(token, gate.PermitType+" ") || !strings.HasPrefix(receipt, gate.ReceiptType+" ") {
			t.Error("the types are mixed up")
		}
		tokens = append(tokens, token, receipt)
	}
	list, err := a.g.List(world.Me, []departure.Line{{ID: "x", Text: "three notes"}})
	if err != nil || !strings.HasPrefix(list, gate.ListType+" ") {
		t.Errorf("list %q, %v", list, err)
	}
	for _, token := range append(tokens, list) {
		for _, secret := range []string{"alice", "Alice", "/media", "disk-1", "bag-1", "goa-1", "photos-a", `"me"`, world.Implementer, "secret", "right"} {
			if strings.Contains(token, secret) {
				t.Errorf("%q is in %s", secret, token)
			}
		}
	}
}

func TestClaimsHaveStableNames(t *testing.T) {
	b, err := json.Marshal(gate.Claims{Waived: []string{"x"}, Simulated: true, Permit: "p"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"iss":"","jti":"","sub":"","aud":"","iat":0,"exp":0,"eat_nonce":"","boot":"","provider":"","intent":"","state":"","basis":"","assurance":"","waived":["x"],"sim":true,"permit":"p"}`
	if string(b) != want {
		t.Errorf("claims are %s", b)
	}
}
