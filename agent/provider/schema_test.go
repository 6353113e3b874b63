package provider_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/clearance-project/clearance/agent/provider"
)

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(provider.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(provider.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(provider.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func builtins(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("catalogue/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = raw
	}
	return all
}

func accepts(t testing.TB, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestSchemaTakesEveryBuiltInProfile(t *testing.T) {
	s := schema(t)
	for name, raw := range builtins(t) {
		if err := accepts(t, s, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := provider.Check(name, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaNamesEveryField holds the schema to the fields of the Go types, both
// ways: a field that is added to one side alone is found here.
func TestSchemaNamesEveryField(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(provider.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	defs := doc["$defs"].(map[string]any)
	for name, of := range map[string]any{
		"": provider.Profile{}, "fact": provider.Fact{}, "class": provider.DataClass{}, "statement": provider.Statement{},
		"separate": provider.Separate{}, "tracker": provider.Tracker{}, "guide": provider.Guide{}, "path": provider.Path{},
	} {
		object := doc
		if name != "" {
			object = defs[name].(map[string]any)
		}
		var want, got []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(of)) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, key)
		}
		for key := range object["properties"].(map[string]any) {
			got = append(got, key)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%T has the fields %v, the schema %v", of, want, got)
		}
		if object["additionalProperties"] != false {
			t.Errorf("the schema of %T is open", of)
		}
	}
}

// TestBothRefuse changes one thing at a time that a schema can see, everywhere
// it can be changed, and wants both sides to refuse it.
func TestBothRefuse(t *testing.T) {
	s := schema(t)
	at := first
	tracker := func(m map[string]any) map[string]any { return m["tracker"].(map[string]any) }
	for name, change := range map[string]func(map[string]any){
		"further field":           func(m map[string]any) { m["trusted"] = true },
		"further field in a fact": func(m map[string]any) { at(m, "facts")["note"] = "x" },
		"field in another case":   func(m map[string]any) { m["Known"] = true },
		"null":                    func(m map[string]any) { m["devices"] = nil },
		"text for a truth":        func(m map[string]any) { m["known"] = "yes" },
		"number for a text":       func(m map[string]any) { m["name"] = 7 },
		"text for a list":         func(m map[string]any) { m["data"] = "everything" },
		"no id":                   func(m map[string]any) { delete(m, "id") },
		"no name":                 func(m map[string]any) { delete(m, "name") },
		"blank name":              func(m map[string]any) { m["name"] = "  " },
		"name with an escape":     func(m map[string]any) { m["name"] = "\x1b[2J" },
		"name written backwards":  func(m map[string]any) { m["name"] = "a\u202eb" },
		"long name":               func(m map[string]any) { m["name"] = strings.Repeat("x", 1001) },
		"id in capitals":          func(m map[string]any) { m["id"] = "Xiaomi" },
		"no source":               func(m map[string]any) { delete(at(m, "facts"), "source") },
		"no confidence":           func(m map[string]any) { delete(at(m, "facts"), "confidence") },
		"other confidence":        func(m map[string]any) { at(m, "facts")["confidence"] = "VERY" },
		"no after":                func(m map[string]any) { delete(at(m, "data"), "after") },
		"empty where":             func(m map[string]any) { at(m, "data")["where"] = "" },
		"other kind":              func(m map[string]any) { at(m, "data")["dataset"] = "videos" },
		"no text":                 func(m map[string]any) { delete(at(m, "records"), "text") },
		"no needs":                func(m map[string]any) { delete(at(m, "deletion"), "needs") },
		"plain http":              func(m map[string]any) { at(m, "deletion")["url"] = "http://mi.com/" },
		"user in the address":     func(m map[string]any) { at(m, "deletion")["url"] = "https://mi.com@evil.example/" },
		"mark as a host":          func(m map[string]any) { at(m, "deletion")["url"] = "{server}.evil.example/" },
		"space in the address":    func(m map[string]any) { at(m, "deletion")["url"] = "https://mi.com/a b" },
		"neither page nor steps": func(m map[string]any) {
			at(m, "deletion")["url"] = ""
			at(m, "deletion")["steps"] = []any{}
		},
		"no tracker":              func(m map[string]any) { delete(m, "tracker") },
		"tracker that may be":     func(m map[string]any) { tracker(m)["runs_tracker"] = "perhaps" },
		"tracker without a guide": func(m map[string]any) { delete(tracker(m), "guide") },
		"guide without steps":     func(m map[string]any) { tracker(m)["guide"].(map[string]any)["steps"] = []any{} },
		"no tracker, nearly sure": func(m map[string]any) { tracker(m)["runs_tracker"], tracker(m)["confidence"] = "no", "M" },
		"no tracker, no fact": func(m map[string]any) {
			tracker(m)["runs_tracker"], tracker(m)["confidence"], tracker(m)["facts"] = "no", "H", []any{}
		},
		"no consequences":       func(m map[string]any) { m["consequences"] = []any{} },
		"no data":               func(m map[string]any) { delete(m, "data") },
		"not known, and claims": func(m map[string]any) { m["known"] = false },
		"host with a path":      func(m map[string]any) { m["hosts"] = []any{"mi.com/x"} },
		"101 facts": func(m map[string]any) {
			for range 101 {
				m["facts"] = append(m["facts"].([]any), at(m, "facts"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw := edit(t, "xiaomi", change)
			if accepts(t, s, raw) == nil {
				t.Error("the schema takes it")
			}
			if _, err := provider.Check("xiaomi.json", raw); err == nil {
				t.Error("the parser takes it")
			}
		})
	}
}

// TestSchemaIsNeverStricter changes profiles at random: what the parser takes,
// the schema takes.
func TestSchemaIsNeverStricter(t *testing.T) {
	s, files := schema(t), builtins(t)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "file")
		var m map[string]any
		if err := json.Unmarshal(files[name], &m); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			meddle(t, m)
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Check(name, raw); err != nil {
			return
		}
		taken++
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Fatalf("the parser takes what the schema refuses: %v\n%s", err, raw)
		}
	})
	if taken == 0 {
		t.Error("nothing that was changed was taken: the test says nothing")
	}
}

// meddle changes one value somewhere in a document.
func meddle(t *rapid.T, m map[string]any) {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if len(keys) == 0 {
		return
	}
	key := rapid.SampledFrom(keys).Draw(t, "key")
	if deeper, ok := m[key].(map[string]any); ok && rapid.Bool().Draw(t, "deeper") {
		meddle(t, deeper)
		return
	}
	if list, ok := m[key].([]any); ok && len(list) > 0 && rapid.Bool().Draw(t, "into") {
		if deeper, ok := list[rapid.IntRange(0, len(list)-1).Draw(t, "at")].(map[string]any); ok {
			meddle(t, deeper)
			return
		}
	}
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		delete(m, key)
	case 1:
		m[key] = rapid.SampledFrom([]any{"", " ", "x", " a ", "é", "a\tb", "https://a.example/x y", "https://a.example:8443?q#f", "HTTPS://A.example/",
			"{server}/x", "{server}/", "yes", "no", "unknown", "H", "web", "files", false, true, 1.0, nil}).Draw(t, "value")
	case 2:
		m[key] = []any{}
	case 3:
		m[key] = []any{rapid.SampledFrom([]any{"x", "a.example", "Photos/../x", map[string]any{}}).Draw(t, "element")}
	case 4:
		m[rapid.SampledFrom([]string{"guide", "devices", "url", "more"}).Draw(t, "further")] = m[key]
	}
}
