package sessiontest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// output is a file, or a folder of files, that the test program writes for go
// test.
type output struct {
	wrote, wanted string
	folder        bool
}

func (o output) bringBack() error {
	if !o.folder {
		return copyFile(o.wrote, o.wanted)
	}
	entries, err := os.ReadDir(o.wrote)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot bring back %s: %w", o.wanted, err)
	}
	var errs []error
	for _, entry := range entries {
		errs = append(errs, copyFile(filepath.Join(o.wrote, entry.Name()), filepath.Join(o.wanted, entry.Name())))
	}
	return errors.Join(errs...)
}

// redirect gives the test program's output flags places in dir, and returns
// what must be copied from there afterwards. The log of files that a test reads
// is dropped: go test keeps it to reuse results, and results that hang on the
// system's services are not to be reused.
func redirect(args []string, dir string) (kept []string, outputs []output) {
	base := ""
	for i := 0; i < len(args); i++ {
		f, ok := parseFlag(args[i])
		if !ok || !moved(f.name) {
			kept = append(kept, args[i])
			continue
		}
		if !f.joined && i+1 < len(args) {
			i++
			f.value = args[i]
		}
		switch f.name {
		case "outputdir":
			base = f.value
		case "testlogfile":
		default:
			to := filepath.Join(dir, "out"+strconv.Itoa(len(outputs)))
			outputs = append(outputs, output{wrote: to, wanted: f.value, folder: f.name == "gocoverdir"})
			kept = append(kept, "-test."+f.name+"="+to)
		}
	}
	for i, o := range outputs {
		if base != "" && !o.folder && !filepath.IsAbs(o.wanted) {
			outputs[i].wanted = filepath.Join(base, o.wanted)
		}
	}
	return kept, outputs
}

// moved reports whether a flag of a test program names a place that it writes
// to.
func moved(name string) bool {
	switch name {
	case "coverprofile", "cpuprofile", "memprofile", "blockprofile", "mutexprofile", "trace",
		"gocoverdir", "outputdir", "testlogfile":
		return true
	}
	return false
}

// testFlag is -test.name=value; joined is false for a value in the argument
// behind it, or none.
type testFlag struct {
	name, value string
	joined      bool
}

func parseFlag(arg string) (testFlag, bool) {
	rest, found := strings.CutPrefix(arg, "-")
	if !found {
		return testFlag{}, false
	}
	rest, found = strings.CutPrefix(strings.TrimPrefix(rest, "-"), "test.")
	if !found {
		return testFlag{}, false
	}
	name, value, joined := strings.Cut(rest, "=")
	return testFlag{name: name, value: value, joined: joined}, true
}

// fuzzing reports whether a test program was asked to fuzz.
func fuzzing(args []string) bool {
	for _, arg := range args[1:] {
		if f, ok := parseFlag(arg); ok && (f.name == "fuzz" && f.value != "" || f.name == "fuzzworker") {
			return true
		}
	}
	return false
}

func setenv(t testing.TB, entry string) {
	t.Helper()
	name, value, ok := strings.Cut(entry, "=")
	if !ok {
		t.Fatalf("cannot set %q: no name and value", entry)
	}
	t.Setenv(name, value)
}
