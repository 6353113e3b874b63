package source

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-ical"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func lines(s ...string) string { return strings.Join(s, "\r\n") + "\r\n" }

func split(t *testing.T, raw string) []CalendarObject {
	t.Helper()
	out, err := SplitCalendar([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSplitCalendarGolden(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "mixed.ics"))
	if err != nil {
		t.Fatal(err)
	}
	objects := split(t, string(raw))
	var b bytes.Buffer
	for _, o := range objects {
		b.WriteString("== " + o.Component + " " + o.UID + " | " + o.Name + " | zones missing: " + strings.Join(o.Zones, ", ") + "\n")
		if o.Err != nil {
			b.WriteString("error: " + o.Err.Error() + "\n")
		}
		b.Write(o.Raw)
	}
	golden(t, "mixed.split.golden", bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n")))

	var out bytes.Buffer
	e, err := ExportCalendar(&out, "Home, and away", func(yield func([]byte) bool) {
		for _, o := range objects {
			if !yield(o.Raw) {
				return
			}
		}
	})
	if err != nil || e.Written != len(objects)-1 || len(e.Skipped) != 1 {
		t.Fatalf("%+v %v", e, err)
	}
	golden(t, "mixed.export.golden", bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n")))
	cal, err := ical.NewDecoder(&out).Decode()
	if err != nil {
		t.Fatal(err)
	}
	if zones := slices.DeleteFunc(cal.Children, func(c *ical.Component) bool { return c.Name != ical.CompTimezone }); len(zones) != 1 {
		t.Errorf("%d time zones, want 1", len(zones))
	}
}

func TestSplitCalendarKeepsOneObjectAsItIs(t *testing.T) {
	raw := "\xef\xbb\xbfBEGIN:VCALENDAR\nVERSION:2.0\nX-ODD: kept\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n\n"
	got := split(t, raw)
	if len(got) != 1 || string(got[0].Raw) != raw || got[0].Err != nil || got[0].UID != "1" {
		t.Errorf("%+v", got)
	}
}

func TestSplitCalendarBareComponents(t *testing.T) {
	got := split(t, lines("BEGIN:VJOURNAL", "UID:1", "SUMMARY:A", "DTSTART;TZID=Europe/Berlin:20240101T100000", "END:VJOURNAL")+
		"\r\n"+lines("BEGIN:VJOURNAL", "UID:2", "SUMMARY:B", "END:VJOURNAL"))
	if len(got) != 2 || got[0].UID != "1" || got[1].Name != "B" || got[0].Err != nil || got[1].Err != nil {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff([]string{"Europe/Berlin"}, got[0].Zones); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasPrefix(got[1].Raw, []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")) {
		t.Errorf("no calendar around %q", got[1].Raw)
	}
}

func TestSplitCalendarBroken(t *testing.T) {
	whole := lines("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", "END:VEVENT", "END:VCALENDAR")
	tests := []struct {
		name, raw string
		broken    []bool
	}{
		{"cut off", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n", []bool{true}},
		{"cut off, then whole", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n" + whole, []bool{true, false}},
		{"wrong end", lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "END:VTODO", "END:VCALENDAR") + whole, []bool{true, false}},
		{"rubbish", "<html>\r\n<body>\r\n" + whole, []bool{true, false}},
		{"only an end", "END:VCALENDAR\r\n" + whole, []bool{true, false}},
		{"no property", lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "what", "END:VEVENT", "BEGIN:VEVENT", "UID:2", "END:VEVENT", "END:VCALENDAR"), []bool{true, false}},
		{"the parser panics", lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", `X;A="b"c:d`, "END:VEVENT", "END:VCALENDAR"), []bool{true}},
		{"no uid", lines("BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:1", "END:VEVENT", "END:VCALENDAR"), []bool{true}},
		{"empty calendar", lines("BEGIN:VCALENDAR", "VERSION:2.0", "END:VCALENDAR"), []bool{false}},
		{"nothing", "\r\n \r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var broken []bool
			var kept int
			for _, o := range split(t, tt.raw) {
				broken = append(broken, o.Err != nil)
				kept += len(o.Raw)
				if o.Err != nil && !errors.Is(o.Err, ErrMalformed) {
					t.Errorf("%v is of no kind", o.Err)
				}
				if o.ID() == "" {
					t.Error("no ID")
				}
			}
			if diff := cmp.Diff(tt.broken, broken); diff != "" {
				t.Error(diff)
			}
			if kept < len(strings.TrimSpace(tt.raw)) {
				t.Errorf("%d of %d bytes kept", kept, len(tt.raw))
			}
		})
	}
	if _, err := SplitCalendar([]byte(strings.Repeat("BEGIN:X\n", 100))); !errors.Is(err, ErrBeyondLimit) {
		t.Errorf("100 levels: %v", err)
	}
}

// Two mail programs mean different things by "Custom": the second is renamed.
func TestExportCalendarRenamesZones(t *testing.T) {
	object := func(uid, offset, id string) []byte {
		return []byte(lines("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTIMEZONE", "TZID:"+id, "BEGIN:STANDARD", "TZOFFSETTO:"+offset, "END:STANDARD", "END:VTIMEZONE",
			"BEGIN:VEVENT", "UID:"+uid, "DTSTART;X-A=\"b:c\";TZID="+id+":20240101T000000", "END:VEVENT", "END:VCALENDAR"))
	}
	var out bytes.Buffer
	_, err := ExportCalendar(&out, "", slices.Values([][]byte{
		object("1", "+0100", "Custom"), object("2", "+0200", "Custom"), object("3", "+0200", "Custom"), object("4", "+0100", "Custom"),
		object("5", "+0100", "Europe/Berlin"), object("6", "+0101", "Europe/Berlin"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	cal, err := ical.NewDecoder(&out).Decode()
	if err != nil {
		t.Fatal(err)
	}
	var zones, used []string
	for _, c := range cal.Children {
		if c.Name == ical.CompTimezone {
			zones = append(zones, c.Props.Get("TZID").Value)
		} else {
			used = append(used, c.Props.Get("DTSTART").Params.Get("TZID"))
		}
	}
	if diff := cmp.Diff([]string{"Custom", "Custom~2", "Europe/Berlin"}, zones); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Custom", "Custom~2", "Custom~2", "Custom", "Europe/Berlin", "Europe/Berlin"}, used); diff != "" {
		t.Error(diff)
	}
}

func TestMemoGolden(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "memo.ics"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMemo(raw)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range m.Attachments {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"plan.jpg", "attachment-2.png", "passwd", "attachment-4"}, names); diff != "" {
		t.Error(diff)
	}
	if string(m.Attachments[1].Data) != "\x89PNG" || m.UID != "memo-1" || m.Date.Format("2006-01-02") != "2024-03-01" {
		t.Errorf("%+v", m)
	}
	golden(t, "memo.md.golden", m.Markdown([]string{"memo-1/plan.jpg", "memo-1/attachment-2.png", "memo-1/passwd"}))
	for _, bad := range []string{"", "BEGIN:VJOURNAL\n", lines("BEGIN:VEVENT", "UID:1", "END:VEVENT")} {
		var typed *ParseError
		if _, err := ParseMemo([]byte(bad)); !errors.As(err, &typed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzCalendar(f *testing.F) {
	for _, name := range []string{"mixed.ics", "memo.ics"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		objects, err := SplitCalendar(raw)
		if err != nil {
			return
		}
		good := 0
		for _, o := range objects {
			if len(o.Raw) == 0 || o.ID() == "" {
				t.Errorf("an object without bytes or ID: %+v", o)
			}
			if o.Err == nil {
				good++
				if again := split(t, string(o.Raw)); len(again) != 1 || again[0].UID != o.UID || again[0].Err != nil {
					t.Errorf("%q does not come back: %+v", o.Raw, again)
				}
			}
		}
		var out bytes.Buffer
		e, err := ExportCalendar(&out, "x", func(yield func([]byte) bool) {
			for _, o := range objects {
				if !yield(o.Raw) {
					return
				}
			}
		})
		if err != nil || e.Written != good {
			t.Errorf("%d good, %+v, %v", good, e, err)
		}
		if good > 0 {
			if err := checkCalendar(out.Bytes()); err != nil {
				t.Errorf("the export does not parse: %v\n%q", err, out.Bytes())
			}
		}
		if m, err := ParseMemo(raw); err == nil {
			m.Markdown(nil)
		}
	})
}
