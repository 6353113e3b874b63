package lint_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/ipc/lint"
)

// sound is a file without a fault.
func sound() map[string]any {
	return map[string]any{
		"id": "acme", "name": "Acme", "known": true,
		"facts":        []any{map[string]any{"id": "final", "text": "It is final.", "source": "acme.example", "confidence": "H"}},
		"data":         []any{map[string]any{"id": "mail", "name": "Mail", "dataset": "", "after": "Gone.", "where": "Mail.", "facts": []any{"final"}}},
		"consequences": []any{map[string]any{"id": "final", "text": "It is final.", "facts": []any{"final"}}},
		"tracker":      map[string]any{"runs_tracker": "unknown", "confidence": "L", "facts": []any{}},
		"deletion":     []any{map[string]any{"id": "page", "title": "On the page", "url": "https://acme.example/", "needs": "web"}},
	}
}

func write(t testing.TB, dir, name string, content any) string {
	t.Helper()
	raw, isRaw := content.(string)
	if !isRaw {
		encoded, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(encoded)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(raw), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSoundFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "acme.json", sound())
	write(t, dir, "README", "no profile")
	files, err := lint.Files(dir, filepath.Join(dir, "acme.json"))
	if err != nil || len(files) != 1 || len(files[0].Faults) != 0 {
		t.Errorf("%+v, %v", files, err)
	}
	built, err := filepath.Glob("../../agent/provider/catalogue/*.json")
	if err != nil || len(built) == 0 {
		t.Fatal(err)
	}
	if files, err = lint.Files(built...); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if len(f.Faults) != 0 {
			t.Errorf("%+v", f)
		}
	}
}

// TestFaults wants each fault to name its field and what to do.
func TestFaults(t *testing.T) {
	first := func(m map[string]any, list string) map[string]any { return m[list].([]any)[0].(map[string]any) }
	for name, c := range map[string]struct {
		change func(map[string]any)
		field  string
		text   string
	}{
		"missing":       {func(m map[string]any) { delete(first(m, "facts"), "source") }, "facts[0].source", "is missing"},
		"misspelt":      {func(m map[string]any) { m["consequence"] = []any{} }, "consequence", "is not a field"},
		"kind":          {func(m map[string]any) { m["known"] = "yes" }, "known", "kind string"},
		"choice":        {func(m map[string]any) { first(m, "data")["dataset"] = "videos" }, "data[0].dataset", `"photos"`},
		"page":          {func(m map[string]any) { first(m, "deletion")["url"] = "http://x.example" }, "deletion[0].url", "https"},
		"no way":        {func(m map[string]any) { delete(first(m, "deletion"), "url") }, "deletion[0]", "neither url nor steps"},
		"blank":         {func(m map[string]any) { m["name"] = " " }, "name", "blank"},
		"host":          {func(m map[string]any) { m["hosts"] = []any{"Acme.example/"} }, "hosts[0]", "host"},
		"too long":      {func(m map[string]any) { m["name"] = strings.Repeat("x", 1001) }, "name", "longer"},
		"empty":         {func(m map[string]any) { m["data"] = []any{} }, "data", "is empty"},
		"not known":     {func(m map[string]any) { m["known"] = false }, "deletion", "must be empty"},
		"no guide":      {func(m map[string]any) { m["tracker"].(map[string]any)["runs_tracker"] = "yes" }, "tracker.guide", "is missing"},
		"fact not here": {func(m map[string]any) { first(m, "data")["facts"] = []any{"other"} }, "", `no fact "other"`},
		"named other":   {func(m map[string]any) { m["id"] = "other" }, "", "the file's name"},
		"taken type":    {func(m map[string]any) { m["goa_types"] = []any{"google"} }, "", "belongs to acme and to google"},
		"escape":        {func(m map[string]any) { m["\x1b[2J"] = 1 }, `"\x1b[2J"`, "is not a field"},
	} {
		t.Run(name, func(t *testing.T) {
			m := sound()
			c.change(m)
			files, err := lint.Files(write(t, t.TempDir(), "acme.json", m))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files[0].Faults {
				if f.Field == c.field && strings.Contains(f.Text, c.text) && f.Do != "" {
					return
				}
			}
			t.Errorf("found %+v", files[0].Faults)
		})
	}
}

func TestRefusesWhatIsNoProfile(t *testing.T) {
	dir := t.TempDir()
	for name, raw := range map[string]string{
		"cut.json": `{"id":`, "list.json": `[]`, "twice.json": `{"id":"a"} {}`, "empty.json": "", "large.json": `"` + strings.Repeat("x", 300<<10) + `"`,
		"again.json": `{"id":"again","id":"again","name":"x","tracker":{"runs_tracker":"unknown","confidence":"L"}}`,
	} {
		files, err := lint.Files(write(t, dir, name, raw))
		if err != nil || len(files) != 1 || len(files[0].Faults) == 0 {
			t.Errorf("%s: %+v, %v", name, files, err)
		}
	}
	if _, err := lint.Files(filepath.Join(dir, "none.json")); err == nil {
		t.Error("a file that is not there was checked")
	}
}

// Two files that are sound alone and not together.
func TestTogether(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	files, err := lint.Files(write(t, one, "acme.json", sound()), write(t, two, "acme.json", sound()))
	if err != nil || len(files) != 2 || len(files[0].Faults)+len(files[1].Faults) != 1 {
		t.Errorf("%+v, %v", files, err)
	}
}

// FuzzCheck: whatever a file holds, its check ends, and agrees with the agent.
func FuzzCheck(f *testing.F) {
	raw, err := json.Marshal(sound())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"id":"acme","name":"Acme","tracker":{"runs_tracker":"unknown","confidence":"L"}}`))
	f.Add([]byte(`{"id":{"id":[null]}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := lint.Files(write(t, dir, "acme.json", string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := provider.Check("acme.json", raw)
		if err == nil {
			err = provider.Together(p)
		}
		if (err == nil) != (len(files[0].Faults) == 0) {
			t.Errorf("the agent says %v, the check %+v", err, files[0].Faults)
		}
	})
}
