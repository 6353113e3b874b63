package bag

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// What is written once for each item is written by hand: encoding/json takes
// longer to find the fields than the disk takes for the line. The text is that of
// encoding/json without escapes for HTML, byte for byte.

// appendTo appends the line as a JSON object, without a line end.
func (l *line) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = appendText(b, "dataset", string(l.Dataset))
	b = appendText(b, "account", l.Account)
	b = appendText(b, "account_base64", l.Account64)
	b = appendText(b, "source", l.Source)
	b = appendText(b, "source_base64", l.Source64)
	b = appendText(b, "id", l.ID)
	b = appendText(b, "id_base64", l.ID64)
	b = appendText(b, "name", l.Name)
	b = appendText(b, "name_base64", l.Name64)
	b = appendText(b, "path", l.Path)
	b = appendText(b, "was", l.Was)
	b = strconv.AppendInt(appendField(b, "size"), l.Size, 10)
	b = appendTime(b, "mtime", l.ModTime)
	b = appendText(b, "sha256", l.SHA256)
	b = appendTime(b, "first_seen", l.FirstSeen)
	b = appendString(appendField(b, "state"), string(l.State))
	return append(b, '}')
}

// appendTo appends the entry as a JSON object: the line's fields and its own.
func (e *entry) appendTo(b []byte) []byte {
	b = e.line.appendTo(b)
	b = b[:len(b)-1]
	b = appendText(b, "rev", e.Rev)
	b = appendText(b, "rev_base64", e.Rev64)
	if e.Unsettled {
		b = append(appendField(b, "unsettled"), "true"...)
	}
	b = appendText(b, "temp", e.Temp)
	if e.Adopted {
		b = append(appendField(b, "adopted"), "true"...)
	}
	return append(b, '}')
}

func appendField(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendText(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(appendField(b, name), s)
}

func appendTime(b []byte, name string, t *time.Time) []byte {
	if t == nil {
		return b
	}
	b = append(appendField(b, name), '"')
	return append(t.AppendFormat(b, time.RFC3339Nano), '"')
}

// appendString appends s as encoding/json does.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[from:i]...), `\ufffd`...)
			from = i + n
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[from:i]...), `\u202`...)
			b = append(b, hex[r&15])
			from = i + n
		}
		i += n
	}
	return append(append(b, s[from:]...), '"')
}
