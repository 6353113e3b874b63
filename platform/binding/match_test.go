package binding_test

import (
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
)

func TestOf(t *testing.T) {
	own := departure.Account{Provider: "nextcloud", Identity: "alice@cloud.example"}
	idn := departure.Account{Provider: "nextcloud", Identity: "josé@bücher.example"}
	ported := departure.Account{Provider: "nextcloud", Identity: "alice@cloud.example:8443"}
	odd := departure.Account{Provider: "nextcloud", Identity: "Alice@Cloud.Example."}
	big := departure.Account{Provider: "google", Identity: "alice@gmail.com"}
	for name, c := range map[string]struct {
		who      binding.Who
		provider string
		account  departure.Account
		want     binding.Match
	}{
		"the same":                        {binding.Who{User: "alice", Host: "cloud.example"}, "nextcloud", own, binding.MatchYes},
		"the same, case aside":            {binding.Who{User: "Alice", Host: "Cloud.Example"}, "nextcloud", own, binding.MatchYes},
		"the same, protocol alone known":  {binding.Who{User: "alice", Host: "cloud.example"}, "", own, binding.MatchYes},
		"the same, letters as sent":       {binding.Who{User: "josé", Host: "xn--bcher-kva.example"}, "", idn, binding.MatchYes},
		"the same, letters composed":      {binding.Who{User: "jose\u0301", Host: "B\u00dcCHER.example."}, "nextcloud", idn, binding.MatchYes},
		"nobody is named, letters":        {binding.Who{Host: "xn--bcher-kva.example"}, "", idn, binding.MatchUnknown},
		"her own name spelled otherwise":  {binding.Who{User: "alice", Host: "cloud.example"}, "nextcloud", odd, binding.MatchYes},
		"nobody is named, otherwise":      {binding.Who{Host: "cloud.example"}, "nextcloud", odd, binding.MatchUnknown},
		"known by name alone":             {binding.Who{User: "Alice", Host: "cloud.example", AnyPort: true}, "", ported, binding.MatchUnknown},
		"nobody, known by name alone":     {binding.Who{Host: "cloud.example", AnyPort: true}, "", ported, binding.MatchUnknown},
		"another, known by name alone":    {binding.Who{User: "bob", Host: "cloud.example", AnyPort: true}, "", ported, binding.MatchNo},
		"elsewhere, known by name alone":  {binding.Who{User: "alice", Host: "other.example", AnyPort: true}, "", ported, binding.MatchNo},
		"the same by name alone":          {binding.Who{User: "alice", Host: "cloud.example", AnyPort: true}, "", own, binding.MatchYes},
		"another person there":            {binding.Who{User: "bob", Host: "cloud.example"}, "nextcloud", own, binding.MatchNo},
		"an address, perhaps hers":        {binding.Who{User: "alice@mail.example", Host: "cloud.example"}, "nextcloud", own, binding.MatchUnknown},
		"nobody is named at her server":   {binding.Who{Host: "cloud.example"}, "", own, binding.MatchUnknown},
		"another server":                  {binding.Who{User: "alice", Host: "other.example"}, "nextcloud", own, binding.MatchNo},
		"another port":                    {binding.Who{User: "alice", Host: "cloud.example:8443"}, "nextcloud", own, binding.MatchNo},
		"another provider":                {binding.Who{User: "alice", Host: "cloud.example"}, "google", own, binding.MatchNo},
		"one server for all":              {binding.Who{User: "alice@gmail.com"}, "google", big, binding.MatchYes},
		"one box, other dots":             {binding.Who{User: "A.Lice@googlemail.com"}, "google", big, binding.MatchYes},
		"dots elsewhere":                  {binding.Who{User: "a.lice", Host: "cloud.example"}, "nextcloud", own, binding.MatchNo},
		"somebody else there":             {binding.Who{User: "bob@gmail.com"}, "google", big, binding.MatchNo},
		"nobody is named at the provider": {binding.Who{}, "google", big, binding.MatchUnknown},
		"nothing is known":                {binding.Who{}, "", own, binding.MatchNo},
		"her name at a server of many":    {binding.Who{User: "alice@gmail.com"}, "", big, binding.MatchYes},
		"her name, and no server":         {binding.Who{User: "alice"}, "nextcloud", own, binding.MatchUnknown},
		"a server that is not told":       {binding.Who{User: "Alice", AnyHost: true}, "", own, binding.MatchUnknown},
		"nobody, at none that is told":    {binding.Who{AnyHost: true}, "", own, binding.MatchUnknown},
		"another, at none that is told":   {binding.Who{User: "bob", AnyHost: true}, "", own, binding.MatchNo},
		"an address, at none":             {binding.Who{User: "bob@mail.example", AnyHost: true}, "", own, binding.MatchUnknown},
		"another name, and no server":     {binding.Who{User: "bob"}, "nextcloud", own, binding.MatchNo},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.who.Of(c.provider, c.account); got != c.want {
				t.Errorf("%+v of %q: %v, want %v", c.who, c.provider, got, c.want)
			}
		})
	}
}
