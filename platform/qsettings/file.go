package qsettings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/clearance-project/clearance/platform/inifile"
)

// dialect is that of QSettings. Source: Qt's qsettings.cpp, readIniFile.
var dialect = inifile.Dialect{MaxBytes: 64 << 20, Comments: ";#", Part: "=", Header: inifile.First, Rootless: true}

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
func Parse(raw []byte) ([]Entry, error) {
	file, err := dialect.Strict(string(raw))
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, g := range file {
		group := groupOf(g.Name)
		for _, k := range g.Keys {
			if (len(k.Value)-len(strings.TrimRight(k.Value, `\`)))%2 == 1 {
				return nil, fmt.Errorf("line %d goes on in the next, which is not understood", k.Line)
			}
			path := names(k.Name)
			if len(path) == 0 {
				return nil, fmt.Errorf("line %d has no key", k.Line)
			}
			entries = append(entries, Entry{Path: slices.Concat(group, path), Raw: k.Value})
		}
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
