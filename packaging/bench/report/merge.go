package report

import "slices"

// Merge puts a course that was just measured in place of the one of its name, or
// of what it measured of it. Order names all courses; one that is not in it is
// forgotten.
func (m Measured) Merge(c Course, order []string) Measured {
	var out Measured
	for _, name := range order {
		i := slices.IndexFunc(m, func(o Course) bool { return o.Name == name })
		switch {
		case name == c.Name && i >= 0 && c.Part:
			out = append(out, m[i].renewed(c))
		case name == c.Name:
			out = append(out, c)
		case i >= 0:
			out = append(out, m[i])
		}
	}
	return out
}

// renewed is the course with what a later run of a part of it measured. The rest
// keeps its figures, and the run that they are of. A ratio is of one run, so a
// peer that did not take part keeps the ratio of before.
func (c Course) renewed(part Course) Course {
	last := len(c.Runs)
	c.Runs = append(slices.Clone(c.Runs), part.Runs...)
	c.Rows, c.Figures = slices.Clone(c.Rows), slices.Clone(c.Figures)
	for _, r := range part.Rows {
		r.Run = last
		c.Rows = put(c.Rows, r, func(o Row) bool {
			return o.Corpus == r.Corpus && o.Files == r.Files && o.Task == r.Task && o.Tool == r.Tool
		})
	}
	for _, f := range part.Figures {
		f.Run = last
		c.Figures = put(c.Figures, f, func(o Figure) bool { return o.Name == f.Name })
	}
	c.forget()
	return c
}

// put puts v in place of the one that it is the same as, or at the end.
func put[T any](list []T, v T, same func(T) bool) []T {
	if i := slices.IndexFunc(list, same); i >= 0 {
		list[i] = v
		return list
	}
	return append(list, v)
}

// forget drops the runs of which nothing is left.
func (c *Course) forget() {
	used := make([]bool, len(c.Runs))
	for i := range c.Rows {
		used[c.Rows[i].Run] = true
	}
	for i := range c.Figures {
		used[c.Figures[i].Run] = true
	}
	var runs []Run
	at := make([]int, len(c.Runs))
	for i, r := range c.Runs {
		if at[i] = len(runs); used[i] {
			runs = append(runs, r)
		}
	}
	c.Runs = runs
	for i := range c.Rows {
		c.Rows[i].Run = at[c.Rows[i].Run]
	}
	for i := range c.Figures {
		c.Figures[i].Run = at[c.Figures[i].Run]
	}
}

// Results are all figures.
func (m Measured) Results() []Result {
	out := []Result{}
	for _, c := range m {
		for _, f := range c.Figures {
			out = append(out, f.Result)
		}
	}
	return out
}

// sound reports whether everything is of a run.
func (c *Course) sound() bool {
	of := func(run int) bool { return run >= 0 && run < len(c.Runs) }
	return !slices.ContainsFunc(c.Rows, func(r Row) bool { return !of(r.Run) }) &&
		!slices.ContainsFunc(c.Figures, func(f Figure) bool { return !of(f.Run) })
}
