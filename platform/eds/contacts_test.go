package eds

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

const personal = "system-address-book"

func TestContractContacts(t *testing.T) { t.Run("eds", contactsContract) }

func contactsContract(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	if l := keys(t, s); len(l.Keys) != 0 || !l.Complete() || l.Evidence != EvidenceOrigin {
		t.Fatalf("an empty local book: %+v", l)
	}
	began := time.Now()
	create(t, s, cards(5000)...)
	t.Logf("5,000 created in %v", time.Since(began))

	keys(t, s) // waits until the second of the last change is over
	began = time.Now()
	l := keys(t, s)
	listed := time.Since(began)
	got := fetch(t, s, l.UIDs()...)
	took := time.Since(began)
	t.Logf("5,000 listed in %v, out of EDS in %v", listed, took)
	if took > 2*time.Second {
		t.Errorf("5,000 contacts took %v, the bar is 2 s", took)
	}
	if len(l.Keys) != 5000 || len(got) != 5000 || l.Unnamed != 0 {
		t.Fatalf("%d keys, %d fetched", len(l.Keys), len(got))
	}
	for i := range 5000 {
		c := cards(1)[0]
		if i > 0 {
			c = card(i)
		}
		if lost := missing(contentOf(c), contentOf(got[propertyOf(c, "UID")])); lost != "" {
			t.Fatalf("contact %d lost %q", i, lost)
		}
	}
	if again := keys(t, s); again.Digest != l.Digest || again.State.Revision != l.State.Revision {
		t.Error("a second listing differs though nothing changed")
	}
	create(t, s, card(5000, "NOTE:x\r\n"))
	if after := keys(t, s); after.Digest == l.Digest || len(after.Keys) != 5001 {
		t.Error("a new contact does not show")
	}
	if _, err := s.Create(t.Context(), []string{card(1)}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(s.Folder(), "/evolution/addressbook/system") {
		t.Errorf("folder %s", s.Folder())
	}
}

// A reply of 150 contacts with a megabyte each kills the factory.
func TestManyLargeContacts(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	big := strings.Repeat("0123456789abcdef", 64*1024)
	list := make([]string, 150)
	for i := range list {
		list[i] = card(i, "X-LARGE:"+big+"\r\n")
	}
	create(t, s, list...)
	l := keys(t, s)
	n, bytes := 0, 0
	out, err := s.Fetch(t.Context(), l.UIDs(), func(it Item) error {
		if !strings.Contains(strings.NewReplacer("\r\n ", "", "\n ", "").Replace(it.Data), big) {
			t.Errorf("%s was cut", it.UID)
		}
		n, bytes = n+1, bytes+len(it.Data)
		return nil
	})
	if err != nil || n != 150 || out.Got != 150 || len(out.Failed) > 0 || out.Restarts > 0 {
		t.Fatalf("%d of 150, %d bytes: %+v %v", n, bytes, out, err)
	}
}

// Sixteen contacts of ten megabytes are more than one message can carry: the
// first batch kills the factory, and each is fetched alone from the next one.
func TestBatchThatKillsTheFactory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 300 MB")
	}
	d := startClient(t, Options{})
	s := d.open(t, personal)
	big := strings.Repeat("0123456789abcdef", 640*1024)
	for i := range 16 {
		create(t, s, card(i, "X-LARGE:"+big+"\r\n"))
	}
	n := 0
	out, err := s.Fetch(t.Context(), keys(t, s).UIDs(), func(Item) error { n++; return nil })
	if err != nil || n != 16 || len(out.Failed) > 0 {
		t.Fatalf("%d of 16: %+v %v", n, out, err)
	}
	if out.Restarts != 1 {
		t.Errorf("%d restarts: this test shows nothing", out.Restarts)
	}
}

