package eds

import (
	"fmt"
	"strings"
	"testing"
)

const berlin = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n" +
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n" +
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

func event(uid, more string) string {
	return "BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20240101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20240101T100000\r\n" +
		"DTEND;TZID=Europe/Berlin:20240101T110000\r\nSUMMARY:Event " + uid + "\r\n" + more + "END:VEVENT\r\n"
}

// daily is an event with one moved instance, an attachment and an alarm.
func daily(uid string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n" + berlin +
		event(uid, "RRULE:FREQ=DAILY;COUNT=5\r\nATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain;X-FILENAME=a.txt:aGVsbG8=\r\n"+
			"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:soon\r\nEND:VALARM\r\n") +
		"BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20240101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20240102T100000\r\n" +
		"DTSTART;TZID=Europe/Berlin:20240102T120000\r\nDTEND;TZID=Europe/Berlin:20240102T130000\r\nSUMMARY:Moved\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func memo(i int) string {
	return fmt.Sprintf("BEGIN:VJOURNAL\r\nUID:m%d\r\nDTSTAMP:20240101T000000Z\r\nSUMMARY:Note %d\r\nDESCRIPTION:Line one\\nLine two\\, of %d\r\nEND:VJOURNAL\r\n", i, i, i)
}

func task(i int) string {
	return fmt.Sprintf("BEGIN:VTODO\r\nUID:t%d\r\nDTSTAMP:20240101T000000Z\r\nSUMMARY:Task %d\r\nDUE;VALUE=DATE:20240105\r\nPRIORITY:3\r\nEND:VTODO\r\n", i, i)
}

func TestContractNotes(t *testing.T) {
	t.Run("eds", func(t *testing.T) { componentsContract(t, "system-memo-list", MemoList, memo) })
}

func TestContractCalendars(t *testing.T) {
	t.Run("eds", func(t *testing.T) {
		t.Run("events", func(t *testing.T) {
			componentsContract(t, "system-calendar", Calendar, func(i int) string { return event(fmt.Sprint("e", i), "") })
		})
		t.Run("tasks", func(t *testing.T) { componentsContract(t, "system-task-list", TaskList, task) })
	})
}

func componentsContract(t *testing.T, uid string, kind Kind, item func(int) string) {
	d := startClient(t, Options{})
	s := d.open(t, uid)
	if l := keys(t, s); len(l.Keys) != 0 || !l.Complete() || l.Kind != kind {
		t.Fatalf("an empty local list: %+v", l)
	}
	const n = 500
	list := make([]string, n)
	for i := range list {
		list[i] = item(i)
	}
	create(t, s, list...)
	l := keys(t, s)
	got := fetch(t, s, l.UIDs()...)
	if len(got) != n {
		t.Fatalf("%d of %d", len(got), n)
	}
	for _, want := range list {
		data := got[propertyOf(want, "UID")]
		if lost := missing(contentOf("BEGIN:VCALENDAR\r\n"+want+"END:VCALENDAR\r\n"), contentOf(data)); lost != "" {
			t.Fatalf("%q is lost in %s", lost, data)
		}
	}
	if again := keys(t, s); again.Digest != l.Digest {
		t.Error("a second listing differs though nothing changed")
	}
	made, err := s.Create(t.Context(), []string{item(3), item(n)})
	if err != nil || made.Added() != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	is(t, made.Failed[0], ErrExists)
	if after := keys(t, s); after.Digest == l.Digest || len(after.Keys) != n+1 {
		t.Error("a new item does not show")
	}
	out, err := s.Fetch(t.Context(), []string{"nobody", `a"b`}, func(Item) error { return nil })
	if err != nil || len(out.Failed) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	for _, f := range out.Failed {
		is(t, f.Err, ErrNotFound)
	}
}

func TestRecurringEventIsOneWholeItem(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, "system-calendar")
	create(t, s, daily("r1"), event("plain", ""), daily("r2"))
	l := keys(t, s)
	if strings.Join(l.UIDs(), " ") != "plain r1 r2" {
		t.Fatalf("%q", l.UIDs())
	}
	got := fetch(t, s, l.UIDs()...)
	for _, uid := range []string{"r1", "r2"} {
		data := got[uid]
		if lost := missing(contentOf(daily(uid)), contentOf(data)); lost != "" {
			t.Errorf("%q is lost in %s", lost, data)
		}
		if strings.Count(data, "BEGIN:VEVENT") != 2 || strings.Count(data, "BEGIN:VTIMEZONE") != 1 || strings.Count(data, "BEGIN:VCALENDAR") != 1 {
			t.Errorf("not one whole object: %s", data)
		}
	}
	if again := fetch(t, s, "r1"); again["r1"] != got["r1"] {
		t.Error("the same item reads differently")
	}
}

func TestComponentsOfOtherKindsAreRefused(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, "system-memo-list")
	made, err := s.Create(t.Context(), []string{task(1), event("e", ""), "garbage", memo(1) + memo(2), card(1), strings.Replace(memo(1), "UID:m1\r\n", "", 1)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		is(t, made.Failed[i], ErrRefused)
	}
	if l := keys(t, s); len(l.Keys) != 0 {
		t.Errorf("%q", l.UIDs())
	}
}
