package eds

import (
	"cmp"
	"slices"
	"strings"
)

// productID stands in the calendar objects that are put together here.
const productID = "-//clearance-project//Clearance//EN"

// componentsOf splits an iCalendar text, with a VCALENDAR around or without,
// into its components (VEVENT, VTIMEZONE, …), each as it stands.
func componentsOf(text string) []string {
	var out []string
	var b strings.Builder
	depth := 0
	for raw := range strings.Lines(text) {
		raw = strings.TrimRight(raw, "\r\n")
		begin, end := hasWord(raw, "BEGIN:"), hasWord(raw, "END:")
		if ((begin || end) && strings.EqualFold(raw[strings.IndexByte(raw, ':')+1:], "VCALENDAR")) || (depth == 0 && !begin) {
			continue
		}
		b.WriteString(raw)
		b.WriteString("\r\n")
		if begin {
			depth++
		}
		if end {
			if depth--; depth == 0 {
				out = append(out, b.String())
				b.Reset()
			}
		}
	}
	return out
}

// hasWord tells whether a line begins with a word, in any case of letters.
func hasWord(line, word string) bool {
	return len(line) >= len(word) && strings.EqualFold(line[:len(word)], word)
}

func kindOfComponent(text string) string {
	for line := range unfold(text) {
		if name, _, value, ok := splitLine(line); ok && name == "BEGIN" {
			return strings.ToUpper(strings.TrimSpace(value))
		}
	}
	return ""
}

// sorted puts the instances of an item in one order: master first, then by
// what they replace.
func sorted(parts []string) []string {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b string) int {
		return cmp.Or(cmp.Compare(propertyOf(a, "RECURRENCE-ID"), propertyOf(b, "RECURRENCE-ID")), cmp.Compare(a, b))
	})
	return parts
}

// calendarOf puts components into a VCALENDAR.
func calendarOf(parts []string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n")
	for _, p := range parts {
		for line := range strings.Lines(p) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				b.WriteString(line + "\r\n")
			}
		}
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

// zoneIDs are the time zones that components name, sorted.
func zoneIDs(parts []string) []string {
	var ids []string
	for _, p := range parts {
		for line := range unfold(p) {
			_, params, _, ok := splitLine(line)
			if !ok || params == "" {
				continue
			}
			for _, param := range splitParams(params) {
				name, value, _ := strings.Cut(param, "=")
				if strings.EqualFold(name, "TZID") && value != "" {
					ids = append(ids, strings.Trim(value, `"`))
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// splitParams cuts parameters at the semicolons outside quotes.
func splitParams(params string) []string {
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(params); i++ {
		switch {
		case params[i] == '"':
			quoted = !quoted
		case params[i] == ';' && !quoted:
			out = append(out, params[start:i])
			start = i + 1
		}
	}
	return append(out, params[start:])
}
