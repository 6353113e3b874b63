package source

import "strings"

// ProductID names this program in what it makes.
const ProductID = productID

// Lines writes a vCard or a calendar object line by line, folded, each ending in
// CRLF. The zero value is ready to use.
type Lines struct{ b []byte }

// Add writes a property (with its parameters) and its value as it stands; ends of
// lines in it become spaces.
func (l *Lines) Add(property, value string) {
	l.b = fold(l.b, oneContentLine(property+":"+value), "\r\n")
}

// Text writes a property whose value is a text; none where the text is empty.
func (l *Lines) Text(property, value string) {
	if value != "" {
		l.Add(property, escapeText(value))
	}
}

// Texts writes a property of several parts, none where all are empty.
func (l *Lines) Texts(property string, parts ...string) {
	some := false
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i], some = escapeText(p), some || p != ""
	}
	if some {
		l.Add(property, strings.Join(escaped, ";"))
	}
}

// Raw writes whole lines as they are.
func (l *Lines) Raw(lines []byte) { l.b = append(l.b, lines...) }

// Bytes is what was written.
func (l *Lines) Bytes() []byte { return l.b }

// Parameter is a parameter's value as it may stand between quotes.
func Parameter(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func oneContentLine(s string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(s)
}
