package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestParagraphs: no line is wider than a terminal unless one word is, no word is
// lost, and nothing in a text steers the terminal.
func TestParagraphs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-zé\x1b]{1,30}`)).Draw(t, "words")
		lead := rapid.SampledFrom([]string{"", "  - ", "    After: "}).Draw(t, "lead")
		var out bytes.Buffer
		s := &session{out: &out}
		s.para(lead, strings.Join(words, " "))
		if got := strings.Fields(strings.TrimPrefix(out.String(), lead)); strings.Join(got, " ") != printable(strings.Join(words, " ")) {
			t.Fatalf("%q became %q", words, got)
		}
		for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
			if utf8.RuneCountInString(line) > width || strings.Contains(line, "\x1b") {
				t.Fatalf("%q", line)
			}
		}
	})
}
