package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Markdown is RESULTS.md.
func (m Measured) Markdown() string {
	w := &strings.Builder{}
	met, all := 0, m.Results()
	for i := range all {
		if all[i].Met() {
			met++
		}
	}
	fmt.Fprintf(w, "# Figures\n\nMade by `make bench`. %d of %d figures meet their bar. Figures are medians; a ratio is Clearance's median by the\n"+
		"peer's, from interleaved rounds of one run on the same bytes; which run that was is told at the end. A bar is the most that the ratio may be.\n\n", met, len(all))
	w.WriteString("- **initial**: the first copy, durable: `cp`, `rsync` and `rclone` are followed by `sync -f`, which is counted; Clearance hashes, keeps a ledger\n" +
		"  and writes a manifest besides. The source is in memory for everybody.\n" +
		"- **no change**: the same once more, right after, caches warm. Clearance looks at the source and at every file of the copy, as rsync does.\n" +
		"- **read back**: every byte of the copy, with nothing of it in memory. `rsync -ac` and `rclone check` read the source too: they have no list of their own.\n" +
		"- Clearance is the backup engine as a process (`packaging/bench/engine`), by the calls of the agent's worker. borg runs without encryption; restic has no such mode.\n\n")
	m.missed(w)
	first := 1 // number of a course's first run
	for i := range m {
		m[i].markdown(w, first)
		first += len(m[i].Runs)
	}
	m.curve(w)
	m.provenance(w)
	return w.String()
}

// missed lists what does not meet its bar, with the reason.
func (m Measured) missed(w *strings.Builder) {
	var lines []string
	for _, r := range m.Results() {
		if r.Met() {
			continue
		}
		why := Why[r.Name]
		if why == "" {
			why = "not yet explained"
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |\n", r.Name, verdict(&r), why))
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "## Missed, and why\n\n| figure | by how much | why |\n| --- | --- | --- |\n%s\n", strings.Join(lines, ""))
	}
}

func (c *Course) markdown(w *strings.Builder, first int) {
	fmt.Fprintf(w, "## %s\n\n", c.Name)
	if len(c.Figures) > 0 {
		w.WriteString("| figure | ours | peer | ratio | bar | | run |\n| --- | ---: | ---: | ---: | ---: | --- | ---: |\n")
	}
	for i := range c.Figures {
		r, run := &c.Figures[i].Result, c.said(c.Figures[i].Run, first)
		if r.Peer == nil {
			fmt.Fprintf(w, "| %s | %s %s | | | %s %s | %s | %s |\n", r.Name, number(r.Ours), r.Unit, number(r.Bar), r.Unit, verdict(r), run)
			continue
		}
		fmt.Fprintf(w, "| %s | %s %s | %s %s | %s | %s | %s | %s |\n", r.Name, number(r.Ours), r.Unit, number(*r.Peer), r.Unit,
			number(r.Ratio), number(r.Bar), verdict(r), run)
	}
	if len(c.Rows) > 0 {
		w.WriteString("\n| files | task | tool | wall | CPU (user + system) | peak memory | rounds | lost | run |\n| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		lost := ""
		if r.Lost != nil {
			lost = thousands(*r.Lost)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s s | %s s (%s + %s) | %s MB | %d | %s | %s |\n", thousands(r.Files), r.Task, r.Tool,
			number(r.Wall), number(r.User+r.System), number(r.User), number(r.System), number(r.PeakMB), r.Rounds, lost, c.said(r.Run, first))
	}
	for _, name := range c.Missing {
		fmt.Fprintf(w, "\nNot measured, for it is not installed: %s.\n", name)
	}
	w.WriteString("\n")
}

// said is the number of a run, and its day where it is not the course's latest.
func (c *Course) said(run, first int) string {
	text := fmt.Sprint(first + run)
	if run < len(c.Runs)-1 {
		text += ", of " + c.Runs[run].At.UTC().Format(time.DateOnly)
	}
	return text
}

// curve shows what a small file costs as their number grows.
func (m Measured) curve(w *strings.Builder) {
	var rows []Row
	for _, c := range m {
		for _, r := range c.Rows {
			if r.Corpus == "small" && (r.Task == "initial" || r.Task == "no change") && !slices.ContainsFunc(rows, r.samePoint) {
				rows = append(rows, r)
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmpAll(strings.Compare(a.Task, b.Task), strings.Compare(a.Tool, b.Tool), a.Files-b.Files)
	})
	w.WriteString("## Cost curve\n\nFiles of 300 bytes.\n\n| task | tool | files | wall | time a file | CPU a file | peak memory |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	for i := range rows {
		r := &rows[i]
		each := 1e6 / float64(r.Files)
		fmt.Fprintf(w, "| %s | %s | %s | %s s | %s µs | %s µs | %s MB |\n", r.Task, r.Tool, thousands(r.Files), number(r.Wall),
			number(r.Wall*each), number((r.User+r.System)*each), number(r.PeakMB))
	}
	w.WriteString("\n")
}

// samePoint reports whether another course measured the same.
func (r Row) samePoint(o Row) bool { return r.Files == o.Files && r.Task == o.Task && r.Tool == o.Tool }

func cmpAll(by ...int) int {
	for _, c := range by {
		if c != 0 {
			return c
		}
	}
	return 0
}

// provenance says when, how and where each course was measured.
func (m Measured) provenance(w *strings.Builder) {
	w.WriteString("## When, how and where\n\n| run | course | measured (UTC) | command | rounds | load before | machine |\n| ---: | --- | --- | --- | ---: | ---: | ---: |\n")
	var machines []Machine
	run := 0
	for i := range m {
		for _, r := range m[i].Runs {
			at := slices.IndexFunc(machines, func(o Machine) bool { return o.text() == r.Machine.text() })
			if at < 0 {
				at, machines = len(machines), append(machines, r.Machine)
			}
			run++
			fmt.Fprintf(w, "| %d | %s | %s | `%s` | %d | %s | %d |\n", run, m[i].Name, r.At.UTC().Format("2006-01-02 15:04"),
				strings.ReplaceAll(r.Command, "|", "\\|"), r.Rounds, number(r.Load), at+1)
		}
	}
	w.WriteString("\n")
	for i := range machines {
		fmt.Fprintf(w, "%d. %s\n", i+1, machines[i].text())
	}
}

func (m *Machine) text() string {
	var tools []string
	for _, name := range slices.Sorted(maps.Keys(m.Tools)) {
		tools = append(tools, fmt.Sprintf("%s: %s", name, m.Tools[name]))
	}
	return fmt.Sprintf("%d cores, %s, %.0f GB; %s, %s. Copies on %s. Cold: %s. %s.",
		m.Cores, m.Model, m.MemoryGB, m.Kernel, m.Go, m.Files, m.Cold, strings.Join(tools, "; "))
}

// verdict says whether a bar holds, and by how much not.
func verdict(r *Result) string {
	switch {
	case r.Met():
		return "met"
	case r.Bar == 0:
		return fmt.Sprintf("missed by %s", number(r.Ratio))
	default:
		by := 100 * (r.Ratio/r.Bar - 1)
		if by < 1 {
			return fmt.Sprintf("missed by %.1f %%", by)
		}
		return fmt.Sprintf("missed by %.0f %%", by)
	}
}

// number has three digits that count.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 1000:
		return thousands(int(v + 0.5))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
