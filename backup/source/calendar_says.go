package source

import (
	"slices"
	"strings"
)

// CalendarSays is what a calendar object says: one text for each property of its
// components, sorted, equal for what a server and a store on a device have of one
// event. It looks past the calendar around the components and the time zones
// beside them, the order of properties, folding, escaping, what every store
// stamps anew, and the names of time zones that are no IANA names, which an
// export may change.
func CalendarSays(raw []byte) []string {
	var says []string
	var at []string
	for l := range contentLines(raw) {
		switch {
		case !l.ok:
			continue
		case l.name == "BEGIN":
			at = append(at, strings.ToUpper(strings.TrimSpace(string(l.value))))
			continue
		case l.name == "END":
			if len(at) > 0 {
				at = at[:len(at)-1]
			}
			continue
		}
		where := strings.TrimPrefix(strings.Join(at, "/"), "VCALENDAR")
		if where == "" || slices.Contains(at, "VTIMEZONE") || stamped(l.name) {
			continue
		}
		says = append(says, strings.TrimPrefix(where, "/")+"."+calendarKey(&l))
	}
	slices.Sort(says)
	return says
}

// stamped are properties that every store writes anew (RFC 5545, 3.8.7).
func stamped(name string) bool {
	switch name {
	case "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE":
		return true
	}
	return strings.HasPrefix(name, "X-EVOLUTION-") || strings.HasPrefix(name, "X-LIC-")
}

func calendarKey(l *contentLine) string {
	if zone := l.parameter("TZID"); zone != "" && !isIANA(zone) {
		plain := *l
		var b strings.Builder
		for _, p := range l.parameters() {
			if p.name != "TZID" {
				b.WriteString(";" + p.name + "=" + p.value)
			}
		}
		plain.params = b.String()
		return propertyKey(&plain)
	}
	if l.name == "RRULE" || l.name == "EXRULE" {
		parts := strings.Split(strings.ToUpper(string(l.value)), ";")
		slices.Sort(parts)
		return l.name + ":" + strings.Join(parts, ";")
	}
	return propertyKey(l)
}
