package libaccounts

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text is a setting's value as text. Strings are written as GVariant prints them,
// quoted; numbers and booleans stand for themselves.
// Source: GLib, "GVariant Text Format Specification", strings.
func text(kind, raw string) (string, error) {
	if kind != "s" {
		return raw, nil
	}
	if len(raw) < 2 || raw[0] != '\'' && raw[0] != '"' || raw[len(raw)-1] != raw[0] {
		return "", fmt.Errorf("%.40q is not quoted", raw)
	}
	quote, inner := raw[0], raw[1:len(raw)-1]
	var out strings.Builder
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c == quote {
			return "", fmt.Errorf("%.40q ends before its end", raw)
		}
		if c != '\\' {
			out.WriteByte(c)
			continue
		}
		r, length, err := escape(inner[i+1:])
		if err != nil {
			return "", err
		}
		out.WriteRune(r)
		i += length
	}
	if !utf8.ValidString(out.String()) {
		return "", fmt.Errorf("%.40q is not UTF-8", raw)
	}
	return out.String(), nil
}

var escapes = map[byte]rune{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escape is what the escape after a backslash stands for, and its length.
func escape(s string) (rune, int, error) {
	if s == "" {
		return 0, 0, fmt.Errorf("an escape that ends at once")
	}
	digits := map[byte]int{'u': 4, 'U': 8}[s[0]]
	if digits == 0 {
		if r, ok := escapes[s[0]]; ok {
			return r, 1, nil
		}
		r, length := utf8.DecodeRuneInString(s)
		return r, length, nil
	}
	if len(s) <= digits {
		return 0, 0, fmt.Errorf(`the escape \%.9s is not understood`, s)
	}
	n, err := strconv.ParseUint(s[1:digits+1], 16, 31)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, 0, fmt.Errorf(`the escape \%.9s is not understood`, s)
	}
	return rune(n), digits + 1, nil
}
