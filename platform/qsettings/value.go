// Package qsettings reads values of the INI files that Qt's QSettings writes,
// such as nextcloud.cfg. It imports platform/inifile and does no I/O.
//
// Invariant: a value is what QSettings wrote, or an error; it is never guessed.
package qsettings

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// controls are the escapes of one letter in QSettings' INI files.
var controls = map[byte]byte{'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '"': '"', '\\': '\\', '\'': '\'', '?': '?'}

// Value is the text of a value as it stands after "key=": quoted or not, each
// UTF-16 unit beyond ASCII written as \x and its hexadecimal digits, as many as
// there are (the writer escapes a digit that would follow). Other bytes stand
// for themselves. What QSettings never writes is an error.
// Source: Qt's qsettings.cpp, iniEscapedString and iniUnescapedStringList.
func Value(raw string) (string, error) {
	var out strings.Builder
	var units []uint16 // of escapes that follow each other: two may be one character
	flush := func() {
		out.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	raw = strings.TrimSpace(raw)
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '"':
			quoted = !quoted
		case raw[i] != '\\':
			flush()
			out.WriteByte(raw[i])
		default:
			unit, n, err := escapeOf(raw[i+1:])
			if err != nil {
				return "", err
			}
			units = append(units, unit)
			i += n
		}
	}
	flush()
	if quoted {
		return "", fmt.Errorf("the quotation in %q does not end", raw)
	}
	return out.String(), nil
}

// escapeOf is what the escape after a backslash stands for, and its length.
func escapeOf(s string) (unit uint16, length int, err error) {
	if s == "" {
		return 0, 0, fmt.Errorf("a line that goes on in the next is not understood")
	}
	if c, ok := controls[s[0]]; ok {
		return uint16(c), 1, nil
	}
	base, from := 8, 0
	if s[0] == 'x' {
		base, from = 16, 1
	}
	to := from
	for to < len(s) && isDigit(s[to], base) {
		to++
	}
	n, err := strconv.ParseUint(s[from:to], base, 16)
	if err != nil {
		return 0, 0, fmt.Errorf(`the escape \%.8s is not understood`, s)
	}
	return uint16(n), to, nil
}

func isDigit(c byte, base int) bool {
	_, err := strconv.ParseUint(string(rune(c)), base, 8)
	return err == nil
}
