package eds

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// content is what two forms of an item must share to be the same: its
// properties as a multiset, without those that every store writes anew, with
// binary values by digest.
type content map[string]int

func isBookkeeping(name string) bool {
	switch name {
	case "BEGIN", "END", "VERSION", "PRODID", "REV", "UID", "CALSCALE", "METHOD", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE":
		return true
	}
	return strings.HasPrefix(name, "X-EVOLUTION-WEBDAV") || strings.HasPrefix(name, "X-EVOLUTION-CALDAV") ||
		strings.HasPrefix(name, "X-EVOLUTION-ALARM") || strings.HasPrefix(name, "X-LIC-")
}

func contentOf(text string) content {
	c := content{}
	var at []string
	for line := range unfold(text) {
		name, params, value, ok := splitLine(line)
		if !ok {
			continue
		}
		switch name {
		case "BEGIN":
			at = append(at, strings.ToUpper(strings.TrimSpace(value)))
		case "END":
			if len(at) > 0 {
				at = at[:len(at)-1]
			}
		}
		if isBookkeeping(name) || value == "" || slices.Contains(at, "VTIMEZONE") {
			continue
		}
		c[strings.Join(at, "/")+"|"+name+normal(params, value)]++
	}
	return c
}

// normal is a property's parameters and value in one form.
func normal(params, value string) string {
	var kept []string
	binary := false
	for _, p := range splitParams(params) {
		name, v, _ := strings.Cut(p, "=")
		name, v = strings.ToUpper(strings.TrimSpace(name)), strings.ReplaceAll(v, `"`, "")
		switch {
		case name == "ENCODING":
			binary = binary || strings.EqualFold(v, "b") || strings.EqualFold(v, "BASE64")
		case name == "" || name == "CHARSET" || name == "VALUE" || strings.HasPrefix(name, "X-EVOLUTION-"):
		case name == "TYPE":
			for _, t := range strings.Split(v, ",") {
				kept = append(kept, "TYPE="+strings.ToUpper(t))
			}
		default:
			kept = append(kept, name+"="+v)
		}
	}
	if binary {
		if b, ok := decodeMedia(value); ok {
			sum := sha256.Sum256(b)
			return ":" + hex.EncodeToString(sum[:]) // a store may drop or guess the type
		}
	}
	slices.Sort(kept)
	return ";" + strings.Join(kept, ";") + ":" + unescapeText(value)
}

// missing returns a property that want has and got has not, "" for none; got
// may have more.
func missing(want, got content) string {
	for p, n := range want {
		if got[p] < n {
			return p
		}
	}
	return ""
}

// digest of the content, for the id of another version.
func (c content) digest() string {
	list := make([]string, 0, len(c))
	for p, n := range c {
		for range n {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return short(strings.Join(list, "\n"))
}

// withUID replaces the item's id, in all its instances.
func withUID(text, uid string) string {
	var b strings.Builder
	depth, zone := 0, false
	for line := range unfold(text) {
		name, _, value, ok := splitLine(line)
		switch {
		case ok && name == "BEGIN":
			depth++
			zone = zone || strings.EqualFold(strings.TrimSpace(value), "VTIMEZONE")
		case ok && name == "END":
			depth--
			zone = zone && !strings.EqualFold(strings.TrimSpace(value), "VTIMEZONE")
		case ok && name == "UID" && depth <= 2 && !zone:
			line = "UID:" + escapeText(uid)
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

func escapeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace(s)
}