func TestPhotoIsLinkedAndEmbedded(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	jpeg := append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"), bytes.Repeat([]byte{1, 2, 3, 5}, 20_000)...)
	photo := base64.StdEncoding.EncodeToString(jpeg)
	create(t, s, card(1, "PHOTO;ENCODING=b;TYPE=JPEG:"+photo+"\r\n"), strings.Replace(card(2, "PHOTO:data:image/jpeg;base64,"+photo+"\r\n"), "VERSION:3.0", "VERSION:4.0", 1))
	for uid, data := range fetch(t, s, "c1", "c2") {
		if !strings.Contains(data, "file://") {
			t.Fatalf("%s: EDS did not put the photo beside its database: %.300s", uid, data)
		}
		whole, err := s.Embedded(data)
		if err != nil {
			t.Fatal(err)
		}
		if lost := missing(contentOf("BEGIN:VCARD\r\nPHOTO;ENCODING=b:"+photo+"\r\nEND:VCARD\r\n"), contentOf(whole)); lost != "" {
			t.Errorf("%s: the photo is not the same: %.200s", uid, whole)
		}
		if _, err := embed(data, func(uri string) ([]byte, error) { return Linked(d.Home, uri, 1000) }); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a large file: %v", err)
		}
	}
}

func TestOddIDs(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	odd := []string{`q,"q`, `back\slash`, "two\nlines", "ünï 🎈", `(or (is "id" "x"))`, "'", "A", "a", strings.Repeat("x", 5000), "%s", "tab\there"}
	for _, uid := range odd {
		create(t, s, "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:"+escapeText(uid)+"\r\nFN:x\r\nEND:VCARD\r\n")
	}
	l := keys(t, s)
	if len(l.Keys) != len(odd) {
		t.Fatalf("%d keys for %d: %q", len(l.Keys), len(odd), l.UIDs())
	}
	got := fetch(t, s, l.UIDs()...)
	for _, uid := range odd {
		if got[uid] == "" {
			t.Errorf("%q was not fetched", uid)
		}
	}
	out, err := s.Fetch(t.Context(), []string{"A", "nobody", "\xff", "", "a"}, func(Item) error { return nil })
	if err != nil || out.Got != 2 || len(out.Failed) != 3 {
		t.Fatalf("%+v %v", out, err)
	}
	for _, f := range out.Failed {
		is(t, f.Err, ErrNotFound)
	}
}

func TestCreateRefusesByName(t *testing.T) {
	d := startClient(t, Options{MaxItemBytes: 10_000})
	s := d.open(t, personal)
	create(t, s, card(1))
	bad := []string{card(1), "garbage", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:no id\r\nEND:VCARD\r\n", card(3, "NOTE:"+strings.Repeat("x", 20_000)+"\r\n"), card(4) + card(5), "BEGIN:VCARD\r\nUID:x\xff\r\nEND:VCARD", card(2)}
	made, err := s.Create(t.Context(), bad)
	if err != nil {
		t.Fatal(err)
	}
	want := []error{ErrExists, ErrRefused, ErrRefused, ErrTooLarge, ErrRefused, ErrRefused}
	for i, w := range want {
		is(t, made.Failed[i], w)
	}
	if made.Failed[6] != nil || made.UIDs[6] != "c2" || made.Added() != 1 {
		t.Errorf("the good one: %v %v", made.UIDs, made.Failed)
	}
	if l := keys(t, s); len(l.Keys) != 2 {
		t.Errorf("%q", l.UIDs())
	}
}

// The factory dies while its items are fetched: they come from the next one.
func TestFactoryKilledWhileFetching(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	create(t, s, cards(1000)...)
	l := keys(t, s)
	n := 0
	out, err := s.Fetch(t.Context(), l.UIDs(), func(Item) error {
		if n++; n == 10 || n == 500 {
			d.kill(t, string(addressBooks))
		}
		return nil
	})
	if err != nil || n != 1000 || len(out.Failed) > 0 {
		t.Fatalf("%d: %+v %v", n, out, err)
	}
	if out.Restarts != 2 {
		t.Errorf("%d restarts, want 2", out.Restarts)
	}
	d.kill(t, string(addressBooks))
	if again := keys(t, s); again.Digest != l.Digest {
		t.Error("the list differs after a restart")
	}
}

// The factory dies while a view hands its items over.
func TestFactoryKilledWhileListing(t *testing.T) {
	d := startClient(t, Options{CallTimeout: 5 * time.Second})
	s := d.open(t, personal)
	create(t, s, cards(5000)...)
	for range 10 {
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			d.kill(t, string(addressBooks))
		}()
		l, err := s.Keys(t.Context())
		<-killed
		if err == nil && len(l.Keys) != 5000 {
			t.Fatalf("%d keys of 5,000 and no error", len(l.Keys))
		}
		if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrUnsettled) {
			t.Fatal(err)
		}
	}
}

