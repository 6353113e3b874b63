package provider_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clearance-project/clearance/agent/provider"
)

func first(m map[string]any, list string) map[string]any {
	return m[list].([]any)[0].(map[string]any)
}

// TestRefuses changes one thing in a good file and wants an error that names it.
func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		change     func(map[string]any)
		want       string
	}{
		{"unknown field", "xiaomi", func(m map[string]any) { m["trusted"] = true }, `unknown field "trusted"`},
		{"unknown inner field", "xiaomi", func(m map[string]any) { first(m, "facts")["note"] = "x" }, `unknown field "note"`},
		{"field in another case", "xiaomi", func(m map[string]any) { m["Known"] = false }, `unknown field "Known"`},
		{"null", "xiaomi", func(m map[string]any) { m["devices"] = nil }, "devices: null"},
		{"no name", "xiaomi", func(m map[string]any) { delete(m, "name") }, "name is missing"},
		{"other id", "xiaomi", func(m map[string]any) { m["id"] = "acme" }, "want the file's name"},
		{"id with a slash", "xiaomi", func(m map[string]any) { m["id"] = "../x" }, "lower-case-id"},
		{"fact without source", "xiaomi", func(m map[string]any) { first(m, "facts")["source"] = " " }, "facts.deletion-page.source is missing"},
		{"confidence", "xiaomi", func(m map[string]any) { first(m, "facts")["confidence"] = "M-H" }, "want H, M or L"},
		{"no confidence", "xiaomi", func(m map[string]any) { delete(first(m, "facts"), "confidence") }, "want H, M or L"},
		{"fact twice", "xiaomi", func(m map[string]any) { m["facts"] = append(m["facts"].([]any), first(m, "facts")) }, "is there twice"},
		{"no such fact", "xiaomi", func(m map[string]any) { first(m, "consequences")["facts"] = []any{"nothing"} }, `no fact "nothing"`},
		{"dataset", "xiaomi", func(m map[string]any) { first(m, "data")["dataset"] = "videos" }, `no dataset "videos"`},
		{"needs", "xiaomi", func(m map[string]any) { first(m, "deletion")["needs"] = "luck" }, "needs is"},
		{"plain http", "xiaomi", func(m map[string]any) { first(m, "deletion")["url"] = "http://account.xiaomi.com/pass/del" }, "is not https"},
		{"user in url", "xiaomi", func(m map[string]any) { first(m, "deletion")["url"] = "https://mi.com@evil.example/" }, "is not https"},
		{"server mark as host", "xiaomi", func(m map[string]any) { first(m, "deletion")["url"] = "{server}.evil.example/" }, "is not https"},
		{"terminal escape", "xiaomi", func(m map[string]any) { first(m, "consequences")["text"] = "\x1b[2Jnothing is lost" }, "cannot be shown"},
		{"right-to-left override", "xiaomi", func(m map[string]any) { m["name"] = "Xiao\u202emi" }, "cannot be shown"},
		{"long text", "xiaomi", func(m map[string]any) { m["name"] = strings.Repeat("x", 1001) }, "longer than"},
		{"photo folder outside", "nextcloud", func(m map[string]any) { m["photo_folders"] = []any{"../other"} }, "not a path inside"},
		{"tracker answer", "xiaomi", func(m map[string]any) { m["tracker"].(map[string]any)["runs_tracker"] = "" }, "want yes, no or unknown"},
		{"tracker without guide", "xiaomi", func(m map[string]any) { delete(m["tracker"].(map[string]any), "guide") }, "needs a guide"},
		{"no tracker on a weak fact", "nextcloud", func(m map[string]any) { m["tracker"].(map[string]any)["confidence"] = "M" }, "needs a fact of confidence H"},
		{"no tracker without a fact", "nextcloud", func(m map[string]any) { m["tracker"].(map[string]any)["facts"] = []any{} }, "needs a fact of confidence H"},
		{"known without deletion", "nextcloud", func(m map[string]any) { m["deletion"] = []any{} }, "needs data, consequences and deletion"},
		{"unknown that claims", "nextcloud", func(m map[string]any) { m["known"] = false }, "an unknown profile has"},
		{"goa type taken", "xiaomi", func(m map[string]any) { m["goa_types"] = []any{"google"} }, "belongs to google and to xiaomi"},
		{"separate account unlisted", "xiaomi", func(m map[string]any) { first(m, "separate")["provider"] = "acme" }, `"acme", which has no profile`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := provider.Load(fstest.MapFS{tc.file + ".json": {Data: edit(t, tc.file, tc.change)}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error = %v, want %q", err, tc.want)
			}
		})
	}
}

// TestRefusesText covers what an edited object cannot show.
func TestRefusesText(t *testing.T) {
	for name, tc := range map[string]struct{ raw, want string }{
		"empty":       {"", "EOF"},
		"list":        {"[]", "not an object"},
		"field twice": {`{"id":"acme","id":"xiaomi"}`, "given twice"},
		"text after":  {`{"id":"acme"} {}`, "text after"},
		"deep":        {`{"id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too deeply"},
		"large":       {`{"id":"` + strings.Repeat("x", 300<<10) + `"}`, "more than"},
		"cut short":   {`{"id":"acme"`, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := provider.Load(fstest.MapFS{"acme.json": {Data: []byte(tc.raw)}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error = %v, want %q", err, tc.want)
			}
		})
	}
}

// FuzzLoad feeds a file of the override folder: it never panics, and what is
// accepted keeps the package's invariants.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id":"acme","name":"Acme","tracker":{"runs_tracker":"unknown","confidence":"L"}}`, `{"id":null}`, `{"a":[[{"b":1}]]}`} {
		f.Add([]byte(seed))
	}
	c, err := provider.Load(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Logf("%d built-in profiles", len(c.List()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := provider.Load(fstest.MapFS{"acme.json": {Data: raw}})
		if err != nil {
			return
		}
		p := c.Lookup("acme")
		if p.ID != "acme" || p.Name == "" {
			t.Fatalf("accepted a profile without a name: %+v", p)
		}
		for _, fact := range p.Facts {
			if fact.Source == "" || fact.Text == "" {
				t.Fatalf("accepted a fact without source or text: %+v", fact)
			}
		}
		if p.Tracker.Runs == provider.RunsNo && !p.RunsNoTracker() {
			t.Fatal("accepted \"no tracker\" without a fact of confidence H")
		}
	})
}
