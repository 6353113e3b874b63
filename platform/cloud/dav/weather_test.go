package dav

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// storm is bad weather over a listing of a collection: what must be said then. nil
// is that the listing is whole and true all the same.
type storm struct {
	name  string
	fault davtest.Fault
	want  error
	// marked and plain storms are for servers whose collections have a mark of
	// their state, with a second way of listing, or have none.
	marked, plain bool
}

func storms() []storm {
	members := davtest.Fault{Method: "PROPFIND", Depth: "1"}
	with := func(change func(*davtest.Fault)) davtest.Fault { f := members; change(&f); return f }
	second := func(change func(*davtest.Fault)) davtest.Fault {
		f := davtest.Fault{Method: "REPORT"}
		change(&f)
		return f
	}
	past := time.Now().Add(-5 * time.Hour).UTC().Format(http.TimeFormat)
	return []storm{
		{"clear", davtest.Fault{}, nil, false, false},
		{"a short page", with(func(f *davtest.Fault) { f.HideLast = 1 }), ErrPartial, true, false},
		{"a short page, once", with(func(f *davtest.Fault) { f.HideLast, f.Times = 1, 1 }), nil, false, true},
		{"a short page the second way", second(func(f *davtest.Fault) { f.HideLast = 1 }), ErrPartial, true, false},
		{"dropped in mid-body", with(func(f *davtest.Fault) { f.CutAfter = 500 }), ErrUnreachable, false, false},
		{"ended in mid-body", with(func(f *davtest.Fault) { f.TruncateAfter = 500 }), ErrMalformed, false, false},
		{"more bytes told than sent", with(func(f *davtest.Fault) { f.Length = 10 }), ErrUnreachable, false, false},
		{"fewer bytes told than sent", with(func(f *davtest.Fault) { f.Length = -10 }), ErrMalformed, false, false},
		{"other revisions each time", with(func(f *davtest.Fault) { f.ETag = "*" }), errAny, false, false},
		{"no revisions", with(func(f *davtest.Fault) { f.ETag = " " }), ErrPartial, false, false},
		{"wrong revisions, once", with(func(f *davtest.Fault) { f.ETag, f.Times = `"wrong"`, 1 }), errAny, true, false},
		{"password refused before", davtest.Fault{Status: 401}, ErrUnauthorized, false, false},
		{"password refused in the middle", davtest.Fault{Status: 401, Skip: 1}, ErrUnauthorized, false, false},
		{"too many requests, for a moment", davtest.Fault{Status: 429, RetryAfter: "3", Times: 1, Skip: 1}, nil, false, false},
		{"too many requests, by a date", davtest.Fault{Status: 429, RetryAfter: past, Times: 1}, nil, false, false},
		{"maintenance for a moment", davtest.Fault{Status: 503, RetryAfter: "5", Times: 2}, nil, false, false},
		{"maintenance for long", davtest.Fault{Status: 503, RetryAfter: "3600"}, ErrUnavailable, false, false},
		{"too many requests for ever", davtest.Fault{Status: 429, RetryAfter: "1", Skip: 1}, ErrUnavailable, false, false},
		{"a clock hours ahead", davtest.Fault{Skew: 9 * time.Hour}, nil, false, false},
		{"a clock hours behind", davtest.Fault{Skew: -9 * time.Hour}, nil, false, false},
		{"a member twice", with(func(f *davtest.Fault) { f.Again = 1 }), ErrMalformed, false, false},
		{"a member twice the second way", second(func(f *davtest.Fault) { f.Again = 1 }), ErrPartial, true, false},
		{"a member of elsewhere", with(func(f *davtest.Fault) { f.Stray = "/elsewhere/x.vcf" }), ErrMalformed, false, false},
		{"a member above", with(func(f *davtest.Fault) { f.Stray = "../x.vcf" }), ErrMalformed, false, false},
		{"a member of another host", with(func(f *davtest.Fault) { f.Stray = "http://other.example/x.vcf" }), ErrForeign, false, false},
		{"a stray the second way", second(func(f *davtest.Fault) { f.Stray = "/elsewhere/x.vcf" }), ErrMalformed, true, false},
		// RFC 6578, 3.6 and 3.3: the server cannot answer the second way in full, or
		// does not know the token of a page by now. The first way stands alone then.
		{"the second way truncated whole", second(func(f *davtest.Fault) {
			f.Status, f.ContentType, f.Body = 507, "application/xml", `<d:error xmlns:d="DAV:"><d:number-of-matches-within-limits/></d:error>`
		}), nil, false, false},
		{"a token not known any more", second(func(f *davtest.Fault) {
			f.Status, f.ContentType, f.Body = 403, "application/xml", `<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>`
		}), nil, false, false},
		{"a token not known in the middle of the pages", second(func(f *davtest.Fault) { f.Skip, f.Status = 1, 403 }), nil, false, false},
		{"login page", davtest.Fault{Status: 200, ContentType: "text/html", Body: loginPage, Skip: 1}, ErrMalformed, false, false},
	}
}

