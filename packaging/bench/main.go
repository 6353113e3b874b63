// Command bench measures the agent on the real platform of packaging/stage and
// writes results.json and RESULTS.md beside itself: run it with `make bench`.
//
// Each figure is the median of its runs. Without a peer, ratio is ours in unit,
// and bar is the most that it may be.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/session"
)

// Result is one figure.
type Result struct {
	Name  string   `json:"name"`
	Ours  float64  `json:"ours"`
	Peer  *float64 `json:"peer"`
	Ratio float64  `json:"ratio"`
	Bar   float64  `json:"bar"`
	Unit  string   `json:"unit"`
}

// measurement is one figure that is measured anew in each run.
type measurement struct {
	name string
	bar  float64
	unit string
	run  func(context.Context, *bench) (float64, error)
}

// bench is where the measurements run.
type bench struct {
	bin  string
	as   *session.Credential
	runs int
	// used are the folders of the runs. They are removed at the end of all: ext4
	// passes over inodes that were freed in the last half minute, one by one, so
	// that removing 10,000 files makes creating the next ones ten times slower.
	used []string
}

func main() {
	bin := flag.String("bin", "bin", "`folder` with clearanced, devicesim and relay")
	out := flag.String("out", "packaging/bench", "`folder` for results.json and RESULTS.md")
	runs := flag.Int("runs", 5, "how often each figure is measured")
	only := flag.String("only", "", "measure only the figures with this `text` in their name")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *bin, *out, *runs, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, out string, runs int, only string) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	b := &bench{bin: bin, runs: runs}
	if os.Geteuid() == 0 {
		if b.as, err = session.LookupCredential("nobody"); err != nil {
			return err
		}
	}
	defer func() {
		for _, root := range b.used {
			err = errors.Join(err, os.RemoveAll(root))
		}
	}()
	var results []Result
	for _, m := range measurements {
		if !strings.Contains(m.name, only) {
			continue
		}
		var values []float64
		for range runs {
			v, err := m.run(ctx, b)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			values = append(values, v)
			fmt.Printf("%-45s %10.3f %s\n", m.name, v, m.unit)
		}
		slices.Sort(values)
		median := values[len(values)/2]
		results = append(results, Result{Name: m.name, Ours: median, Ratio: median, Bar: m.bar, Unit: m.unit})
	}
	if only != "" {
		return nil
	}
	return write(out, results, runs)
}

// write keeps the figures for programs and for people.
func write(out string, results []Result, runs int) error {
	b, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	var md strings.Builder
	fmt.Fprintf(&md, "# Figures\n\nMade by `make bench`: medians of %d runs on %d cores, %s, on the platform of packaging/stage (real goa-daemon,\nevolution-data-server and gnome-keyring; a Nextcloud-shaped server on loopback).\n\n", runs, runtime.NumCPU(), runtime.Version())
	md.WriteString("| figure | measured | bar | |\n| --- | ---: | ---: | --- |\n")
	for _, r := range results {
		met := "met"
		if r.Ratio > r.Bar {
			met = fmt.Sprintf("missed by %.0f %%", 100*(r.Ratio/r.Bar-1))
		}
		fmt.Fprintf(&md, "| %s | %.3g %s | %.3g %s | %s |\n", r.Name, r.Ours, r.Unit, r.Bar, r.Unit, met)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(out, "results.json"), append(b, '\n'), 0o644),
		os.WriteFile(filepath.Join(out, "RESULTS.md"), []byte(md.String()), 0o644))
}

// set sets a stage up in a folder of its own.
func (b *bench) set(ctx context.Context) (s *stage.Stage, closing func() error, err error) {
	root, err := os.MkdirTemp("/var/tmp", "cb-")
	if err != nil {
		return nil, nil, err
	}
	b.used = append(b.used, root)
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, nil, err
	}
	s, err = stage.Start(ctx, stage.Options{Root: root, As: b.as, Bin: b.bin, User: "alice", Password: "correct horse"})
	if err != nil {
		return nil, nil, err
	}
	copyTo := filepath.Join(root, "copy")
	err = os.Mkdir(copyTo, 0o700)
	if err == nil && b.as != nil {
		err = os.Chown(copyTo, int(b.as.UID), int(b.as.GID))
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, s.Close, nil
}

// seconds is how long fn takes.
func seconds(fn func() error) (float64, error) {
	began := time.Now()
	err := fn()
	return time.Since(began).Seconds(), err
}
