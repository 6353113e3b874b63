package inifile

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var plain = Dialect{MaxBytes: 1 << 20, Comments: "#", Part: "="}

func with(change func(*Dialect)) Dialect {
	d := plain
	change(&d)
	return d
}

// TestParse: each dialect, and what the others make of the same lines.
func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		dialect Dialect
		text    string
		want    File
	}{
		"groups":        {plain, "\ufeff# x\r\n\r\n[A]\r\n k = v=w \r\n[B]\n[A]\nk=", File{{}, {Name: "A", Keys: []Key{{"k", "v=w", 4}}}, {Name: "B"}, {Name: "A", Keys: []Key{{"k", "", 7}}}}},
		"no root":       {plain, "k=v\n;x=y\n", File{{Bad: []int{1, 2}}}},
		"a root":        {with(func(d *Dialect) { d.Rootless, d.Comments = true, ";#" }), "k=v\n;x=y\n", File{{Keys: []Key{{"k", "v", 1}}}}},
		"no key":        {plain, "[A]\n=v\nnothing\nk:v\n", File{{}, {Name: "A", Bad: []int{2, 3, 4}}}},
		"two parts":     {with(func(d *Dialect) { d.Part = "=:" }), "[A]\nk:v=w\n", File{{}, {Name: "A", Keys: []Key{{"k", "v=w", 2}}}}},
		"spaces":        {with(func(d *Dialect) { d.Spaces = true }), "[A]\n k =  v \r\n", File{{}, {Name: "A", Keys: []Key{{"k", "  v ", 2}}}}},
		"not continued": {plain, "[A]\nk=v\n w\n", File{{}, {Name: "A", Keys: []Key{{"k", "v", 2}}, Bad: []int{3}}}},
		"continued": {with(func(d *Dialect) { d.Continued = true }), " [A]\n k=v\n\t[w]\n # x\n  x=y\n[B]\n",
			File{{}, {Name: "A", Keys: []Key{{"k", "v\n[w]\nx=y", 2}}}, {Name: "B"}}},
		"plain names": {plain, "[A][B]\nk=v\n[C\nk=v\n[D] x\n[]\n[E] \n", File{{}, {Bad: []int{1, 2}}, {Bad: []int{3, 4}}, {Bad: []int{5}}, {Bad: []int{6}}, {Name: "E"}}},
		"first":       {with(func(d *Dialect) { d.Header = First }), "[A][B]\n[C\n[D] x\n", File{{}, {Name: "A"}, {Bad: []int{2}}, {Name: "D"}}},
		"last":        {with(func(d *Dialect) { d.Header = Last }), "[A][B]\n[C\n[D] x\n", File{{}, {Name: "A][B"}, {Bad: []int{2}}, {Bad: []int{3}}}},
	} {
		got, err := c.dialect.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestStrict(t *testing.T) {
	for text, want := range map[string]string{"": "", "[A]\nk=v\n": "", "[A]\n\nx\ny\n": "line 3", "x": "line 1", "[A]\n[B": "line 2"} {
		if _, err := plain.Strict(text); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want+" ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	for _, text := range []string{strings.Repeat("x", plain.MaxBytes+1), strings.Repeat("\n", maxLines+1)} {
		if f, err := plain.Parse(text); f != nil || !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %v, %v", len(text), f, err)
		}
	}
}

// FuzzParse: every line is in exactly one place.
func FuzzParse(f *testing.F) {
	for options := range byte(32) {
		f.Add("# c\n[A]\nk=v\n w\n[B] x\n:\n", options)
	}
	f.Fuzz(func(t *testing.T, text string, options byte) {
		d := Dialect{MaxBytes: 1 << 16, Comments: "#;", Part: "=:", Header: Header(options % 3), Rootless: options&4 != 0, Spaces: options&8 != 0, Continued: options&16 != 0}
		file, err := d.Parse(text)
		if err != nil {
			return
		}
		var seen []int
		for _, g := range file {
			for _, k := range g.Keys {
				seen = append(seen, k.Line)
				if k.Name == "" || !d.Continued && strings.Contains(k.Value, "\n") {
					t.Errorf("the key %q with %q", k.Name, k.Value)
				}
			}
			seen = append(seen, g.Bad...)
		}
		slices.Sort(seen)
		if len(slices.Compact(slices.Clone(seen))) != len(seen) {
			t.Errorf("lines in two places: %v", seen)
		}
		if n := strings.Count(text, "\n") + 1; len(seen) > 0 && (seen[0] < 1 || seen[len(seen)-1] > n) {
			t.Errorf("lines %v of %d", seen, n)
		}
	})
}
