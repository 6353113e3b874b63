package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	values := []float64{3, 1, 2}
	Median(values)
	if values[0] != 3 {
		t.Error("Median sorted its argument")
	}
}

func TestRatio(t *testing.T) {
	r := Beside("x", 1, 4, 0.25, "s")
	if r.Ratio != 0.25 || !r.Met() {
		t.Errorf("%+v", r)
	}
	if r = Beside("x", 2, 4, 0.25, "s"); r.Met() || verdict(&r) != "missed by 100 %" {
		t.Errorf("%+v: %s", r, verdict(&r))
	}
	if r = Alone("x", 3, 5, "s"); r.Ratio != 3 || r.Peer != nil || verdict(&r) != "met" {
		t.Errorf("%+v", r)
	}
	if r = Beside("x", 451, 1000, 0.45, "s"); verdict(&r) != "missed by 0.2 %" {
		t.Errorf("narrowly: %s", verdict(&r))
	}
	if r = Alone("x", 3, 0, "files"); verdict(&r) != "missed by 3" {
		t.Errorf("%+v: %s", r, verdict(&r))
	}
}

func course(name string, results ...Result) Course {
	c := Course{Name: name, Runs: []Run{{
		At: time.Unix(1e9, 0).UTC(), Command: "make bench", Rounds: 5,
		Machine: Machine{Cores: 2, Tools: map[string]string{"b": "2", "a": "1"}},
	}}}
	for _, r := range results {
		c.Figures = append(c.Figures, Figure{Result: r})
	}
	return c
}

// TestPart: a run of a part replaces that part alone; what it did not measure
// keeps its figure and says of which run it is, for as long as anything is of it.
func TestPart(t *testing.T) {
	whole := course("one", Beside("beside a", 1, 2, 1, "s"), Beside("beside b", 1, 4, 1, "s"))
	whole.Rows = []Row{{Tool: "ours", Wall: 1}, {Tool: "a", Wall: 2}, {Tool: "b", Wall: 4}}
	part := course("one", Beside("beside a", 3, 2, 1, "s"))
	part.Rows, part.Part = []Row{{Tool: "ours", Wall: 3}, {Tool: "a", Wall: 2}}, true
	part.Runs[0].At, part.Runs[0].Command = time.Unix(2e9, 0), "make bench BENCHFLAGS=a"
	m := Measured{whole}.Merge(part, []string{"one"})
	c := m[0]
	if len(c.Runs) != 2 || len(c.Rows) != 3 || len(c.Figures) != 2 {
		t.Fatalf("%+v", c)
	}
	if c.Rows[0].Wall != 3 || c.Rows[0].Run != 1 || c.Rows[2].Wall != 4 || c.Rows[2].Run != 0 {
		t.Errorf("%+v", c.Rows)
	}
	if c.Figures[0].Ratio != 1.5 || c.Figures[0].Run != 1 || c.Figures[1].Ratio != 0.25 || c.Figures[1].Run != 0 {
		t.Errorf("%+v", c.Figures)
	}
	text := m.Markdown()
	for _, want := range []string{
		"| beside a | 3 s | 2 s | 1.5 | 1 | missed by 50 % | 2 |", "| beside b | 1 s | 4 s | 0.25 | 1 | met | 1, of 2001-09-09 |",
		"| 1 | one | 2001-09-09 01:46 | `make bench` |", "| 2 | one | 2033-05-18 03:33 | `make bench BENCHFLAGS=a` |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("RESULTS.md lacks %q:\n%s", want, text)
		}
	}
	// Once the rest is measured too, nothing is of the first run.
	rest := course("one", Beside("beside b", 1, 5, 1, "s"))
	rest.Rows, rest.Part = []Row{{Tool: "b", Wall: 5}}, true
	c = m.Merge(rest, []string{"one"})[0]
	if len(c.Runs) != 2 || c.Runs[0].Command != "make bench BENCHFLAGS=a" || c.Rows[0].Run != 0 || c.Rows[2].Run != 1 || c.Figures[1].Run != 1 {
		t.Errorf("%+v", c)
	}
	if whole.Rows[0].Wall != 1 || whole.Figures[0].Ratio != 0.5 {
		t.Error("what was measured before was changed in place")
	}
}

