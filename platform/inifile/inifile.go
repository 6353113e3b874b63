// Package inifile takes the settings files of other programs apart: groups in
// square brackets, and keys with their values. It imports nothing of ours and does
// no I/O.
//
// Every program has a dialect of its own. What sets them apart in the lines is a
// [Dialect]; what sets them apart in a value (escapes, quotes, JSON, a $HOME) is
// with whoever reads that program's files.
//
// Invariants:
//   - No line is lost: it is in a group, or among what is [Group.Bad] there.
//   - Nothing is guessed: a key below a group that cannot be read is bad too.
//
// Sources: the Desktop Entry Specification, "Basic format of the file", and GLib's
// gkeyfile.c; Qt's qsettings.cpp, readIniFile; Python's configparser.py; KConfig's
// kconfigini.cpp; Mozilla's nsINIParser.cpp; rclone, fs/config/configfile.
package inifile

import (
	"errors"
	"fmt"
	"strings"
)

// maxLines of one file.
const maxLines = 100_000

// ErrTooLarge is of a file with more bytes or lines than are read.
var ErrTooLarge = errors.New("beyond the limit")

// Dialect is what one program's files have of their own.
type Dialect struct {
	MaxBytes int    // of a file
	Comments string // the letters that begin a comment
	Part     string // the letters that part a key from its value
	Header   Header
	// Rootless: keys before the first group are good.
	Rootless bool
	// Spaces: the blanks around a value are part of it.
	Spaces bool
	// Continued: an indented line below a key goes on with its value, after a line
	// feed.
	Continued bool
}

// Header is where the name of a group ends.
type Header int

// The ends of a group's name.
const (
	Plain Header = iota // at the one bracket, which ends the line
	First               // at the first bracket; what follows is passed over
	Last                // at the bracket that ends the line; others are in the name
)

// File are the groups of a file in their order; a name may be there twice.
type File []Group

// Group is one group.
type Group struct {
	// Name is "" for what comes before the first group, and for a group whose name
	// cannot be read.
	Name string
	Keys []Key
	Bad  []int // the numbers of the lines that are not understood, from 1
}

// Key is a key with its value.
type Key struct {
	Name, Value string
	Line        int // its number, from 1
}

// Parse takes a file apart. ErrTooLarge is the only error: what is not
// understood is in the groups.
func (d Dialect) Parse(data string) (File, error) {
	if len(data) > d.MaxBytes {
		return nil, fmt.Errorf("it has %d bytes: %w of %d", len(data), ErrTooLarge, d.MaxBytes)
	}
	file, number, root := File{{}}, 0, d.Rootless
	for raw := range strings.Lines(strings.TrimPrefix(data, "\ufeff")) {
		if number++; number > maxLines {
			return nil, fmt.Errorf("it has more than %d lines: %w", maxLines, ErrTooLarge)
		}
		group := &file[len(file)-1]
		line := strings.Trim(raw, blanks)
		switch {
		case line == "" || strings.IndexByte(d.Comments, line[0]) >= 0:
		case d.Continued && strings.ContainsAny(raw[:1], " \t") && len(group.Keys) > 0:
			group.Keys[len(group.Keys)-1].Value += "\n" + line
		case line[0] == '[':
			g := Group{Name: d.Header.name(line[1:])}
			if root = g.Name != ""; !root {
				g.Bad = []int{number}
			}
			file = append(file, g)
		default:
			name, value, ok := d.cut(raw)
			if !ok || !root {
				group.Bad = append(group.Bad, number)
				continue
			}
			group.Keys = append(group.Keys, Key{name, value, number})
		}
	}
	return file, nil
}

// Strict takes a file apart in which a line that is not understood is an error.
func (d Dialect) Strict(data string) (File, error) {
	file, err := d.Parse(data)
	if err != nil {
		return nil, err
	}
	for _, g := range file {
		if err := g.Err(); err != nil {
			return nil, err
		}
	}
	return file, nil
}

const blanks = " \t\r\n\v\f"

// cut parts a key from its value.
func (d Dialect) cut(raw string) (name, value string, ok bool) {
	at := strings.IndexAny(raw, d.Part)
	if at < 0 {
		return "", "", false
	}
	name, value = strings.Trim(raw[:at], blanks), strings.TrimRight(raw[at+1:], "\r\n")
	if !d.Spaces {
		value = strings.Trim(value, blanks)
	}
	return name, value, name != ""
}

// name is a group's name, after its first bracket; "" where it cannot be read.
func (h Header) name(line string) string {
	at := strings.LastIndexByte(line, ']')
	if h == First {
		at = strings.IndexByte(line, ']')
	}
	if at < 0 || h != First && at != len(line)-1 || h == Plain && strings.ContainsAny(line[:at], "[]") {
		return ""
	}
	return line[:at]
}

// Err is the first line of the group that is not understood, nil for none.
func (g Group) Err() error {
	if len(g.Bad) == 0 {
		return nil
	}
	return fmt.Errorf("line %d is neither a group nor a key and its value", g.Bad[0])
}

// Values are the values by key; the last of several holds.
func (g Group) Values() map[string]string {
	values := make(map[string]string, len(g.Keys))
	for _, k := range g.Keys {
		values[k.Name] = k.Value
	}
	return values
}
