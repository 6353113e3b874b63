package eds

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func given(items ...Item) func(func(Item) error) error {
	return func(f func(Item) error) error {
		for _, it := range items {
			if err := f(it); err != nil {
				return err
			}
		}
		return nil
	}
}

func from(t testing.TB, s *Store) func(func(Item) error) error {
	return func(f func(Item) error) error {
		l, err := s.Keys(t.Context())
		if err != nil {
			return err
		}
		_, err = s.Fetch(t.Context(), l.UIDs(), f)
		return err
	}
}

func TestKeepTwiceAddsNothing(t *testing.T) {
	d := startClient(t, Options{})
	photo := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1, 2, 3}, 30_000))
	for _, c := range []struct {
		kind  Kind
		from  string
		items []string
	}{
		{AddressBook, personal, append(cards(700), card(1001, "PHOTO;ENCODING=b;TYPE=PNG:"+photo+"\r\n", "item1.X-ABLABEL:x\r\nNOTE:a\\nb\\;c\r\nADR;TYPE=HOME:;;Street 1\\, back;City;;123;X\r\n"))},
		{Calendar, "system-calendar", []string{event("a", ""), daily("b")}},
		{TaskList, "system-task-list", []string{task(1), task(2)}},
		{MemoList, "system-memo-list", []string{memo(1), memo(2)}},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			origin := d.open(t, c.from)
			create(t, origin, c.items...)
			shelf := Shelf{Kind: c.kind, Account: "goa:account_1", Name: "Kept from al\\ice@example.org"}
			linked := func(uri string) ([]byte, error) { return Linked(origin.Folder(), uri, MaxLinked) }
			first, err := d.client.Keep(t.Context(), shelf, from(t, origin), linked)
			if err != nil || !first.Whole() || !first.Made || first.Added != len(c.items) || first.Versions != 0 {
				t.Fatalf("%+v %v", first, err)
			}
			second, err := d.client.Keep(t.Context(), shelf, from(t, origin), linked)
			if err != nil || !second.Whole() || second.Made || second.Already != len(c.items) || second.Added != 0 {
				t.Fatalf("again: %+v %v", second, err)
			}
			kept := d.open(t, shelf.UID())
			if l := keys(t, kept); len(l.Keys) != len(c.items) || !l.Complete() {
				t.Errorf("%d items on the shelf: %+v", len(l.Keys), l.Evidence)
			}
			src := kept.Source()
			if src.DisplayName != shelf.Name || !src.Local || src.Account() {
				t.Errorf("the shelf: %+v", src)
			}
		})
	}
}

// What is on the shelf is never changed: neither by a newer version from the
// account, nor where the person edited it.
func TestKeepAddsVersions(t *testing.T) {
	d := startClient(t, Options{})
	shelf := Shelf{Kind: AddressBook, Account: "a", Name: "Kept"}
	keep := func(items ...Item) Kept {
		t.Helper()
		k, err := d.client.Keep(t.Context(), shelf, given(items...), nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	old, changed := Item{"c1", card(1)}, Item{"c1", card(1, "NOTE:new\r\n")}
	keep(old)
	if k := keep(changed, old, changed); k.Added != 1 || k.Versions != 1 || k.Already != 2 || !k.Whole() {
		t.Errorf("%+v", k)
	}
	if k := keep(changed, old); k.Added != 0 || k.Already != 2 {
		t.Errorf("again: %+v", k)
	}
	s := d.open(t, shelf.UID())
	got := fetch(t, s, keys(t, s).UIDs()...)
	if len(got) != 2 || strings.Contains(got["c1"], "NOTE") {
		t.Errorf("%q", got)
	}
}

func TestKeepNamesWhatFails(t *testing.T) {
	d := startClient(t, Options{})
	shelf := Shelf{Kind: AddressBook, Account: "a", Name: "Kept"}
	k, err := d.client.Keep(t.Context(), shelf, given(Item{"c1", card(1)}, Item{"bad", "garbage"}, Item{"c2", card(2, "PHOTO;VALUE=uri:file:///etc/passwd\r\n")}, Item{"c3", card(3)}), nil)
	if err != nil || k.Whole() || k.Given != 4 || k.Added != 2 || len(k.Failed) != 2 || k.Failed[0].UID != "bad" || k.Failed[1].UID != "c2" {
		t.Fatalf("%+v %v", k, err)
	}
	// EDS stores broken base64 as something else: read back, it is not the same
	k, err = d.client.Keep(t.Context(), shelf, given(Item{"c4", card(4, "PHOTO;ENCODING=b;TYPE=JPEG:!!!!no base64!!!!\r\n")}, Item{"c5", card(5)}), nil)
	if err != nil || k.Whole() || k.Added != 1 || len(k.Failed) != 1 || k.Failed[0].UID != "c4" {
		t.Fatalf("%+v %v", k, err)
	}
	if _, err := d.client.Ensure(t.Context(), Shelf{Kind: Mail, Account: "a"}); err == nil {
		t.Error("a shelf of mail was made")
	}
}
