package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/provider"
)

func loadWith(t *testing.T, overrides ...provider.Override) *provider.Catalogue {
	t.Helper()
	c, err := provider.LoadWith(overrides)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBrokenOverrideKeepsTheBuiltInProfile(t *testing.T) {
	good := provider.Override{Name: "nextcloud.json", Raw: edit(t, "nextcloud", func(m map[string]any) { m["name"] = "Our cloud" })}
	for name, bad := range map[string]provider.Override{
		"no JSON":        {Name: "xiaomi.json", Raw: []byte("{")},
		"a fault":        {Name: "xiaomi.json", Raw: edit(t, "xiaomi", func(m map[string]any) { m["known"] = "yes" })},
		"not trusted":    {Name: "xiaomi.json", Err: errors.New("xiaomi.json can be written by others (mode 0666)")},
		"another's type": {Name: "xiaomi.json", Raw: edit(t, "xiaomi", func(m map[string]any) { m["goa_types"] = []any{"google"} })},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadWith(t, good, bad)
			if c.Broken("xiaomi") == "" || c.Replaced("xiaomi") || !c.Lookup("xiaomi").Known || len(c.Lookup("xiaomi").GOATypes) != 0 {
				t.Errorf("broken %q, replaced %v", c.Broken("xiaomi"), c.Replaced("xiaomi"))
			}
			if c.Broken("nextcloud") != "" || !c.Replaced("nextcloud") || c.Lookup("nextcloud").Name != "Our cloud" {
				t.Error("the good one beside it does not count")
			}
			if len(c.Faults()) != 1 || strings.Contains(c.Broken("xiaomi"), "\n") {
				t.Errorf("faults %q", c.Faults())
			}
		})
	}
}

// A folder that cannot be believed may hold something about anybody.
func TestBrokenFolderIsAboutEverybody(t *testing.T) {
	c := loadWith(t, provider.Override{Err: errors.New("providers.d belongs to uid 1000, not to uid 0")})
	for _, id := range []string{"xiaomi", "nextcloud", "no-such-company"} {
		if c.Broken(id) == "" {
			t.Errorf("%s can be left", id)
		}
	}
	if loadWith(t).Broken("xiaomi") != "" {
		t.Error("without a folder xiaomi is broken")
	}
}

// Two overrides that go with the built-in ones only together, in either order.
func TestOverridesThatNeedEachOther(t *testing.T) {
	takes := provider.Override{Name: "acme.json", Raw: edit(t, "oppo", func(m map[string]any) {
		m["id"], m["name"], m["goa_types"] = "acme", "Acme", []any{"owncloud"}
	})}
	gives := provider.Override{Name: "nextcloud.json", Raw: edit(t, "nextcloud", func(m map[string]any) { m["goa_types"] = []any{} })}
	broken := provider.Override{Name: "xiaomi.json", Raw: edit(t, "xiaomi", func(m map[string]any) { m["goa_types"] = []any{"google"} })}
	for _, all := range [][]provider.Override{{takes, gives}, {gives, takes}, {takes, broken, gives}} {
		c := loadWith(t, all...)
		if c.Broken("acme") != "" || c.Broken("nextcloud") != "" {
			t.Errorf("faults %q", c.Faults())
		}
		if p, ok := c.ForGOA("owncloud"); !ok || p.ID != "acme" {
			t.Errorf("owncloud is %q's", p.ID)
		}
	}
	if c := loadWith(t, takes); c.Broken("acme") == "" {
		t.Error("two have one type")
	}
}

func TestTogether(t *testing.T) {
	p, err := provider.Check("acme.json", edit(t, "oppo", func(m map[string]any) { m["id"] = "acme" }))
	if err != nil {
		t.Fatal(err)
	}
	if err := provider.Together(p); err != nil {
		t.Error(err)
	}
	if err := provider.Together(p, p); err == nil {
		t.Error("two files about one provider go together")
	}
	p.GOATypes = []string{"google"}
	if err := provider.Together(p); err == nil {
		t.Error("one type belongs to two")
	}
}
