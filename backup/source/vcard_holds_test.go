package source_test

import (
	"strings"
	"testing"

	"github.com/clearance-project/clearance/backup/source"
)

func TestAContactHoldsAnother(t *testing.T) {
	want := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:Ada\r\nTEL:1\r\nTEL:1\r\nEND:VCARD\r\n"
	for name, c := range map[string]struct {
		have string
		want bool
	}{
		"itself":          {want, true},
		"with more":       {strings.Replace(want, "FN:", "N:Ada;;;;\r\nFN:", 1), true},
		"restamped":       {strings.Replace(want, "FN:", "REV:2024\r\nFN:", 1), true},
		"with less":       {strings.Replace(want, "TEL:1\r\n", "", 1), false},
		"with another":    {strings.Replace(want, "TEL:1", "TEL:2", 1), false},
		"nothing":         {"", false},
		"of another name": {strings.Replace(want, "FN:Ada", "FN:Bob", 1), false},
	} {
		if source.Holds(source.ContactSays([]byte(c.have)), source.ContactSays([]byte(want))) != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
}
