package dav

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// odd are contacts that XML does not carry as they are.
var odd = map[string]string{
	"crlf.vcf":      "BEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\n",
	"lf.vcf":        "BEGIN:VCARD\nFN:B\nEND:VCARD\n",
	"mixed.vcf":     "BEGIN:VCARD\r\nFN:C\nEND:VCARD\r\n",
	"cr.vcf":        "BEGIN:VCARD\rFN:D\rEND:VCARD\r",
	"control.vcf":   "BEGIN:VCARD\r\nFN:\x01\x02\r\nEND:VCARD\r\n",
	"latin1.vcf":    "BEGIN:VCARD\r\nFN:M\xfcller\r\nEND:VCARD\r\n",
	"markup.vcf":    "BEGIN:VCARD\r\nFN:<a href=\"x\">&amp; ]]>\r\nEND:VCARD\r\n",
	"spaces.vcf":    "  \r\n BEGIN:VCARD \t\r\n",
	"empty.vcf":     "",
	"ü & é %41.vcf": "BEGIN:VCARD\r\nFN:named\r\nEND:VCARD\r\n",
	"large.vcf":     "BEGIN:VCARD\r\nNOTE:" + strings.Repeat("x", 2<<20) + "\r\nEND:VCARD\r\n",
}

func TestFetchGivesExactBytes(t *testing.T) {
	for _, opts := range []davtest.Options{{}, {NoSizes: true}} {
		s := cloud(t, opts, davtest.Content{})
		for name, data := range odd {
			if _, err := s.User("alice").PutContact("contacts", name, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		c := client(t, configFor(s.URL()))
		coll := book(t, c)
		l, err := c.List(deadline(t), coll)
		if err != nil || l.Count != len(odd) {
			t.Fatalf("%d, %v", l.Count, err)
		}
		var got bag
		fetched, err := c.Fetch(deadline(t), coll, l.Items, got.take)
		if err != nil || fetched.Count != len(odd) || len(fetched.Failed) != 0 {
			t.Fatalf("%+v, %v", fetched, err)
		}
		for name, want := range odd {
			if got.data[name] != want {
				t.Errorf("%s: %.60q; want %.60q", name, got.data[name], want)
			}
		}
	}
}

func TestRestoreLineEnds(t *testing.T) {
	for _, c := range []struct {
		from  string
		size  int64
		want  string
		exact bool
	}{
		{"a\nb\n", 4, "a\nb\n", true},
		{"a\nb\n", 6, "a\r\nb\r\n", true},
		{"a\nb\n", 5, "", false},
		{"a\r\nb\n", 6, "", false},
		{"a\nb\n", 3, "", false},
		{"", 0, "", true},
	} {
		if got, exact := restore([]byte(c.from), c.size); string(got) != c.want || exact != c.exact {
			t.Errorf("%q of %d: %q, %v; want %q, %v", c.from, c.size, got, exact, c.want, c.exact)
		}
	}
}

// TestFetchFallsBack has the multiget fail in each way; every item is then
// fetched alone, and none is lost.
func TestFetchFallsBack(t *testing.T) {
	for name, fault := range map[string]davtest.Fault{
		"one left out":   {HideLast: 1},
		"all left out":   {HideLast: 1000},
		"one denied":     {DenyFirst: 1},
		"wrong revision": {ETag: `"other"`},
		"no revision":    {ETag: "-"},
		"broken XML":     {TruncateAfter: 5000},
		"refused":        {Status: 403},
		"unsupported":    {Status: 405},
		"not XML":        {Status: 207, ContentType: "text/html", Body: loginPage},
	} {
		t.Run(name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 50})
			c := client(t, configFor(s.URL()))
			coll, l := bookListed(t, c)
			fault.Method = "REPORT"
			f := s.Inject(fault)
			var got bag
			fetched, err := c.Fetch(deadline(t), coll, l.Items, got.take)
			if err != nil || fetched.Count != 50 || len(fetched.Failed) != 0 || len(got.data) != 50 || f.Fired() == 0 {
				t.Errorf("%+v, %d handed on, fired %d, %v", fetched, len(got.data), f.Fired(), err)
			}
		})
	}
}

