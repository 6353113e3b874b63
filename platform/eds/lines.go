package eds

import (
	"iter"
	"strings"
)

// unfold yields the content lines of a vCard or iCalendar text (RFC 6350 3.2,
// RFC 5545 3.1), without their ends and with folded lines joined.
func unfold(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		line, started := "", false
		var joined strings.Builder
		flush := func() bool {
			if joined.Len() > 0 {
				line = joined.String()
				joined.Reset()
			}
			return !started || yield(line)
		}
		for raw := range strings.Lines(text) {
			raw = strings.TrimRight(raw, "\r\n")
			if started && raw != "" && (raw[0] == ' ' || raw[0] == '\t') {
				if joined.Len() == 0 {
					joined.WriteString(line)
				}
				joined.WriteString(raw[1:])
				continue
			}
			if !flush() {
				return
			}
			line, started = raw, true
		}
		flush()
	}
}

// splitLine cuts a content line into its name (without group, upper case),
// its parameters as they stand, and its value. ok is false for a line without
// a colon.
func splitLine(line string) (name, params, value string, ok bool) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ':' && !quoted:
			name, params, _ = strings.Cut(line[:i], ";")
			if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
				name = name[dot+1:]
			}
			return strings.ToUpper(name), params, line[i+1:], true
		}
	}
	return "", "", "", false
}

// propertyOf returns the first value of a property outside nested components,
// unescaped; "" where there is none.
func propertyOf(text, property string) string {
	for name, line := range outer(text) {
		if name == property {
			_, _, value, _ := splitLine(line)
			return unescapeText(value)
		}
	}
	return ""
}

// outer are the lines outside nested components, by the name of their property.
func outer(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		depth := 0
		for line := range unfold(text) {
			name, _, _, ok := splitLine(line)
			switch {
			case !ok:
			case name == "BEGIN":
				depth++
			case name == "END":
				depth--
			case depth == 1 && !yield(name, line):
				return
			}
		}
	}
}

// unescapeText undoes the escaping of a text value.
func unescapeText(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == 'n' || s[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
