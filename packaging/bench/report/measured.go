package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Result is one figure as programs read it. Without a peer, Ratio is Ours in
// Unit; Bar is the most that Ratio may be.
type Result struct {
	Name  string   `json:"name"`
	Ours  float64  `json:"ours"`
	Peer  *float64 `json:"peer"`
	Ratio float64  `json:"ratio"`
	Bar   float64  `json:"bar"`
	Unit  string   `json:"unit"`
}

// Alone is a figure without a peer.
func Alone(name string, ours, bar float64, unit string) Result {
	return Result{Name: name, Ours: ours, Ratio: ours, Bar: bar, Unit: unit}
}

// Beside is a figure with one.
func Beside(name string, ours, peer, bar float64, unit string) Result {
	return Result{Name: name, Ours: ours, Peer: &peer, Ratio: ours / peer, Bar: bar, Unit: unit}
}

// Met reports whether the bar holds.
func (r *Result) Met() bool { return r.Ratio <= r.Bar }

// Figure is a result and the run that it is of.
type Figure struct {
	Result
	Run int `json:"run"` // an index of [Course.Runs]
}

// Row is one step of one tool on one corpus: medians.
type Row struct {
	Corpus string  `json:"corpus"`
	Files  int     `json:"files"`
	Bytes  int64   `json:"bytes"`
	Task   string  `json:"task"`
	Tool   string  `json:"tool"`
	Rounds int     `json:"rounds"`
	Wall   float64 `json:"wall_s"`
	User   float64 `json:"user_s"`
	System float64 `json:"system_s"`
	PeakMB float64 `json:"peak_mb"`
	Lost   *int    `json:"lost,omitempty"` // files that are not in the copy, where that was counted
	Run    int     `json:"run"`            // an index of [Course.Runs]
}

// Run is one time at which a course was measured, or a part of it.
type Run struct {
	At      time.Time `json:"at"`
	Command string    `json:"command"`
	Rounds  int       `json:"rounds"`
	Load    float64   `json:"load"` // the machine's load average of one minute, just before
	Machine Machine   `json:"machine"`
}

// Course is what one course measured.
type Course struct {
	Name    string   `json:"name"`
	Runs    []Run    `json:"runs"`              // the latest is the last
	Missing []string `json:"missing,omitempty"` // tools that were not there
	Rows    []Row    `json:"rows,omitempty"`
	Figures []Figure `json:"figures"`
	// Of a course that was just measured: when, in how many rounds, and whether
	// only some of the tools took part.
	At     time.Time `json:"-"`
	Rounds int       `json:"-"`
	Part   bool      `json:"-"`
}

// Machine is where a course ran.
type Machine struct {
	Cores    int               `json:"cores"`
	Model    string            `json:"model"`
	MemoryGB float64           `json:"memory_gb"`
	Kernel   string            `json:"kernel"`
	Files    string            `json:"files"` // the file systems of the copies
	Cold     string            `json:"cold"`  // how caches were emptied
	Go       string            `json:"go"`
	Tools    map[string]string `json:"tools"`
}

// Median is the middle value, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Measured is every course, in the order in which they are shown.
type Measured []Course

// Load reads measured.json of a folder; nothing where there is none.
func Load(dir string) (Measured, error) {
	text, err := os.ReadFile(filepath.Join(dir, "measured.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var m Measured
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && slices.ContainsFunc(m, func(c Course) bool { return !c.sound() }) {
		err = errors.New("a figure is of no run")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was measured before: %w", err)
	}
	return m, nil
}

// Save writes measured.json, results.json and RESULTS.md.
func (m Measured) Save(dir string) error {
	all, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	results, err := json.MarshalIndent(m.Results(), "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "measured.json"), append(all, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "results.json"), append(results, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(m.Markdown()), 0o644))
}
