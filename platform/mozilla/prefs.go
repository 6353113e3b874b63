package mozilla

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/clearance-project/clearance/platform/xdg"
)

// maxPrefs bounds a prefs.js, which has some hundred kilobytes.
const maxPrefs = 64 << 20

// Prefs are the settings of a profile. A number or a truth is its text. A profile
// without settings has none.
func (p Profile) Prefs() (map[string]string, error) {
	at := filepath.Join(p.Path, "prefs.js")
	raw, err := xdg.ReadIfThere(at, maxPrefs)
	if err != nil || raw == nil {
		return nil, err
	}
	prefs, err := ParsePrefs(string(raw))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", at, err)
	}
	return prefs, nil
}

// ParsePrefs reads the text of a prefs.js: user_pref("name", value); and comments.
// A later value replaces an earlier one.
func ParsePrefs(text string) (map[string]string, error) {
	prefs := map[string]string{}
	p := &parser{text: text}
	for {
		if err := p.blank(); err != nil {
			return nil, p.failed(err)
		}
		if p.at == len(p.text) {
			return prefs, nil
		}
		name, value, err := p.pref()
		if err != nil {
			return nil, p.failed(err)
		}
		prefs[name] = value
	}
}

type parser struct {
	text string
	at   int
}

func (p *parser) failed(err error) error {
	return fmt.Errorf("line %d: %w", 1+strings.Count(p.text[:min(p.at, len(p.text))], "\n"), err)
}

// blank passes over blanks and comments.
func (p *parser) blank() error {
	for p.at < len(p.text) {
		rest := p.text[p.at:]
		switch {
		case strings.ContainsRune(" \t\r\n\v\f", rune(rest[0])):
			p.at++
		case rest[0] == '#', strings.HasPrefix(rest, "//"):
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				end = len(rest)
			}
			p.at += end
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return errors.New("a comment that does not end")
			}
			p.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

// pref reads one setting.
func (p *parser) pref() (name, value string, err error) {
	if word := p.word(); word != "user_pref" && word != "pref" && word != "sticky_pref" {
		return "", "", fmt.Errorf("%.40q is no setting", word)
	}
	if err := p.expect('('); err != nil {
		return "", "", err
	}
	if name, err = p.quoted(); err != nil {
		return "", "", err
	}
	if err := p.expect(','); err != nil {
		return "", "", err
	}
	if err := p.blank(); err != nil {
		return "", "", err
	}
	if p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\'') {
		value, err = p.quoted()
	} else if value = p.word(); value == "" {
		err = errors.New("a setting without a value")
	}
	if err != nil {
		return "", "", err
	}
	for _, c := range []byte(");") {
		if err := p.expect(c); err != nil {
			return "", "", err
		}
	}
	return name, value, nil
}

// word reads a name, a number or a truth.
func (p *parser) word() string {
	from := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && c != '-' && c != '+' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			break
		}
		p.at++
	}
	return p.text[from:p.at]
}

func (p *parser) expect(c byte) error {
	if err := p.blank(); err != nil {
		return err
	}
	if p.at == len(p.text) || p.text[p.at] != c {
		return fmt.Errorf("%q is wanted", c)
	}
	p.at++
	return nil
}

var escapes = map[byte]string{'"': `"`, '\'': `'`, '\\': `\`, 'n': "\n", 'r': "\r"}

// quoted reads a string. The units of an escape \u make characters together.
func (p *parser) quoted() (string, error) {
	if err := p.blank(); err != nil {
		return "", err
	}
	if p.at == len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\'' {
		return "", errors.New("a string is wanted")
	}
	quote := p.text[p.at]
	p.at++
	var out strings.Builder
	var units []uint16
	flush := func() {
		out.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		if c == '\\' {
			unit, err := p.escape()
			if err != nil {
				return "", err
			}
			units = append(units, unit)
			continue
		}
		flush()
		if c == quote {
			return out.String(), nil
		}
		out.WriteByte(c)
	}
	return "", errors.New("a string that does not end")
}

// escape reads what follows a backslash.
func (p *parser) escape() (uint16, error) {
	if p.at == len(p.text) {
		return 0, errors.New("an escape that ends at once")
	}
	c := p.text[p.at]
	p.at++
	if s, ok := escapes[c]; ok {
		return uint16(s[0]), nil
	}
	digits := map[byte]int{'x': 2, 'u': 4}[c]
	if digits == 0 || p.at+digits > len(p.text) {
		return 0, fmt.Errorf(`the escape \%c is not understood`, c)
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 16)
	if err != nil {
		return 0, fmt.Errorf(`the escape \%c is not understood`, c)
	}
	p.at += digits
	return uint16(n), nil
}
