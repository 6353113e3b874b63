// Package kconfig reads a group of the settings files that KDE's programs write
// with KConfig, as digikamrc. It imports platform/inifile and does no I/O.
//
// Invariant: a value is what KConfig wrote, or an error; it is never guessed.
//
// Source: KConfig, kconfigini.cpp (parseConfig, printableToString) and kconfig.cpp
// (expandString).
package kconfig

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/platform/inifile"
)

// dialect: the brackets of groups in one another, and of flags, are in a name.
var dialect = inifile.Dialect{MaxBytes: 4 << 20, Comments: "#", Part: "=", Header: inifile.Last}

// Group are the values of a group by key, without its subgroups; none where it is
// not there. home is what $HOME stands for in a value that is to be expanded. What
// is not understood in other groups is passed over.
func Group(raw []byte, name, home string) (map[string]string, error) {
	file, err := dialect.Parse(string(raw))
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	for _, g := range file {
		if found, _, _ := strings.Cut(g.Name, "][$"); found != name {
			continue
		}
		if err := g.Err(); err != nil {
			return nil, err
		}
		for _, k := range g.Keys {
			key, flags, _ := strings.Cut(k.Name, "[$")
			value, err := unescape(k.Value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", k.Line, err)
			}
			if strings.Contains(flags, "e") {
				value = strings.NewReplacer("$HOME", home, "${HOME}", home).Replace(value)
			}
			values[key] = value
		}
	}
	return values, nil
}

// unescape undoes the backslashes.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", errors.New("it ends in a backslash")
		}
		switch s[i] {
		case 's':
			b.WriteByte(' ')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case '\\', ',', ';':
			b.WriteByte(s[i])
		case 'x':
			if i+2 >= len(s) {
				return "", errors.New("an escape is cut off")
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("the escape %q is not understood", s[i-1:i+3])
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			return "", fmt.Errorf("the escape \\%c is not understood", s[i])
		}
	}
	return b.String(), nil
}