// TestFetchEnds has the server fail altogether: what was handed on is counted,
// and the rest is neither handed on nor called failed.
func TestFetchEnds(t *testing.T) {
	for name, f := range map[string]struct {
		fault davtest.Fault
		want  error
	}{
		"401": {davtest.Fault{Skip: 1, Status: 401}, ErrUnauthorized},
		"503": {davtest.Fault{Skip: 1, Status: 503}, ErrUnavailable},
		"cut": {davtest.Fault{Skip: 1, CutAfter: 3000}, ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 1000})
			c := client(t, configFor(s.URL()))
			coll, l := bookListed(t, c)
			s.Inject(f.fault)
			var got bag
			fetched, err := c.Fetch(deadline(t), coll, l.Items, got.take)
			if !errors.Is(err, f.want) || fetched.Count != len(got.data) || fetched.Count >= 1000 {
				t.Errorf("%d counted, %d handed on, %v; want %v", fetched.Count, len(got.data), err, f.want)
			}
		})
	}
}

func TestFetchOneFails(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 30})
	c := client(t, configFor(s.URL()))
	coll, l := bookListed(t, c)
	s.Inject(davtest.Fault{Method: "REPORT", DenyFirst: 1})
	s.Inject(davtest.Fault{Method: "GET", Status: 403})
	fetched, err := c.Fetch(deadline(t), coll, l.Items, new(bag).take)
	if err != nil || fetched.Count != 29 || len(fetched.Failed) != 1 || !errors.Is(fetched.Failed[0].Err, ErrForbidden) || fetched.Failed[0].Item.Name != "contact-00000.vcf" {
		t.Errorf("%+v, %v", fetched, err)
	}
}

// TestFetchWantsTheListedRevision changes an item to another of the same size.
func TestFetchWantsTheListedRevision(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 30})
	c := client(t, configFor(s.URL()))
	coll, l := bookListed(t, c)
	if _, err := s.User("alice").PutContact("contacts", "contact-00004.vcf", davtest.Card(5)); err != nil {
		t.Fatal(err)
	}
	var got bag
	fetched, err := c.Fetch(deadline(t), coll, l.Items, got.take)
	if err != nil || fetched.Count != 29 || len(fetched.Failed) != 1 || !errors.Is(fetched.Failed[0].Err, ErrChanged) || got.data["contact-00004.vcf"] != "" {
		t.Errorf("%+v, %v", fetched, err)
	}
}

func TestFetchVisitFails(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 30})
	c := client(t, configFor(s.URL()))
	coll, l := bookListed(t, c)
	full := errors.New("disk full")
	for _, items := range [][]Item{l.Items, l.Items[:1]} {
		calls := 0
		fetched, err := c.Fetch(deadline(t), coll, items, func(Item, []byte) error { calls++; return full })
		if !errors.Is(err, full) || fetched.Count != 0 || calls != 1 {
			t.Errorf("%+v after %d calls, %v", fetched, calls, err)
		}
	}
}

func TestBatches(t *testing.T) {
	item := func(n int, size int64) []Item {
		var list []Item
		for i := range n {
			list = append(list, Item{Name: fmt.Sprint(i), Size: size})
		}
		return list
	}
	for _, c := range []struct {
		items []Item
		want  int
	}{
		{item(5, 10), 5}, {item(500, 10), batchItems}, {item(5, -1), 1}, {item(5, aloneBytes), 1},
		{item(100, aloneBytes-1), 4}, {append(item(3, 1), item(1, aloneBytes)...), 3}, {item(1, 0), 1},
	} {
		batch, rest := nextBatch(c.items)
		if len(batch) != c.want || len(batch)+len(rest) != len(c.items) {
			t.Errorf("%d items of %d: %d and %d; want %d", len(c.items), c.items[0].Size, len(batch), len(rest), c.want)
		}
	}
}

// BenchmarkContacts lists and fetches 5,000 contacts; two seconds are allowed.
func BenchmarkContacts(b *testing.B) {
	s := cloud(b, davtest.Options{}, davtest.Content{Contacts: 5000})
	c := client(b, configFor(s.URL()))
	coll := book(b, c)
	for b.Loop() {
		l, err := c.List(deadline(b), coll)
		if err != nil {
			b.Fatal(err)
		}
		fetched, err := c.Fetch(deadline(b), coll, l.Items, func(Item, []byte) error { return nil })
		if err != nil || fetched.Count != 5000 {
			b.Fatalf("%d, %v", fetched.Count, err)
		}
	}
}
