package beside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/packaging/bench/corpus"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// Course is one corpus with what is measured on it.
type Course struct {
	Kind  corpus.Kind
	Files int
	Runs  int
	// PeerRuns: the peers take part in so many rounds; 0: all.
	PeerRuns int
	Tasks    []Task
	Tools    []string // names; nil: all
	// Names: how many files of the source are in no plain copy, byte for byte, is
	// counted as well.
	Names bool
}

// Bench is what the courses share.
type Bench struct {
	Place *Place
	Bin   string // where measure and engine are
	Say   io.Writer
	// Until is when no other trial begins; zero: never.
	Until time.Time
	// Last is when the last trial of the course that was run last ended.
	Last time.Time
}

// PausedError says that the time was up before all was measured. What was is
// kept for the next run of the same.
type PausedError struct{ Done, Trials int }

func (e *PausedError) Error() string {
	return fmt.Sprintf("the time is up with %d of %d trials measured: the same command goes on from there", e.Done, e.Trials)
}

// Names are those of all tools, ours first.
func Names() (names []string) {
	for i := range tools {
		names = append(names, tools[i].name)
	}
	return names
}

// gathered is what the runs of one step took.
type gathered struct {
	task  Task
	label string
	costs []Cost
}

// course is a course under way.
type course struct {
	*Bench
	Course
	source *Source
	steps  []*gathered
	lost   map[string]int // by tool: files that its copy lacks
}

