package eds

import (
	"strings"
	"testing"
)

func TestPutTellsOfEachItemAndADryRunForetellsIt(t *testing.T) {
	d := startClient(t, Options{})
	shelf := Shelf{Kind: AddressBook, Account: "put", Name: "Restored"}
	items := []Item{
		{"c1", card(1)}, {"c2", card(2)}, {"c1", card(1)}, {"c2", card(2, "NOTE:edited\r\n")}, {"bad", "garbage"},
	}
	put := func(dry bool) (fates []Fate) {
		t.Helper()
		fates = make([]Fate, len(items))
		told := 0
		err := d.client.Put(t.Context(), shelf, items, dry, func(at int, f Fate, why error) {
			fates[at] = f
			told++
			if (f == NotPut) != (why != nil) {
				t.Errorf("item %d: %v, %v", at, f, why)
			}
		})
		if err != nil || told != len(items) {
			t.Fatalf("%d told of, %v", told, err)
		}
		return fates
	}
	want := []Fate{Put, Put, WasThere, PutBeside, NotPut}
	same := func(what string, got []Fate) {
		t.Helper()
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: item %d is %v, not %v", what, i, got[i], want[i])
			}
		}
	}
	same("foretold", put(true))
	if _, err := d.client.Source(t.Context(), shelf.UID()); err == nil {
		t.Fatal("a dry run made the shelf")
	}
	same("put", put(false))
	want = []Fate{WasThere, WasThere, WasThere, WasThere, NotPut}
	same("foretold again", put(true))
	same("put again", put(false))
	s := d.open(t, shelf.UID())
	got := fetch(t, s, keys(t, s).UIDs()...)
	if len(got) != 3 || strings.Contains(got["c2"], "NOTE") {
		t.Errorf("%q", got)
	}
}