// TestMerge: a run of one course leaves the others, the order is that of the
// courses, and one that no longer exists is forgotten.
func TestMerge(t *testing.T) {
	dir := t.TempDir()
	if m, err := Load(dir); err != nil || m != nil {
		t.Fatalf("%v %v", m, err)
	}
	order := []string{"one", "two", "three"}
	m := Measured{course("gone", Alone("g", 1, 1, "s")), course("three", Alone("c", 1, 2, "s"))}
	m = m.Merge(course("one", Alone("a", 1, 2, "s")), order)
	m = m.Merge(course("three", Beside("c", 3, 6, 0.5, "s")), order)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	m, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m = m.Merge(course("two", Alone("b", 1, 2, "s")), order)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"name": "a", "ours": 1.0, "peer": nil, "ratio": 1.0, "bar": 2.0, "unit": "s"},
		{"name": "b", "ours": 1.0, "peer": nil, "ratio": 1.0, "bar": 2.0, "unit": "s"},
		{"name": "c", "ours": 3.0, "peer": 6.0, "ratio": 0.5, "bar": 0.5, "unit": "s"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDamagedRecordIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"[{", `[{"name":"a","figures":[{"name":"x","run":1}],"runs":[{}]}]`} {
		if err := os.WriteFile(filepath.Join(dir, "measured.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil {
			t.Errorf("a damaged measured.json was taken for none: %s", text)
		}
	}
}

// TestMarkdown: what a person needs stands there: by how much and why a bar was
// missed, what was not measured, the curve, and by which command it was made.
func TestMarkdown(t *testing.T) {
	Why["slow"] = "the disk was busy"
	t.Cleanup(func() { delete(Why, "slow") })
	c := course("first", Beside("slow", 3, 2, 0.5, "s"), Alone("fine", 1, 2, "MB"))
	c.Runs[0].Command, c.Missing = "make bench BENCHFLAGS='-only a|b'", []string{"borg (package borgbackup)"}
	lost := 7
	c.Rows = []Row{
		{Corpus: "small", Files: 100_000, Task: "initial", Tool: "clearance", Rounds: 5, Wall: 5, User: 1, System: 2, PeakMB: 40},
		{Corpus: "small", Files: 1000, Task: "initial", Tool: "clearance", Rounds: 5, Wall: 0.1, Lost: &lost},
	}
	text := Measured{c, course("second", Alone("other", 9, 3, "s"))}.Markdown()
	for _, want := range []string{
		"1 of 3 figures meet their bar",
		"| slow | missed by 200 % | the disk was busy |",
		"| other | missed by 200 % | not yet explained |",
		"| slow | 3 s | 2 s | 1.5 | 0.5 | missed by 200 % | 1 |",
		"| fine | 1 MB | | | 2 MB | met | 1 |",
		"Not measured, for it is not installed: borg (package borgbackup).",
		"| 100,000 | initial | clearance | 5 s | 3 s (1 + 2) | 40 MB | 5 |  | 1 |",
		"| 1,000 | initial | clearance | 0.1 s | 0 s (0 + 0) | 0 MB | 5 | 7 | 1 |",
		"| initial | clearance | 1,000 | 0.1 s | 100 µs | 0 µs | 0 MB |\n| initial | clearance | 100,000 | 5 s | 50 µs | 30 µs | 40 MB |",
		"| 1 | first | 2001-09-09 01:46 | `make bench BENCHFLAGS='-only a\\|b'` | 5 | 0 | 1 |",
		"a: 1; b: 2",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("RESULTS.md lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
