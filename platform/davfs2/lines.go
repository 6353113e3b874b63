package davfs2

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/clearance-project/clearance/platform/xdg"
)

// The limits of a file.
const (
	maxLine    = 64 << 10
	maxFile    = 4 << 20
	maxServers = 1000
)

// readLines reads the words of each line of a file that need not be there.
func readLines(at string) ([][]string, error) {
	raw, err := xdg.ReadIfThere(at, maxFile)
	if err != nil {
		return nil, err
	}
	lines, err := parse(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", at, err)
	}
	return lines, nil
}

func parse(r io.Reader) ([][]string, error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	var all [][]string
	for lines.Scan() {
		if limited.N == 0 {
			return nil, fmt.Errorf("it has more than %d bytes", maxFile)
		}
		if words := split(lines.Text()); len(words) > 0 {
			all = append(all, words)
		}
	}
	return all, lines.Err()
}

// split takes a line apart into words: they may be quoted, a backslash takes the
// next character as it is, or three octal digits as fstab has blanks, and a # at
// the beginning of a word ends the line.
func split(line string) []string {
	var words []string
	var word strings.Builder
	inWord, quoted := false, false
	end := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+3 < len(line) && octal(line[i+1:i+4]):
			word.WriteByte((line[i+1]-'0')<<6 | (line[i+2]-'0')<<3 | (line[i+3] - '0'))
			inWord = true
			i += 3
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			inWord = true
		case c == '"':
			quoted, inWord = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\r'):
			end()
		case !quoted && !inWord && c == '#':
			return words
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	end()
	return words
}

func octal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}
