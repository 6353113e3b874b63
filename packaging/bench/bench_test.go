package main

import (
	"io"
	"regexp"
	"slices"
	"testing"

	"github.com/clearance-project/clearance/packaging/bench/beside"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

func names(o *options) (courses, figures []string) {
	for _, c := range o.courses() {
		courses, figures = append(courses, c.name), append(figures, c.figures...)
	}
	return courses, figures
}

// TestFigures: names tell figures apart, and every reason is one of a figure.
func TestFigures(t *testing.T) {
	courses, figures := names(&options{runs: 5, million: 3, say: io.Discard})
	for _, list := range [][]string{courses, figures} {
		seen := map[string]bool{}
		for _, name := range list {
			if seen[name] {
				t.Errorf("%q is there twice", name)
			}
			seen[name] = true
		}
	}
	for name := range report.Why {
		if !slices.Contains(figures, name) {
			t.Errorf("a reason is given for %q, which is no figure", name)
		}
	}
	for _, want := range []string{
		"initial, 2,000 photos: beside rsync -a + sync", "no change, 100,000 small files: beside rsync -a",
		"initial, 1,000,000 small files: peak memory", "start to serving",
	} {
		if !slices.Contains(figures, want) {
			t.Errorf("no figure %q", want)
		}
	}
}

func TestOnly(t *testing.T) {
	o := &options{runs: 1, million: 1, say: io.Discard}
	for only, want := range map[string][]string{
		"^photos$":            {"photos"},
		"peak memory":         {"a million small files"},
		"start to|status cal": {"start to serving", "status call"},
		"nothing of ours":     nil,
	} {
		var got []string
		for _, c := range o.courses() {
			if c.matches(regexp.MustCompile(only)) {
				got = append(got, c.name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("-only %s: %v, want %v", only, got, want)
		}
	}
}

// TestRatios: what is held against what.
func TestRatios(t *testing.T) {
	row := func(task beside.Task, tool string, files int, wall, peak float64) report.Row {
		return report.Row{Task: string(task), Tool: tool, Files: files, Wall: wall, PeakMB: peak}
	}
	rows := []report.Row{
		row(beside.Initial, beside.Ours, 100, 1, 50), row(beside.Again, beside.Ours, 100, 0.1, 20),
		row(beside.Initial, beside.Ours, 1000, 12, 60), row(beside.Again, beside.Ours, 1000, 0.9, 30),
		row(beside.Initial, "rsync -a + sync", 1000, 24, 9),
	}
	want := map[string]float64{
		"initial, 1,000 small files: beside rsync -a + sync":      0.5,
		"initial: time a file at 1,000, beside a tenth of them":   1.2,
		"no change: time a file at 1,000, beside a tenth of them": 0.9,
		"initial, 1,000 small files: peak memory":                 60,
		"no change, 1,000 small files: peak memory":               30,
	}
	for i := range millionFigures {
		r, ok := millionFigures[i].of(rows, 1000)
		ratio, wanted := want[r.Name]
		if ok != wanted {
			t.Errorf("%s: measured %v, want %v", r.Name, ok, wanted)
		}
		if ok && (r.Ratio < ratio-1e-9 || r.Ratio > ratio+1e-9) {
			t.Errorf("%s: %v, want %v", r.Name, r.Ratio, ratio)
		}
	}
}

// TestTools: ours is always measured, whatever it is measured beside.
func TestTools(t *testing.T) {
	o := &options{}
	if got := o.tools(nil); got != nil {
		t.Errorf("%v", got)
	}
	o.peers = regexp.MustCompile("rsync|restic")
	if got := o.tools(nil); !slices.Equal(got, []string{beside.Ours, "rsync", "restic"}) {
		t.Errorf("%v", got)
	}
	if got := o.tools(curveTools); !slices.Equal(got, []string{beside.Ours, "rsync"}) {
		t.Errorf("%v", got)
	}
}
