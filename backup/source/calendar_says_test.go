package source_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
)

func TestWhatAServerAndAStoreHaveOfAnEventSaysTheSame(t *testing.T) {
	const event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:server\r\nBEGIN:VTIMEZONE\r\nTZID:Our zone\r\nEND:VTIMEZONE\r\n" +
		"BEGIN:VEVENT\r\nUID:e\r\nDTSTAMP:20240101T000000Z\r\nDTSTART;TZID=Our zone:20240501T190000\r\nRRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY:Dinner\\, late\r\n" +
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	want := source.CalendarSays([]byte(event))
	if len(want) != 5 {
		t.Fatalf("%q", want)
	}
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(event, from) {
			t.Fatalf("%q is not there", from)
		}
		return strings.Replace(event, from, to, 1)
	}
	for name, same := range map[string]string{
		"restamped":        change("DTSTAMP:2024", "LAST-MODIFIED:20250101T000000Z\r\nDTSTAMP:2025"),
		"another program":  change("PRODID:server", "PRODID:store\r\nCALSCALE:GREGORIAN"),
		"folded":           change("Dinner", "Din\r\n ner"),
		"a renamed zone":   strings.ReplaceAll(event, "Our zone", "Our zone 2"),
		"a rule reordered": change("FREQ=DAILY;COUNT=3", "COUNT=3;FREQ=DAILY"),
		"noted by a store": change("SUMMARY", "X-EVOLUTION-CALDAV-HREF:/x\r\nSUMMARY"),
	} {
		if got := source.CalendarSays([]byte(same)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	for name, other := range map[string]string{
		"another time": change("T190000", "T200000"), "another text": change("late", "later"), "another alarm": change("DISPLAY", "AUDIO"),
		"another rule": change("COUNT=3", "COUNT=4"), "a zone that is one": strings.ReplaceAll(event, "Our zone", "Europe/Berlin"),
	} {
		if slices.Equal(source.CalendarSays([]byte(other)), want) {
			t.Errorf("%s: the same", name)
		}
	}
}
