package content

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

var berlin = []string{
	"BEGIN:VTIMEZONE", "TZID:Europe/Berlin",
	"BEGIN:DAYLIGHT", "DTSTART:19810329T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST", "END:DAYLIGHT",
	"BEGIN:STANDARD", "DTSTART:19961027T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET", "END:STANDARD",
	"END:VTIMEZONE",
}

var newYork = []string{
	"BEGIN:VTIMEZONE", "TZID:America/New_York",
	"BEGIN:DAYLIGHT", "DTSTART:20070311T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "TZOFFSETFROM:-0500", "TZOFFSETTO:-0400", "TZNAME:EDT", "END:DAYLIGHT",
	"BEGIN:STANDARD", "DTSTART:20071104T020000", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU", "TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "TZNAME:EST", "END:STANDARD",
	"END:VTIMEZONE",
}

var (
	weekly   = []string{"Choir practice", "Stand-up", "Spanish class", "Swimming with Zoë"}
	once     = []string{"Dentist", "Dinner at Käthe’s, bring bread", "Parents’ evening", "Boiler inspection", "Coffee with 健太"}
	yearly   = []string{"Anna’s birthday", "Wedding anniversary", "Tax return due"}
	trips    = []string{"Kraków by night train", "Hiking in the Alps", "Grandparents"}
	chores   = []string{"Renew passport", "Water the tomatoes", "Book train tickets", "Return library books", "Call the plumber", "Scan old letters, box 2", "Bike: new brake pads"}
	calendar = [...]func(*rand.Rand, string, time.Time) [][]string{repeating, single, allDay, flight, single, trip}
)

const local = "20060102T150405"

// events goes round through weekly ones with a moved date, single ones with an
// alarm, birthdays, flights between time zones, and trips of several days.
func events(r *rand.Rand, n int) []Object {
	out := make([]Object, n)
	for i := range out {
		id := uid(r)
		day := time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(500))
		out[i] = object(id, calendar[i%len(calendar)](r, id, day))
	}
	return out
}

func object(uid string, parts [][]string) Object {
	var b strings.Builder
	line(&b, "BEGIN:VCALENDAR")
	line(&b, "VERSION:2.0")
	line(&b, "PRODID:-//Clearance//Demo//EN")
	for _, part := range parts {
		for _, s := range part {
			line(&b, s)
		}
	}
	line(&b, "END:VCALENDAR")
	return Object{UID: uid, Href: uid + ".ics", Data: b.String()}
}

func event(uid, summary string, more ...string) []string {
	e := append([]string{"BEGIN:VEVENT", "UID:" + uid, "DTSTAMP:20250101T090000Z", "SUMMARY:" + escape(summary)}, more...)
	return append(e, "END:VEVENT")
}

func repeating(r *rand.Rand, uid string, day time.Time) [][]string {
	at := day.Add(time.Duration(17+r.IntN(4)) * time.Hour)
	moved, name := at.AddDate(0, 0, 14), pick(r, weekly)
	return [][]string{berlin,
		event(uid, name, "DTSTART;TZID=Europe/Berlin:"+at.Format(local), "DURATION:PT1H30M", "RRULE:FREQ=WEEKLY;COUNT=20",
			"EXDATE;TZID=Europe/Berlin:"+at.AddDate(0, 0, 35).Format(local)),
		event(uid, name+" (moved)", "RECURRENCE-ID;TZID=Europe/Berlin:"+moved.Format(local),
			"DTSTART;TZID=Europe/Berlin:"+moved.Add(26*time.Hour).Format(local), "DURATION:PT1H"),
	}
}

func single(r *rand.Rand, uid string, day time.Time) [][]string {
	at := day.Add(time.Duration(8+r.IntN(11)) * time.Hour)
	return [][]string{berlin, event(uid, pick(r, once), "DTSTART;TZID=Europe/Berlin:"+at.Format(local), "DURATION:PT45M", "LOCATION:"+escape(pick(r, streets)+", "+pick(r, cities)),
		"DESCRIPTION:"+pick(r, reminders), "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Soon", "TRIGGER:-PT30M", "END:VALARM")}
}

func allDay(r *rand.Rand, uid string, day time.Time) [][]string {
	return [][]string{event(uid, pick(r, yearly), "DTSTART;VALUE=DATE:"+day.Format("20060102"), "DTEND;VALUE=DATE:"+day.AddDate(0, 0, 1).Format("20060102"),
		"RRULE:FREQ=YEARLY", "TRANSP:TRANSPARENT")}
}

func flight(r *rand.Rand, uid string, day time.Time) [][]string {
	leaves := day.Add(time.Duration(9+r.IntN(8)) * time.Hour)
	return [][]string{berlin, newYork, event(uid, fmt.Sprintf("Flight XX%d to New York", 100+r.IntN(800)),
		"DTSTART;TZID=Europe/Berlin:"+leaves.Format(local), "DTEND;TZID=America/New_York:"+leaves.Add(3*time.Hour).Format(local))}
}

func trip(r *rand.Rand, uid string, day time.Time) [][]string {
	return [][]string{event(uid, pick(r, trips), "DTSTART;VALUE=DATE:"+day.Format("20060102"), "DTEND;VALUE=DATE:"+day.AddDate(0, 0, 3+r.IntN(9)).Format("20060102"))}
}

func tasks(r *rand.Rand, n int) []Object {
	out := make([]Object, n)
	for i := range out {
		id := uid(r)
		due := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(300))
		t := []string{"BEGIN:VTODO", "UID:" + id, "DTSTAMP:20250101T090000Z", "SUMMARY:" + escape(chores[i%len(chores)]), fmt.Sprintf("PRIORITY:%d", 1+r.IntN(9))}
		switch i % 3 {
		case 0:
			t = append(t, "DUE;VALUE=DATE:"+due.Format("20060102"), "STATUS:NEEDS-ACTION")
		case 1:
			t = append(t, "DUE:"+due.Format(local)+"Z", "STATUS:IN-PROCESS", "PERCENT-COMPLETE:40")
		default:
			t = append(t, "STATUS:COMPLETED", "COMPLETED:"+due.Format(local)+"Z", "PERCENT-COMPLETE:100")
		}
		out[i] = object(id, [][]string{append(t, "END:VTODO")})
	}
	return out
}