// Run runs a course and gives a row for each step of each tool, and the tools
// that are not installed. Trials of a run that was stopped are not made again;
// they are kept until [Bench.Forget].
func (b *Bench) Run(ctx context.Context, c Course) (rows []report.Row, missing []string, err error) {
	source, err := b.Place.Source(ctx, c.Kind, c.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make the corpus: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	run := &course{Bench: b, Course: c, source: source, lost: map[string]int{}}
	var here []*tool
	for i := range tools {
		t := &tools[i]
		switch _, err := exec.LookPath(t.program); {
		case c.Tools != nil && !slices.Contains(c.Tools, t.name):
		case t.program != "" && err != nil:
			missing = append(missing, fmt.Sprintf("%s (package %s)", t.name, t.debian))
		default:
			here = append(here, t)
		}
	}
	kept, err := b.kept(&c)
	if err != nil {
		return nil, nil, err
	}
	turns := c.turns(here)
	for i, turn := range turns {
		if kept.has(turn) {
			continue
		}
		if !b.Until.IsZero() && time.Now().After(b.Until) {
			return nil, nil, &PausedError{Done: i, Trials: len(turns)}
		}
		took, err := run.trial(ctx, turn)
		if err == nil {
			took.At = time.Now().UTC()
			err = kept.add(took)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", turn.tool.name, err)
		}
	}
	for i := range kept.Trials {
		run.note(&kept.Trials[i])
		b.Last = kept.Trials[i].At
	}
	return run.rows(), missing, nil
}

// turn is one tool's in one round.
type turn struct {
	round int
	tool  *tool
}

// turns are interleaved, in an order that is balanced for what a tool leaves to
// the next one.
func (c *Course) turns(here []*tool) (turns []turn) {
	for round := range c.Runs {
		for _, i := range order(len(here), round) {
			if c.PeerRuns > 0 && round >= c.PeerRuns && here[i].program != "" {
				continue
			}
			turns = append(turns, turn{round, here[i]})
		}
	}
	return turns
}

// order is the order of n tools in a round: 0, n-1, 1, n-2 and so on, each raised
// by the round; where n is odd, every second time around backwards. Over n rounds
// (2n where n is odd) each tool comes at each place as often, and each follows
// each other one as often (E. J. Williams, Experimental designs balanced for the
// estimation of residual effects of treatments, 1949).
func order(n, round int) []int {
	turns := make([]int, n)
	for i := range turns {
		k := i / 2
		if i%2 == 1 {
			k = n - 1 - i/2
		}
		turns[i] = (k + round) % n
	}
	if n%2 == 1 && round/n%2 == 1 {
		slices.Reverse(turns)
	}
	return turns
}

// trial is one turn, in a volume of its own.
func (c *course) trial(ctx context.Context, turn turn) (took trialTook, err error) {
	t := turn.tool
	took = trialTook{Round: turn.round, Tool: t.name}
	v, err := c.Place.Volume(ctx, room(c.Kind, c.Files), c.Files+c.Files/4+20_000)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	now := &trial{from: c.source.At, at: v.At, files: c.Files, bin: c.Bin}
	r := &runner{bin: c.Bin, env: now.environment(), at: c.Place.Dir}
	if t.setup != nil {
		if _, err := r.run(ctx, t.setup(now)); err != nil {
			return took, err
		}
	}
	for _, s := range t.steps {
		if !slices.Contains(c.Tasks, s.task) {
			continue
		}
		if err := c.ready(ctx, s.task, v); err != nil {
			return took, err
		}
		cost, err := r.run(ctx, s.make(now))
		if err != nil {
			return took, err
		}
		took.Steps = append(took.Steps, stepTook{s.task, s.label, cost})
		fmt.Fprintf(c.Say, "%8d %-6s %-9s %-34s %8.3f s  cpu %8.3f s  %7.1f MB\n", c.Files, c.Kind, s.task, s.label,
			cost.Wall.Seconds(), (cost.User + cost.System).Seconds(), float64(cost.PeakKB)/1024)
	}
	if !c.Names || t.plain == "" {
		return took, nil
	}
	lost, err := lacking(c.source.At, filepath.Join(v.At, t.plain))
	took.Lost = &lost
	return took, err
}

// ready brings the caches to where a task begins, and lets no write of before
// run into it.
func (c *course) ready(ctx context.Context, task Task, v *Volume) error {
	if task == Verify {
		return v.chill(ctx)
	}
	if err := c.source.warm(ctx); err != nil {
		return err
	}
	unix.Sync()
	return nil
}

func (c *course) note(took *trialTook) {
	for _, s := range took.Steps {
		i := slices.IndexFunc(c.steps, func(g *gathered) bool { return g.task == s.Task && g.label == s.Label })
		if i < 0 {
			i, c.steps = len(c.steps), append(c.steps, &gathered{task: s.Task, label: s.Label})
		}
		c.steps[i].costs = append(c.steps[i].costs, s.Cost)
	}
	if took.Lost != nil {
		c.lost[took.Steps[0].Label] = *took.Lost
	}
}

func (c *course) rows() []report.Row {
	var rows []report.Row
	for _, g := range c.steps {
		of := func(get func(Cost) float64) float64 {
			values := make([]float64, len(g.costs))
			for i, cost := range g.costs {
				values[i] = get(cost)
			}
			return report.Median(values)
		}
		row := report.Row{
			Corpus: string(c.Kind), Files: c.Files, Bytes: c.source.Bytes, Task: string(g.task), Tool: g.label, Rounds: len(g.costs),
			Wall:   of(func(c Cost) float64 { return c.Wall.Seconds() }),
			User:   of(func(c Cost) float64 { return c.User.Seconds() }),
			System: of(func(c Cost) float64 { return c.System.Seconds() }),
			PeakMB: of(func(c Cost) float64 { return float64(c.PeakKB) / 1024 }),
		}
		if lost, ok := c.lost[g.label]; ok {
			row.Lost = &lost
		}
		rows = append(rows, row)
	}
	return rows
}

// Versions says which tools are here.
func Versions() map[string]string {
	found := map[string]string{}
	for _, t := range tools {
		if t.program == "" {
			continue
		}
		out, err := exec.Command(t.program, t.version...).Output()
		if err != nil {
			continue
		}
		found[t.name] = firstLine(string(out))
	}
	return found
}
