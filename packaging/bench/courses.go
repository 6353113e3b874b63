package main

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/clearance-project/clearance/packaging/bench/beside"
	"github.com/clearance-project/clearance/packaging/bench/corpus"
	"github.com/clearance-project/clearance/packaging/bench/live"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// course is what is measured together.
type course struct {
	name    string
	figures []string // their names
	run     func(context.Context) (report.Course, error)
	done    func() error // once it stands in the report
}

func (c *course) matches(only *regexp.Regexp) bool {
	if only.MatchString(c.name) {
		return true
	}
	for _, name := range c.figures {
		if only.MatchString(name) {
			return true
		}
	}
	return false
}

// courses are all that is measured, in the order in which it is.
func (o *options) courses() []course {
	list := []course{
		o.against("photos", photosFigures, corpusOf{corpus.Photos, 2000, o.runs, []beside.Task{beside.Initial, beside.Verify}, nil}),
		o.against("small files", smallFigures, corpusOf{corpus.Small, 100_000, o.runs, []beside.Task{beside.Initial, beside.Again, beside.Verify}, nil}),
		o.against("few small files", nil,
			corpusOf{corpus.Small, 1000, o.runs, curveTasks, curveTools}, corpusOf{corpus.Small, 10_000, o.runs, curveTasks, curveTools}),
		o.against("a million small files", millionFigures,
			corpusOf{corpus.Small, 100_000, min(o.runs, o.million), curveTasks, curveTools[:1]},
			corpusOf{corpus.Small, million, min(o.runs, o.million), curveTasks, curveTools}),
		o.against("nasty names", namesFigures, corpusOf{corpus.Nasty, 1000, 1, []beside.Task{beside.Initial, beside.Again}, nil}),
	}
	for _, m := range live.Measurements {
		list = append(list, o.living(m))
	}
	return list
}

// million is a corpus so large that its peers are measured once.
const million = 1_000_000

var (
	curveTasks = []beside.Task{beside.Initial, beside.Again}
	curveTools = []string{beside.Ours, "rsync", "rclone"}
)

// corpusOf is one corpus of a course.
type corpusOf struct {
	kind  corpus.Kind
	files int
	runs  int
	tasks []beside.Task
	tools []string // nil: all
}

// against is a course of the engine beside its peers.
func (o *options) against(name string, figures []figure, corpora ...corpusOf) course {
	c := course{name: name}
	most := corpora[len(corpora)-1].files // the largest is the last
	if o.maxFiles > 0 && most > o.maxFiles {
		for i := range corpora {
			corpora[i].files = max(1, corpora[i].files*o.maxFiles/most)
		}
		most = o.maxFiles
	}
	for _, f := range figures {
		c.figures = append(c.figures, f.name(most))
	}
	ones := make([]beside.Course, len(corpora))
	for i, of := range corpora {
		ones[i] = beside.Course{Kind: of.kind, Files: of.files, Runs: of.runs, Tasks: of.tasks, Tools: o.tools(of.tools), Names: of.kind == corpus.Nasty}
		if of.files == million {
			ones[i].PeerRuns = 1
		}
	}
	c.run = func(ctx context.Context) (out report.Course, err error) {
		out.Part = o.peers != nil
		for i := range ones {
			rows, missing, err := o.beside.Run(ctx, ones[i])
			if err != nil {
				return out, err
			}
			out.Rows, out.Missing, out.Rounds, out.At = append(out.Rows, rows...), missing, ones[i].Runs, o.beside.Last
		}
		for _, f := range figures {
			if r, ok := f.of(out.Rows, most); ok {
				out.Figures = append(out.Figures, report.Figure{Result: r})
			}
		}
		return out, nil
	}
	c.done = func() (err error) {
		for i := range ones {
			err = errors.Join(err, o.beside.Forget(&ones[i]))
		}
		return err
	}
	return c
}

// tools are those of a list that take part; nil is all.
func (o *options) tools(of []string) []string {
	if o.peers == nil {
		return of
	}
	if of == nil {
		of = beside.Names()
	}
	var taking []string
	for _, name := range of {
		if name == beside.Ours || o.peers.MatchString(name) {
			taking = append(taking, name)
		}
	}
	return taking
}

// living is a course of the agent.
func (o *options) living(m live.Measurement) course {
	c := course{name: m.Name, done: func() error { return nil }}
	for _, f := range m.Figures {
		c.figures = append(c.figures, f.Name)
	}
	c.run = func(ctx context.Context) (out report.Course, err error) {
		out.Rounds = o.runs
		if m.Slow {
			out.Rounds = min(o.runs, o.million)
		}
		if m.Once {
			out.Rounds = 1
		}
		results, err := o.agent.Measure(ctx, m, out.Rounds, o.say)
		out.At = time.Now().UTC()
		for _, r := range results {
			out.Figures = append(out.Figures, report.Figure{Result: r})
		}
		return out, err
	}
	return c
}
