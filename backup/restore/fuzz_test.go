package restore_test

import (
	"bytes"
	"testing"

	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
)

// FuzzContactAs: whatever a contact holds, it is one contact under another UID,
// and has that one alone.
func FuzzContactAs(f *testing.F) {
	f.Add([]byte(card("a", "Ada", "1")), "b")
	f.Add([]byte("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nitem1.UID;X=1:a\r\n b\r\nEND:VCARD\r\n"), "a,b;c\\n")
	f.Add([]byte("BEGIN:VCARD\nVERSION:2.1\nN:x\nEND:VCARD\n"), "x")
	f.Fuzz(func(t *testing.T, raw []byte, uid string) {
		for c, err := range source.VCards(bytes.NewReader(raw)) {
			if err != nil {
				return
			}
			if c.Err != nil {
				continue
			}
			o := restore.Object{Raw: c.Raw, UID: c.ID()}
			once := o.As(uid)
			n := 0
			for again, err := range source.VCards(bytes.NewReader(once.Raw)) {
				if n++; err != nil || again.Err != nil {
					t.Fatalf("%q under %q is %q: %v %v", c.Raw, uid, once.Raw, err, again.Err)
				}
			}
			if got := source.ParseVCard(o.As("restored-1").Raw).UID; got != "restored-1" {
				t.Fatalf("%q has the UID %q", c.Raw, got)
			}
			if twice := once.As(uid); n != 1 || !bytes.Equal(twice.Raw, once.Raw) {
				t.Fatalf("%q under %q is %q, and once more %q", c.Raw, uid, once.Raw, twice.Raw)
			}
		}
	})
}

// FuzzEntryAs: the same of a calendar's entries.
func FuzzEntryAs(f *testing.F) {
	entry := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20240101T000000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	f.Add([]byte(entry), "b")
	f.Add(bytes.ReplaceAll([]byte(entry), []byte("UID:a"), []byte("UID;X=\"UID:\":a\r\n b")), "a,b")
	f.Fuzz(func(t *testing.T, raw []byte, uid string) {
		list, err := source.SplitCalendar(raw)
		if err != nil {
			return
		}
		for _, c := range list {
			if c.Err != nil {
				continue
			}
			o := restore.Object{Raw: c.Raw, UID: c.ID(), Component: c.Component}
			once := o.As("u" + uid)
			again, err := source.SplitCalendar(once.Raw)
			if err != nil || len(again) != 1 || again[0].Err != nil || again[0].Component != c.Component {
				t.Fatalf("%q under %q is %q: %v, %+v", c.Raw, uid, once.Raw, err, again)
			}
			if again, err := source.SplitCalendar(o.As("restored-1").Raw); err != nil || len(again) != 1 || again[0].UID != "restored-1" {
				t.Fatalf("%q: %v, %+v", c.Raw, err, again)
			}
		}
	})
}
