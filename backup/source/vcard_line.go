package source

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Limits for what is parsed. Nothing beyond them is lost: the raw bytes are
// copied all the same, only not looked into.
const (
	MaxVCard    = 64 << 20  // bytes of one contact, photo included
	MaxCalendar = 128 << 20 // bytes of one iCalendar stream
	MaxEmbed    = 32 << 20  // bytes of one local file that is embedded

	maxParams = 64 << 10 // bytes of a property's parameters
	foldAt    = 75       // octets of a line, RFC 6350 section 3.2, RFC 5545 section 3.1
)

var (
	// ErrMalformed: the bytes do not follow their format.
	ErrMalformed = errors.New("malformed")
	// ErrBeyondLimit: larger or deeper than what is looked into.
	ErrBeyondLimit = errors.New("beyond the limit")
)

// ParseError says what is wrong with a contact or a calendar object. It wraps
// [ErrMalformed] or [ErrBeyondLimit].
type ParseError struct {
	Format string // "vCard" or "iCalendar"
	Line   int    // first line of the trouble within the object, from 1; 0: the whole
	Reason string
	Err    error
}

func (e *ParseError) Error() string {
	s := "cannot parse " + e.Format
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	return s + ": " + e.Reason
}

// Unwrap gives the kind.
func (e *ParseError) Unwrap() error { return e.Err }

// contentLine is one logical line of a vCard (RFC 6350 section 3.2, and the
// quoted-printable soft breaks of version 2.1) or of an iCalendar stream
// (RFC 5545 section 3.1).
type contentLine struct {
	raw    []byte // as it stands, with folds and line end
	number int    // of its first physical line, from 1
	ok     bool   // it has a name and a value; else the rest is empty
	group  string
	name   string // upper case
	params string // with the leading ";", unfolded
	value  []byte // unfolded
}

// blank tells a line of nothing but white space.
func (l *contentLine) blank() bool { return len(bytes.TrimSpace(l.raw)) == 0 }

// is compares name and value as BEGIN and END lines are compared.
func (l *contentLine) is(name, value string) bool {
	return l.ok && l.name == name && strings.EqualFold(string(bytes.TrimSpace(l.value)), value)
}

var utf8BOM = []byte("\xef\xbb\xbf")

// contentLines gives the logical lines of raw. Every byte of raw but a leading
// byte order mark is in exactly one of them.
func contentLines(raw []byte) iter.Seq[contentLine] {
	return func(yield func(contentLine) bool) {
		rest, number := bytes.TrimPrefix(raw, utf8BOM), 1
		for len(rest) > 0 {
			var l contentLine
			var count int
			l, rest, count = nextLine(rest)
			l.number = number
			number += count
			if !yield(l) {
				return
			}
		}
	}
}

// nextLine takes a logical line from the front, and counts its physical lines.
func nextLine(raw []byte) (l contentLine, rest []byte, count int) {
	end, count := physical(raw), 1
	text := chomp(raw[:end])
	joined := false
	for end < len(raw) && (raw[end] == ' ' || raw[end] == '\t') {
		next := physical(raw[end:])
		if !joined {
			text, joined = bytes.Clone(text), true
		}
		text = append(text, chomp(raw[end+1:end+next])...)
		end, count = end+next, count+1
	}
	l.split(text)
	if l.ok && l.name != "BEGIN" && strings.Contains(strings.ToUpper(l.params), "QUOTED-PRINTABLE") {
		value := bytes.Clone(l.value)
		for end < len(raw) && bytes.HasSuffix(value, []byte("=")) {
			next := physical(raw[end:])
			value = append(value[:len(value)-1], chomp(raw[end:end+next])...)
			end, count = end+next, count+1
		}
		l.value = value
	}
	l.raw = raw[:end]
	return l, raw[end:], count
}

// physical is the length of the first physical line with its end.
func physical(raw []byte) int {
	if i := bytes.IndexByte(raw, '\n'); i >= 0 {
		return i + 1
	}
	return len(raw)
}

func chomp(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// split parses [group "."] name *(";" param) ":" value.
func (l *contentLine) split(text []byte) {
	quoted, colon, nameEnd := false, -1, -1
	for i, c := range text {
		if i > maxParams {
			return
		}
		if c == '"' {
			quoted = !quoted
			continue
		}
		if quoted {
			continue
		}
		if c == ';' && nameEnd < 0 {
			nameEnd = i
		}
		if c == ':' {
			colon = i
			break
		}
	}
	if colon < 0 {
		return
	}
	if nameEnd < 0 {
		nameEnd = colon
	}
	group, name, grouped := strings.Cut(string(text[:nameEnd]), ".")
	if !grouped {
		group, name = "", group
	}
	if !isName(name) || grouped && !isName(group) {
		return
	}
	l.ok, l.group, l.name = true, group, strings.ToUpper(name)
	l.params, l.value = string(text[nameEnd:colon]), text[colon+1:]
}

// isName checks a property or group name. The underscore is in no RFC and in
// many address books.
func isName(s string) bool {
	for _, c := range []byte(s) {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if !ok {
			return false
		}
	}
	return s != ""
}

// param is one parameter; version 2.1 also has bare values: they have no name.
type param struct {
	name  string // upper case
	value string // as it stands, with quotes
}

// parameters splits the parameters of the line.
func (l *contentLine) parameters() []param {
	var out []param
	for _, part := range splitUnquoted(strings.TrimPrefix(l.params, ";"), ';') {
		if part == "" {
			continue
		}
		if name, value, found := strings.Cut(part, "="); found {
			out = append(out, param{strings.ToUpper(name), value})
		} else {
			out = append(out, param{"", part})
		}
	}
	return out
}

// parameter gives the first value of a parameter without quotes, or "".
func (l *contentLine) parameter(name string) string {
	for _, p := range l.parameters() {
		if p.name == name {
			return strings.Trim(p.value, `"`)
		}
	}
	return ""
}

// splitUnquoted splits at sep outside double quotes.
func splitUnquoted(s string, sep byte) []string {
	var out []string
	quoted, start := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// lineEnd is the line end that raw uses.
func lineEnd(raw []byte) string {
	if i := bytes.IndexByte(raw, '\n'); i == 0 || i > 0 && raw[i-1] != '\r' {
		return "\n"
	}
	return "\r\n"
}

// fold appends one logical line, folded at 75 octets and never within a
// character, and its line end.
func fold(dst []byte, text, eol string) []byte {
	room := foldAt
	for len(text) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(text[cut]) && room-cut < utf8.UTFMax {
			cut--
		}
		if !utf8.RuneStart(text[cut]) {
			cut = room
		}
		dst = append(append(append(dst, text[:cut]...), eol...), ' ')
		text, room = text[cut:], foldAt-1
	}
	return append(append(dst, text...), eol...)
}

// unescape undoes the backslashes of a text value.
func unescape(value []byte) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c != '\\' || i+1 == len(value) {
			b.WriteByte(c)
			continue
		}
		i++
		if value[i] == 'n' || value[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

// decodeBase64 takes base64 as it is found: with white space, with padding or
// without.
func decodeBase64(s []byte) ([]byte, error) {
	clean := make([]byte, 0, len(s))
	for _, c := range s {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '=' {
			clean = append(clean, c)
		}
	}
	out, err := base64.RawStdEncoding.AppendDecode(nil, clean)
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrMalformed)
	}
	return out, nil
}

// readAll reads at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%w of %d bytes", ErrBeyondLimit, limit)
	}
	return raw, nil
}
