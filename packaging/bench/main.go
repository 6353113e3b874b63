// Command bench measures Clearance beside the tools that people trust, and its
// agent on the real platform of packaging/stage: run it with `make bench`.
//
// It imports the packages beneath it: corpus makes the files, beside runs the
// engine and its peers, live drives the agent, report keeps and shows what was
// measured.
//
// A course is what is measured together; its figures replace those that it
// measured before and no others (packaging/bench/report). A run that is stopped,
// or whose time is up (-for), keeps the trials that it made: the same command
// goes on from there, until the engine or a tool is another one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/clearance-project/clearance/packaging/bench/beside"
	"github.com/clearance-project/clearance/packaging/bench/live"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// options are the flags.
type options struct {
	bin, work, out string
	runs, million  int
	only           *regexp.Regexp
	peers          *regexp.Regexp // nil: all
	limit          time.Duration
	maxFiles       int
	keep           bool
	command        string
	machine        report.Machine
	place          *beside.Place
	beside         *beside.Bench
	agent          *live.Bench
	say            io.Writer
}

func main() {
	o := options{say: os.Stdout}
	flag.StringVar(&o.bin, "bin", ".cache/bench/bin", "`folder` with engine, measure, load, clearanced, devicesim and relay")
	flag.StringVar(&o.work, "work", ".cache/bench/work", "`folder` for corpora and copies, on a disk with 25 GB free")
	flag.StringVar(&o.out, "out", "packaging/bench", "`folder` for RESULTS.md, results.json and measured.json")
	flag.IntVar(&o.runs, "runs", 5, "how often each figure is measured")
	flag.IntVar(&o.million, "runs-million", 2, "how often at most those of a million files are, and the agent's slowest")
	only := flag.String("only", "", "measure only the courses of which the name, or that of a figure, matches this `expression`")
	peers := flag.String("tools", "", "measure only beside the tools of which the name matches this `expression`; the others keep their figures")
	flag.DurationVar(&o.limit, "for", 0, "begin nothing more after this `time`; the same command goes on from there")
	flag.IntVar(&o.maxFiles, "max-files", 0, "make no corpus larger than this; what is measured then is for trying the measuring, and goes to the work folder")
	flag.BoolVar(&o.keep, "keep", false, "keep the copies")
	flag.Parse()
	o.command = command()
	var err error
	o.only, err = regexp.Compile(*only)
	if *peers != "" && err == nil {
		o.peers, err = regexp.Compile(*peers)
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
		err = o.run(ctx)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// command is how this run was asked for, to be typed again.
func command() string {
	var flags []string
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "bin" && f.Name != "work" && f.Name != "for" {
			flags = append(flags, fmt.Sprintf("-%s='%s'", f.Name, f.Value))
		}
	})
	if len(flags) == 0 {
		return "make bench"
	}
	// A dollar is make's, and the shell's before that.
	return `make bench BENCHFLAGS="` + strings.ReplaceAll(strings.Join(flags, " "), "$", `\$\$`) + `"`
}

func (o *options) run(ctx context.Context) (err error) {
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	if o.maxFiles > 0 {
		o.out = o.work
	}
	if o.place, err = beside.Open(ctx, o.work); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.place.Close()) }()
	o.place.Keep = o.keep
	o.beside = &beside.Bench{Place: o.place, Bin: o.bin, Say: o.say}
	if o.limit > 0 {
		o.beside.Until = time.Now().Add(o.limit)
	}
	if o.agent, err = live.Open(o.bin); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.agent.Close()) }()
	if o.machine, err = machine(o.place); err != nil {
		return err
	}
	kept, err := report.Load(o.out)
	if err != nil {
		return err
	}
	courses := o.courses()
	var order []string
	for _, c := range courses {
		order = append(order, c.name)
	}
	courses = slices.DeleteFunc(courses, func(c course) bool { return !c.matches(o.only) })
	if len(courses) == 0 {
		return kept.Save(o.out) // the reasons in it may be other ones now
	}
	for i := range courses {
		if kept, err = o.measure(ctx, &courses[i], kept, order); err != nil {
			return fmt.Errorf("%s: %w", courses[i].name, err)
		}
	}
	// Not before all is measured: a run that was stopped makes no trial again.
	for i := range courses {
		if err := courses[i].done(); err != nil {
			return err
		}
	}
	return nil
}

// measure measures one course and puts it into the report.
func (o *options) measure(ctx context.Context, c *course, kept report.Measured, order []string) (report.Measured, error) {
	fmt.Fprintf(o.say, "%s  %s\n", time.Now().UTC().Format(time.TimeOnly), c.name)
	before, err := load()
	if err != nil {
		return kept, err
	}
	got, err := c.run(ctx)
	if err != nil {
		return kept, err
	}
	got.Name = c.name
	got.Runs = []report.Run{{At: got.At, Command: o.command, Rounds: got.Rounds, Load: before, Machine: o.machine}}
	kept = kept.Merge(got, order)
	return kept, kept.Save(o.out)
}