// errAny stands for any error of this package: servers differ in what gives them
// away.
var errAny = errors.New("any")

func (s *storm) any() bool { return errors.Is(s.want, errAny) }

// wrong reports whether an error is not the one that is wanted.
func (s *storm) wrong(err error) bool {
	return s.any() && err == nil || s.want != nil && !s.any() && !errors.Is(err, s.want)
}

// TestContractWeather holds every server to the same in bad weather: a listing is
// whole and true, or it is not complete and says why. It is never less than there
// is and complete.
func TestContractWeather(t *testing.T) {
	for name, start := range map[string]func(*testing.T) realm{
		"davtest":          func(t *testing.T) realm { return davtestRealm(t, davtest.Options{}) },
		"davtest/no-state": func(t *testing.T) realm { return davtestRealm(t, davtest.Options{NoState: true}) },
		"davtest/pages":    func(t *testing.T) realm { return davtestRealm(t, davtest.Options{SyncPage: 7}) },
		"radicale":         func(t *testing.T) realm { return radicale(t, "") },
		"go-webdav":        goWebdav,
	} {
		t.Run(name, func(t *testing.T) { weather(t, start(t)) })
	}
}

func weather(t *testing.T, r realm) {
	p, config := behind(t, r)
	c := client(t, config)
	t.Run("contacts", func(t *testing.T) { weatherCollection(t, p, c, book(t, c), "vcf", "text/vcard", davtest.Card) })
	if r.calendar {
		calendars, err := c.Calendars(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		days := holding(t, calendars.Found, "VEVENT")
		t.Run("calendar", func(t *testing.T) { weatherCollection(t, p, c, days, "ics", "text/calendar", davtest.Event) })
	}
	if r.files {
		weatherFiles(t, p, c)
	}
}

func weatherCollection(t *testing.T, p *davtest.Proxy, c *Client, coll Collection, ext, kind string, make func(int) []byte) {
	for i := range 12 {
		put(t, c, coll, fmt.Sprint("item ", i, ".", ext), kind, make(i))
	}
	truth, err := c.List(deadline(t), coll)
	if err != nil || truth.Count != 12 {
		t.Fatalf("in fair weather: %+v, %v", truth, err)
	}
	marked := truth.State != ""
	for _, s := range storms() {
		if s.marked && !marked || s.plain && marked {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			before := len(p.Requests())
			injected := p.Inject(s.fault)
			defer p.Heal()
			l, err := c.List(deadline(t), coll)
			switch {
			case s.want == nil && (err != nil || !l.Complete || l.Digest != truth.Digest):
				t.Errorf("%+v, %v; want all of it", l, err)
			case s.wrong(err):
				t.Errorf("error %v; want %v", err, s.want)
			case s.want != nil:
				wantIncomplete(t, l, err, err)
			}
			if s.fault.Method != "REPORT" && injected.Fired() == 0 {
				t.Errorf("it did not strike in %d requests", len(p.Requests())-before)
			}
		})
	}
	weatherFetch(t, p, c, coll, truth)
	weatherElsewhere(t, p, c, coll, truth)
}

