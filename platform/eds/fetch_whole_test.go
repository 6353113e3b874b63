package eds

import (
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// What a view of a whole book hands over is what a call for each contact does.
func TestWholeBookIsAsItsContacts(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 300})
	photo := "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:photo\r\nFN:With Photo\r\nPHOTO;ENCODING=b;TYPE=jpeg:" + longText(40_000) + "\r\nEND:VCARD\r\n"
	if _, err := b.account.PutContact("contacts", "photo.vcf", []byte(photo)); err != nil {
		t.Fatal(err)
	}
	s := b.open(t, b.child(t, AddressBook).UID)
	if r, err := s.Refresh(t.Context()); err != nil || !r.Reached {
		t.Fatalf("%+v %v", r, err)
	}
	r := &fetching{s: s, h: s.current()}
	got, err := r.whole(t.Context(), 301, 400)
	if err != nil || len(got) != 301 {
		t.Fatalf("%d contacts, %v", len(got), err)
	}
	uids := keys(t, s).UIDs()
	for _, uid := range uids {
		if one, err := r.get(t.Context(), uid); err != nil || one != got[uid] {
			t.Fatalf("%s, %v:\n%s\nby the view:\n%s", uid, err, one, got[uid])
		}
	}
	if all := fetch(t, s, uids...); len(all) != 301 || all["photo"] != got["photo"] {
		t.Errorf("%d were fetched", len(all))
	}
	for name, ask := range map[string][2]int{"few": {wholeFrom - 1, 1}, "large": {1000, wholeMost / 1000}} {
		if got, err := r.whole(t.Context(), ask[0], ask[1]); got != nil || err != nil {
			t.Errorf("%s: %d, %v", name, len(got), err)
		}
	}
}

// A book that turns out larger than its first contacts gives what has room.
func TestWholeBookStopsWhereItIsFull(t *testing.T) {
	v := &collector{kind: AddressBook, texts: map[string]string{}, room: 10, done: make(chan struct{})}
	v.add([]string{"12345", "a", "12345", "b", "1", "c", "1", "d"}, false)
	if v.result() == nil || len(v.texts) != 2 {
		t.Errorf("%v, %v", v.result(), v.texts)
	}
}

func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGH"[i%8]
	}
	return string(b)
}
