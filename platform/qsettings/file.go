package qsettings

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of a file: a line may hold a certificate or a picture.
const (
	maxLine  = 8 << 20 // bytes
	maxFile  = 64 << 20
	maxLines = 100_000
)

// Entry is one key of a file, with its value as it stands there: [Value] reads
// it.
type Entry struct {
	// Path are the names from the group down: "Accounts", "0", "url".
	Path []string
	Raw  string
}

// Parse reads a whole file. A line that is neither a group, a key with its value
// nor a comment is an error, as is a value that goes on in the next line, which
// QSettings itself never writes.
// Source: Qt's qsettings.cpp, readIniFile and iniUnescapedKey.
func Parse(r io.Reader) ([]Entry, error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	group := []string{}
	var entries []Entry
	number := 0
	for lines.Scan() {
		number++
		if number > maxLines || limited.N == 0 {
			return nil, fmt.Errorf("more than %d lines or %d bytes", maxLines, maxFile)
		}
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		switch {
		case line == "", line[0] == ';', line[0] == '#':
		case line[0] == '[':
			name, _, ok := strings.Cut(line[1:], "]")
			if !ok {
				return nil, fmt.Errorf("line %d is no group", number)
			}
			group = groupOf(name)
		default:
			key, raw, ok := strings.Cut(line, "=")
			if !ok {
				return nil, fmt.Errorf("line %d is neither a group nor a key and its value", number)
			}
			if strings.HasSuffix(raw, `\`) && (len(raw)-len(strings.TrimRight(raw, `\`)))%2 == 1 {
				return nil, fmt.Errorf("line %d goes on in the next, which is not understood", number)
			}
			if len(names(key)) == 0 {
				return nil, fmt.Errorf("line %d has no key", number)
			}
			entries = append(entries, Entry{Path: slices.Concat(group, names(key)), Raw: strings.TrimSpace(raw)})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	return entries, nil
}

// groupOf are the names of a group: keys of [General] belong to none, and a group
// that is really called so is written %General.
func groupOf(name string) []string {
	name = strings.TrimSpace(name)
	if strings.EqualFold(name, "general") {
		return []string{}
	}
	if strings.EqualFold(name, "%general") {
		return []string{"General"}
	}
	return names(name)
}

// names are the parts of a key, which QSettings parts by a backslash.
func names(key string) []string {
	parts := strings.FieldsFunc(strings.TrimSpace(key), func(r rune) bool { return r == '\\' || r == '/' })
	for i := range parts {
		parts[i] = unescaped(parts[i])
	}
	return parts
}

// unescaped reads %41 and %U0041 in a name. What is no escape stands for itself,
// as for Qt.
func unescaped(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '%' && i+5 < len(name) && name[i+1] == 'U' {
			if n, err := strconv.ParseUint(name[i+2:i+6], 16, 16); err == nil {
				out.WriteRune(rune(n))
				i += 5
				continue
			}
		}
		if name[i] == '%' && i+2 < len(name) {
			if n, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
				out.WriteRune(rune(n))
				i += 2
				continue
			}
		}
		out.WriteByte(name[i])
	}
	return out.String()
}

// Text is a value that is a string. QSettings writes one that begins with @ with
// two of them; anything else after an @ is of another type.
func Text(raw string) (string, error) {
	text, err := Value(raw)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(text, "@@") {
		return text[1:], nil
	}
	if inner, ok := strings.CutPrefix(text, "@ByteArray("); ok {
		return strings.TrimSuffix(inner, ")"), nil
	}
	if strings.HasPrefix(text, "@") {
		if text == "@Invalid()" {
			return "", nil
		}
		return "", fmt.Errorf("a value of another type than text: %.20s", text)
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("a text that is not UTF-8")
	}
	return text, nil
}