// BenchmarkContactsOutOfEDS lists and fetches 5,000 contacts.
func BenchmarkContactsOutOfEDS(b *testing.B) {
	d := startClient(b, Options{})
	s := d.open(b, personal)
	create(b, s, cards(5000)...)
	for b.Loop() {
		fetch(b, s, keys(b, s).UIDs()...)
	}
}

// A book larger than what the bus queues at once is listed whole all the same.
func TestLargeBook(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 40,000 contacts")
	}
	d := startClient(t, Options{})
	s := d.open(t, personal)
	create(t, s, cards(40_000)...)
	began := time.Now()
	l := keys(t, s)
	t.Logf("40,000 listed in %v", time.Since(began))
	if len(l.Keys) != 40_000 || !l.Complete() {
		t.Fatalf("%d keys are listed, complete %v", len(l.Keys), l.Complete())
	}
	fetch(t, s, l.UIDs()...)
	t.Logf("40,000 out of EDS in %v", time.Since(began))
}

// EDS stamps to the second: of two changes within one, the later shows all the
// same.
func TestTwoChangesWithinASecond(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	memos := d.open(t, "system-memo-list")
	create(t, s, card(1))
	create(t, memos, memo(1))
	modify := func(s *Store, method string, args ...any) {
		t.Helper()
		h := s.current()
		if err := d.client.call(t.Context(), time.Minute, h.target, dotted+method, args); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		modify(s, "AddressBook.ModifyContacts", []string{card(1, "NOTE:a\r\n")}, uint32(0))
		modify(memos, "Calendar.ModifyObjects", []string{strings.Replace(memo(1), "END:", "ATTACH:file:///a\r\nEND:", 1)}, "this", uint32(0))
		before, memosBefore := keys(t, s), keys(t, memos)
		modify(s, "AddressBook.ModifyContacts", []string{card(1, "NOTE:b\r\n")}, uint32(0))
		modify(memos, "Calendar.ModifyObjects", []string{strings.Replace(memo(1), "END:", "ATTACH:file:///b\r\nEND:", 1)}, "this", uint32(0))
		if after := keys(t, s); after.Digest == before.Digest {
			t.Errorf("%d: a contact's second change does not show", i)
		}
		if after := keys(t, memos); after.Digest == memosBefore.Digest {
			t.Errorf("%d: a memo's second change does not show", i)
		}
	}
}

// TestListsAndGroups: a contact list keeps its members, and a contact its groups.
func TestListsAndGroups(t *testing.T) {
	d := startClient(t, Options{})
	s := d.open(t, personal)
	create(t, s, card(1, "CATEGORIES:Friends,Sailing\\, old\r\n"),
		"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:l1\r\nFN:Crew\r\nN:Crew;;;;\r\nX-EVOLUTION-LIST:TRUE\r\nX-EVOLUTION-LIST-SHOW_ADDRESSES:FALSE\r\n"+
			"EMAIL;X-EVOLUTION-DEST-CONTACT-UID=c1;X-EVOLUTION-DEST-EMAIL-NUM=0;X-EVOLUTION-DEST-HTML-MAIL=FALSE:Ann <ann@example.org>\r\nEMAIL:bob@example.org\r\nEND:VCARD\r\n")
	got := fetch(t, s, "c1", "l1")
	for uid, want := range map[string][]string{
		"c1": {`CATEGORIES:Friends,Sailing\, old`},
		"l1": {"X-EVOLUTION-LIST:TRUE", "X-EVOLUTION-DEST-CONTACT-UID=c1", "ann@example.org", "bob@example.org"},
	} {
		text := strings.ReplaceAll(got[uid], "\r\n ", "")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q: %s", uid, w, text)
			}
		}
	}
}