// behind puts a realm behind a proxy that spoils its answers.
func behind(t *testing.T, r realm) (*davtest.Proxy, Config) {
	t.Helper()
	p, err := davtest.NewProxy(r.config.Contacts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	config := r.config
	for _, at := range []*string{&config.Contacts, &config.Calendars, &config.Files} {
		if *at != "" {
			if *at, err = p.URL(*at); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p, config
}

// weatherFetch: what is handed on is exactly what the server has, whatever comes
// in between; the rest is a failure by name or ends the whole.
func weatherFetch(t *testing.T, p *davtest.Proxy, c *Client, coll Collection, truth Listing) {
	var whole bag
	if got, err := c.Fetch(deadline(t), coll, truth.Items, whole.take); err != nil || got.Count != truth.Count {
		t.Fatalf("in fair weather: %+v, %v", got, err)
	}
	for name, f := range map[string]davtest.Fault{
		"a short page": {Method: "REPORT", HideLast: 3}, "no bodies": {Method: "REPORT", ETag: `"other"`},
		"dropped in mid-body": {Method: "REPORT", CutAfter: 900}, "ended in mid-body": {Method: "REPORT", TruncateAfter: 900},
		"twice": {Method: "REPORT", Again: 2}, "a stray": {Method: "REPORT", Stray: "/elsewhere/x.vcf"},
		"lengths that lie": {Method: "GET", Length: 5}, "lengths that lie the other way": {Method: "GET", Length: -5},
		"patience": {Status: 429, RetryAfter: "1", Times: 2}, "other revisions": {ETag: "*"}, "refused": {Status: 401, Skip: 1},
	} {
		t.Run("fetch/"+name, func(t *testing.T) {
			p.Inject(f)
			defer p.Heal()
			var got bag
			fetched, err := c.Fetch(deadline(t), coll, truth.Items, got.take)
			if err == nil && fetched.Count+len(fetched.Failed) != truth.Count {
				t.Errorf("%+v of %d, and no error", fetched, truth.Count)
			}
			for name, data := range got.data {
				if data != whole.data[name] {
					t.Errorf("%s is %q, and %q at the server", name, data, whole.data[name])
				}
			}
		})
	}
}

// weatherElsewhere: a redirect to another host is not followed, and that host sees
// no request at all.
func weatherElsewhere(t *testing.T, p *davtest.Proxy, c *Client, coll Collection, truth Listing) {
	thief, err := davtest.New(davtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	for _, status := range []int{301, 302, 307, 308} {
		for _, skip := range []int{0, 1, 2} {
			f := p.Inject(davtest.Fault{Status: status, Location: thief.URL(), Skip: skip})
			l, err := c.List(deadline(t), coll)
			wantIncomplete(t, l, err, ErrForeign)
			if _, err := c.Fetch(deadline(t), coll, truth.Items, new(bag).take); !errors.Is(err, ErrForeign) {
				t.Errorf("fetching gives %v", err)
			}
			if f.Fired() == 0 {
				t.Error("there was no redirect")
			}
			p.Heal()
		}
	}
	if n := len(thief.Requests()); n != 0 {
		t.Errorf("the other host saw %d requests: %+v", n, thief.Requests())
	}
}

// weatherFiles is the same for a file tree.
func weatherFiles(t *testing.T, p *davtest.Proxy, c *Client) {
	root := tree(t, c)
	for _, name := range []string{"a/b/one.txt", "a/b/two.txt", "a/three.txt", "four.txt"} {
		makeFolders(t, c, root, name)
		put(t, c, root, name, "application/octet-stream", []byte("bytes of "+name))
	}
	truth, err := c.List(deadline(t), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range storms() {
		if strings.Contains(s.name, "short page") || strings.Contains(s.name, "wrong revisions") || strings.Contains(s.name, "second way") {
			continue // a plain server has no second way to tell
		}
		if s.fault.Skip > 0 && s.fault.Status == 401 {
			s.fault.Skip = 2
		}
		t.Run("files/"+s.name, func(t *testing.T) {
			p.Inject(s.fault)
			defer p.Heal()
			l, err := c.List(deadline(t), root)
			switch {
			case err == nil && s.any() && slices.Equal(names(l.Items), names(truth.Items)):
				// A mark of the whole says that it is one state: the revisions in it are
				// then other ones at the next look, and none of it counts as copied.
			case err == nil && l.Digest != truth.Digest:
				t.Errorf("complete, and not what is there: %+v", l)
			case s.want == nil && err != nil:
				t.Errorf("%v; want all of it", err)
			case s.wrong(err):
				t.Errorf("error %v; want %v", err, s.want)
			}
		})
	}
	var one Item
	for _, it := range truth.Items {
		if it.Name == "a/b/one.txt" {
			one = it
		}
	}
	for name, f := range map[string]davtest.Fault{
		"dropped": {Method: "GET", CutAfter: 5, Times: 1}, "ended": {Method: "GET", TruncateAfter: 5}, "longer": {Method: "GET", Length: 7},
		"shorter": {Method: "GET", Length: -7}, "another": {Method: "GET", ETag: `"x"`}, "patience": {Method: "GET", Status: 503, RetryAfter: "2", Times: 1},
	} {
		t.Run("copy/"+name, func(t *testing.T) {
			p.Inject(f)
			defer p.Heal()
			var got bytes.Buffer
			_, err := c.Copy(deadline(t), root, one, &got)
			if err == nil && got.String() != "bytes of a/b/one.txt" {
				t.Errorf("copied %q, and no error", got.String())
			}
			if (name == "dropped" || name == "patience") && err != nil {
				t.Errorf("it does not go on: %v", err)
			}
		})
	}
}
