package source

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// ContactSays is what a vCard says, for comparing a store's copy with the
// server's: one text for each property, sorted. It looks past the order of
// properties, folding, escaping and letter case of parameters, past VERSION,
// PRODID, REV and what evolution-data-server notes for itself; a picture is in it
// by the sum of its bytes. Local files must be embedded before ([EmbedLocal]).
func ContactSays(raw []byte) []string { return contactKeys(raw) }

// unsaid are properties that say nothing about the person.
var unsaid = map[string]bool{
	"BEGIN": true, "END": true, "VERSION": true, "PRODID": true, "REV": true,
}

// contactKeys gives one key for each property that says something, sorted.
// Lines that are no properties count as they stand.
func contactKeys(raw []byte) []string {
	var keys []string
	for l := range contentLines(raw) {
		switch {
		case l.blank():
		case !l.ok:
			keys = append(keys, "?"+strings.TrimSpace(string(l.raw)))
		case unsaid[l.name], strings.HasPrefix(l.name, "X-EVOLUTION-WEBDAV-"):
		default:
			keys = append(keys, propertyKey(&l))
		}
	}
	slices.Sort(keys)
	return keys
}

func propertyKey(l *contentLine) string {
	if data, _, ok := embedded(l); ok {
		sum := sha256.Sum256(data)
		return l.group + "." + l.name + ":sha256:" + hex.EncodeToString(sum[:])
	}
	return l.group + "." + l.name + paramKey(l) + ":" + valueKey(l.text())
}

// paramKey normalises parameters: names and types in upper case and sorted,
// lists taken apart, version 2.1's bare types given their name.
func paramKey(l *contentLine) string {
	var keys []string
	for _, p := range l.parameters() {
		switch {
		case p.name == "":
			p.name = "TYPE"
		case p.name == "VALUE", p.name == "ENCODING", p.name == "CHARSET", strings.HasPrefix(p.name, "X-EVOLUTION-"):
			continue
		}
		if bare := strings.ToUpper(p.value); p.name == "TYPE" && (bare == "QUOTED-PRINTABLE" || bare == "BASE64") {
			continue
		}
		for value := range strings.SplitSeq(strings.Trim(p.value, `"`), ",") {
			if p.name == "TYPE" {
				value = strings.ToUpper(value)
			}
			keys = append(keys, ";"+p.name+"="+value)
		}
	}
	slices.Sort(keys)
	return strings.Join(slices.Compact(keys), "")
}

// valueKey undoes escapes, but keeps a semicolon that separates apart from one
// that is text; separators at the end separate nothing.
func valueKey(value []byte) string {
	const separator = "\x1f"
	var b strings.Builder
	for i, part := range splitUnescaped(value, ';') {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(unescape(part))
	}
	return strings.TrimRight(b.String(), separator)
}

// splitUnescaped splits at each sep that has no backslash before it.
func splitUnescaped(value []byte, sep byte) [][]byte {
	var out [][]byte
	start := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case sep:
			out = append(out, value[start:i])
			start = i + 1
		}
	}
	return append(out, value[start:])
}
