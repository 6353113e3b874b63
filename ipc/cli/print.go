package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
)

// Schema names the form of every JSON document; additions alone are made in it.
const Schema = "clearance/v1"

// say prints a line for a person; programs do not get it.
func (s *session) say(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.out, format+"\n", args...)
	}
}

// document prints one JSON document under its name.
func (s *session) document(name string, value any) {
	s.documentOf(map[string]any{name: value})
}

func (s *session) documentOf(parts map[string]any) {
	parts["schema"] = Schema
	encoded, err := json.Marshal(parts)
	if err != nil {
		fmt.Fprintln(s.err, "clearance: cannot print the answer:", err)
		return
	}
	fmt.Fprintln(s.out, string(encoded))
}

// give prints an answer: the document for programs, the text for people.
func (s *session) give(name string, value any, text func()) {
	if s.json {
		s.document(name, value)
		return
	}
	text()
}

// refuse prints why not: what, how many, why, and one next command.
func (s *session) refuse(e *agent.Error) {
	fmt.Fprintln(s.err, "clearance:", e.Text)
	for _, c := range e.Checks.Open() {
		fmt.Fprintf(s.err, "  - %s: %s\n", c.ID.Spoken(), c.Reason.Text)
	}
	s.next(e.Remedy)
}

func (s *session) next(r *departure.Remedy) {
	if r != nil && r.Command != "" {
		fmt.Fprintf(s.err, "Next: `%s` (%s)\n", r.Command, r.Text)
	} else if r != nil && r.Text != "" {
		fmt.Fprintf(s.err, "Next: %s\n", r.Text)
	}
}

// amount is "1 photo" or "1,926 photos".
func amount(n int64, set departure.Dataset) string {
	names, ok := kinds[set]
	if !ok {
		names = [2]string{"item", "items"}
	}
	if n == 1 {
		return "1 " + names[0]
	}
	return humanize.Comma(n) + " " + names[1]
}

func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// clock is a time of day, with the day where it is not today's.
func (s *session) clock(t time.Time) string {
	t, now := t.Local(), s.now().Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// printable keeps names from the network from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return '?'
		}
		return r
	}, text)
}
