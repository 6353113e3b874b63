package detect

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/provider"
	"github.com/clearance-project/clearance/platform/bus"
)

// unitFolders are where systemd reads the services of the system from, see
// systemd.unit(5), "Unit File Load Path".
var unitFolders = []string{
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
}

// Options of a detector. The zero value looks at this device's files alone, for
// what this version knows of.
type Options struct {
	Bus      *bus.Conn // the system bus; nil: systemd is not asked
	Root     string    // where paths begin; empty: /
	Trackers []provider.LocalTracker
	// Timeout bounds each question to systemd; default 5 s.
	Timeout time.Duration
}

// Detector looks for programs. It may be used from several goroutines.
type Detector struct{ opts Options }

// New makes a detector.
func New(o Options) *Detector {
	if o.Root == "" {
		o.Root = "/"
	}
	if o.Trackers == nil {
		o.Trackers = provider.LocalTrackers()
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	return &Detector{opts: o}
}

// Look returns the programs that are here, and those of which it cannot be told,
// in the order of the catalogue.
func (d *Detector) Look(ctx context.Context) []departure.LocalTracker {
	var names []string
	for _, t := range d.opts.Trackers {
		names = append(names, t.Units...)
	}
	units, unitsErr := d.units(ctx, names)
	var here []departure.LocalTracker
	for _, t := range d.opts.Trackers {
		out := departure.LocalTracker{ID: t.ID, Name: t.Name, Text: t.Text, Provider: t.Provider, Guide: t.Guide}
		var faults []error
		for _, name := range t.Units {
			if state, known := units[name]; known {
				out.Found = append(out.Found, "service "+name+", "+state)
				continue
			}
			file, err := d.first(unitFiles(name))
			if file != "" {
				out.Found = append(out.Found, "service "+name)
			}
			faults = append(faults, err)
		}
		for _, name := range t.Packages {
			installed, err := d.installed(name)
			if installed {
				out.Found = append(out.Found, "package "+name)
			}
			faults = append(faults, err)
		}
		file, err := d.first(t.Paths)
		if file != "" {
			out.Found = append(out.Found, file)
		}
		faults = append(faults, err)
		if len(t.Units) > 0 {
			faults = append(faults, unitsErr)
		}
		if err := errors.Join(faults...); err != nil {
			out.Unsure = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if len(out.Found) > 0 || out.Unsure != "" && t.Kind == provider.DeviceTracker {
			here = append(here, out)
		}
	}
	return here
}

func unitFiles(name string) []string {
	files := make([]string, 0, len(unitFolders))
	for _, folder := range unitFolders {
		files = append(files, folder+"/"+name)
	}
	return files
}

// first is the first path that is there, seen from the device's root. A path that
// cannot be looked at is an error, unless another is there.
func (d *Detector) first(paths []string) (string, error) {
	var faults []error
	for _, p := range paths {
		found, err := d.there(p)
		if found != "" {
			return found, nil
		}
		faults = append(faults, err)
	}
	return "", errors.Join(faults...)
}

// there looks for one path, in which "*" stands for any name.
func (d *Detector) there(pattern string) (string, error) {
	at := filepath.Join(d.opts.Root, pattern)
	if strings.Contains(pattern, "*") {
		found, err := filepath.Glob(at)
		if err != nil || len(found) == 0 {
			return "", err
		}
		at = found[0]
	}
	_, err := os.Lstat(at)
	switch {
	case err == nil:
		return "/" + strings.TrimPrefix(strings.TrimPrefix(at, d.opts.Root), "/"), nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return "", nil
	}
	return "", fmt.Errorf("%s cannot be looked at: %w", pattern, reason(err))
}

// reason is an error of the system without the path that it repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
