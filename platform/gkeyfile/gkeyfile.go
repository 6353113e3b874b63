// Package gkeyfile reads GLib's key files, in which evolution-data-server and GNOME
// Online Accounts keep what they know. It imports platform/inifile and does no I/O.
//
// Values in a language of their own (Key[de]=) say the same as the others and are
// passed over.
//
// Sources: the Desktop Entry Specification, "Basic format of the file", and GLib's
// gkeyfile.c (g_key_file_parse_value_as_string).
package gkeyfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/clearance-project/clearance/platform/inifile"
)

// File are the values by group and key.
type File map[string]map[string]string

// ErrLines is of a file with lines that are no group, key or comment.
var ErrLines = errors.New("lines that are not understood")

// Parse reads up to most bytes; inifile.ErrTooLarge for more. With ErrLines come
// the lines that are understood: GLib itself reads none of such a file.
func Parse(data string, most int) (File, error) {
	groups, err := inifile.Dialect{MaxBytes: most, Comments: "#", Part: "=", Spaces: true}.Parse(data)
	if err != nil {
		return nil, err
	}
	file := File{}
	var bad []int
	for _, g := range groups {
		bad = append(bad, g.Bad...)
		if g.Name != "" && file[g.Name] == nil {
			file[g.Name] = map[string]string{}
		}
		for _, k := range g.Keys {
			if strings.HasSuffix(k.Name, "]") && strings.Contains(k.Name, "[") {
				continue
			}
			file[g.Name][k.Name] = unescape(strings.TrimLeft(k.Value, " \t"))
		}
	}
	if len(bad) > 0 {
		return file, fmt.Errorf("%d %w, the first is line %d", len(bad), ErrLines, bad[0])
	}
	return file, nil
}

// Has reports whether a group is there.
func (f File) Has(group string) bool { _, ok := f[group]; return ok }

// Bool reads a boolean as GLib does; everything else is what a missing key is.
func (f File) Bool(group, key string, missing bool) bool {
	switch strings.TrimSpace(f[group][key]) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	return missing
}

// unescape undoes the backslashes; one that means nothing stands for what follows.
func unescape(s string) string {
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
		switch s[i] {
		case 's':
			b.WriteByte(' ')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Escape writes a value so that GLib reads it back as it is.
func Escape(s string) string {
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	s = r.Replace(s)
	if strings.HasPrefix(s, " ") {
		s = `\s` + s[1:]
	}
	return s
}
