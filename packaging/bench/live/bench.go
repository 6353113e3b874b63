package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/clearance-project/clearance/packaging/bench/report"
	"github.com/clearance-project/clearance/packaging/stage"
	"github.com/clearance-project/clearance/platform/session"
)

// Figure is a figure of a measurement, with its bar.
type Figure struct {
	Name string
	Bar  float64
	Unit string
}

// Measurement measures some figures together, anew in each run.
type Measurement struct {
	Name    string
	Figures []Figure
	Slow    bool // a run takes so long that fewer have to do
	Once    bool // one run has many samples of its own
	// Run gives a value for each figure.
	Run func(context.Context, *Bench) ([]float64, error)
}

// Bench is where the measurements run.
type Bench struct {
	bin string
	as  *session.Credential
	// used are the folders of the runs. They are removed at the end of all: ext4
	// passes over inodes that were freed in the last minutes, one by one, so that
	// removing 10,000 files makes creating the next ones ten times slower.
	used []string
}

// Open takes the folder with the programs.
func Open(bin string) (*Bench, error) {
	b := &Bench{bin: bin}
	if os.Geteuid() != 0 {
		return b, nil
	}
	var err error
	b.as, err = session.LookupCredential("nobody")
	return b, err
}

// Close removes what the runs left.
func (b *Bench) Close() error {
	var errs []error
	for _, root := range b.used {
		errs = append(errs, os.RemoveAll(root))
	}
	return errors.Join(errs...)
}

// Measure gives the medians of some runs.
func (b *Bench) Measure(ctx context.Context, m Measurement, runs int, say io.Writer) ([]report.Result, error) {
	values := make([][]float64, len(m.Figures))
	for range runs {
		got, err := m.Run(ctx, b)
		if err != nil {
			return nil, err
		}
		for i, f := range m.Figures {
			values[i] = append(values[i], got[i])
			fmt.Fprintf(say, "%-60s %10.3f %s\n", f.Name, got[i], f.Unit)
		}
	}
	var out []report.Result
	for i, f := range m.Figures {
		out = append(out, report.Alone(f.Name, report.Median(values[i]), f.Bar, f.Unit))
	}
	return out, nil
}

// set sets a stage up in a folder of its own.
func (b *Bench) set(ctx context.Context) (s *stage.Stage, closing func() error, err error) {
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
	if err := b.folder(filepath.Join(root, "copy")); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, s.Close, nil
}

// folder makes a folder of the session's person.
func (b *Bench) folder(at string) error {
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	return b.own(at)
}

// own gives a file or folder to the session's person.
func (b *Bench) own(at string) error {
	if b.as == nil {
		return nil
	}
	return os.Chown(at, int(b.as.UID), int(b.as.GID))
}

// seconds is how long fn takes.
func seconds(fn func() error) (float64, error) {
	began := time.Now()
	err := fn()
	return time.Since(began).Seconds(), err
}
