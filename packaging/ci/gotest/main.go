// Command gotest turns `go test -json` into what go test prints without -v,
// and then lists, loudly, every test that was skipped and why: without it a test
// that cannot run on a machine looks like one that passed.
//
//	go test -json ./... | go run ./packaging/ci/gotest
//
// It imports the standard library alone. It judges nothing: go test's own status
// does (set -o pipefail).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is a line of test2json (go doc cmd/test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type testID struct{ pkg, test string }

// report collects what tests print until they have ended.
type report struct {
	out     io.Writer
	running map[testID][]string
	skipped []string
}

func main() {
	r := &report{out: os.Stdout, running: map[testID][]string{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "cannot read what go test said: %v\n", err)
		os.Exit(1)
	}
	r.end()
}

// read handles every line. What is no event (a message of the go command) is
// printed as it stands.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
				fmt.Fprint(r.out, line)
			} else {
				r.event(e)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) event(e event) {
	id := testID{e.Package, e.Test}
	switch {
	case e.Action == "build-output" || e.Action == "output" && e.Test == "":
		// "PASS" of each package says nothing that its line "ok" does not.
		if e.Output != "PASS\n" {
			fmt.Fprint(r.out, e.Output)
		}
	case e.Action == "output":
		r.running[id] = append(r.running[id], e.Output)
	case e.Action == "fail" && e.Test == "":
		r.flush(e.Package)
	case e.Action == "fail":
		r.print(id)
	case e.Action == "skip" && e.Test != "":
		r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.running[id])))
		delete(r.running, id)
	case e.Action == "pass":
		delete(r.running, id)
	}
}

// print shows what a test printed, and forgets it.
func (r *report) print(id testID) {
	for _, text := range r.running[id] {
		if !strings.HasPrefix(text, "=== ") {
			fmt.Fprint(r.out, text)
		}
	}
	delete(r.running, id)
}

// flush prints what is left of a package that failed: tests that never ended.
func (r *report) flush(pkg string) {
	var left []testID
	for id := range r.running {
		if id.pkg == pkg {
			left = append(left, id)
		}
	}
	slices.SortFunc(left, func(a, b testID) int { return strings.Compare(a.test, b.test) })
	for _, id := range left {
		fmt.Fprintf(r.out, "%s did not end:\n", id.test)
		r.print(id)
	}
}

// reason is what a test said before it was skipped, in one line.
func reason(output []string) string {
	var words []string
	for _, text := range output {
		text = strings.TrimSpace(text)
		if !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- SKIP") {
			words = append(words, strings.Fields(text)...)
		}
	}
	return strings.Join(words, " ")
}

// end lists the skipped tests.
func (r *report) end() {
	if len(r.skipped) == 0 {
		return
	}
	fmt.Fprintf(r.out, "\n############ NOT TESTED on this machine: %d ############\n", len(r.skipped))
	for _, s := range r.skipped {
		fmt.Fprintf(r.out, "  %s\n", s)
	}
}
