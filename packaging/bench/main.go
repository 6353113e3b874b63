// Command bench measures Clearance beside the tools that people trust, and its
// agent on the real platform of packaging/stage: run it with `make bench`.
//
// It imports the packages beneath it: corpus makes the files, beside runs the
// engine and its peers, live drives the agent, report keeps and shows what was
// measured.
//
// A course is what is measured together; its figures replace those that it
// measured before and no others (packaging/bench/report).
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
	flag.IntVar(&o.million, "runs-million", 3, "how often at most those of a million files are, and the agent's slowest")
	only := flag.String("only", "", "measure only the courses of which the name, or that of a figure, matches this `expression`")
	flag.IntVar(&o.maxFiles, "max-files", 0, "make no corpus larger than this; what is measured then is for trying the measuring, and goes to the work folder")
	flag.BoolVar(&o.keep, "keep", false, "keep the copies")
	flag.Parse()
	o.command = command()
	var err error
	if o.only, err = regexp.Compile(*only); err == nil {
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
		if f.Name != "bin" && f.Name != "work" {
			flags = append(flags, fmt.Sprintf("-%s='%s'", f.Name, f.Value))
		}
	})
	if len(flags) == 0 {
		return "make bench"
	}
	return `make bench BENCHFLAGS="` + strings.Join(flags, " ") + `"`
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
	for _, c := range courses {
		if !c.matches(o.only) {
			continue
		}
		fmt.Fprintf(o.say, "%s  %s\n", time.Now().UTC().Format(time.TimeOnly), c.name)
		before, err := load()
		if err != nil {
			return err
		}
		got, err := c.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		got.Load, got.Name, got.At, got.Command, got.Machine = before, c.name, time.Now().UTC(), o.command, o.machine
		kept = kept.Merge(got, order)
		if err := kept.Save(o.out); err != nil {
			return err
		}
	}
	return nil
}
