package dav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// partly sends the head of a multistatus and then waits.
func partly(release <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">`)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
}

const self = `<d:response><d:href>/b/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`

func member(href string) string {
	return `<d:response><d:href>` + href + `</d:href><d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
}

func envelope(inner string) string {
	return `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">` + inner + `</d:multistatus>`
}

// hostile is XML of a listing of /b/, and what must be said of it; nil is a
// good listing.
var hostile = map[string]struct {
	xml  string
	want error
}{
	"good":                    {envelope(self + member("/b/a.vcf") + member("/b/b.vcf")), nil},
	"good, absolute href":     {envelope(self + member("http://SERVER/b/a.vcf")), nil},
	"good, default namespace": {`<multistatus xmlns="DAV:">` + strings.ReplaceAll(self, "d:", "") + `</multistatus>`, nil},
	"good, comment at end":    {envelope(self) + "<!-- bye -->\n", nil},
	"billion laughs": {`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>` +
		envelope(self + member("/b/&b;.vcf"))[21:], ErrMalformed},
	"unknown entity":          {envelope(self + member("/b/&lol;.vcf")), ErrMalformed},
	"external entity":         {`<!DOCTYPE x SYSTEM "file:///etc/passwd">` + envelope(self), ErrMalformed},
	"deep nesting":            {envelope(self + strings.Repeat("<x>", 100_000) + strings.Repeat("</x>", 100_000)), ErrMalformed},
	"deep in a property":      {envelope(`<d:response><d:href>/b/</d:href><d:propstat><d:prop><d:x>` + strings.Repeat("<x>", 200) + strings.Repeat("</x>", 200) + `</d:x></d:prop></d:propstat></d:response>`), ErrMalformed},
	"large property":          {envelope(self + strings.Replace(member("/b/a.vcf"), `"1"`, strings.Repeat("x", 10<<20), 1)), ErrTooLarge},
	"large unknown":           {envelope(self + "<d:junk>" + strings.Repeat("x", 10<<20) + "</d:junk>"), ErrTooLarge},
	"long href":               {envelope(self + member("/b/"+strings.Repeat("a", 20_000))), ErrTooLarge},
	"dots":                    {envelope(self + member("/b/../../x")), ErrMalformed},
	"encoded dots":            {envelope(self + member("/b/%2e%2e")), ErrMalformed},
	"encoded slash":           {envelope(self + member("/b/..%2f..%2fx")), ErrMalformed},
	"relative":                {envelope(self + member("../../x")), ErrMalformed},
	"nul":                     {envelope(self + member("/b/a%00.vcf")), ErrMalformed},
	"not UTF-8":               {envelope(self + member("/b/%ff.vcf")), ErrMalformed},
	"bad escape":              {envelope(self + member("/b/%zz.vcf")), ErrMalformed},
	"query":                   {envelope(self + member("/b/a.vcf?x=1")), ErrMalformed},
	"another host":            {envelope(self + member("http://evil.example/b/a.vcf")), ErrForeign},
	"another host, no scheme": {envelope(self + member("//evil.example/b/a.vcf")), ErrForeign},
	"another user":            {envelope(self + member("http://bob@SERVER/b/a.vcf")), ErrMalformed},
	"another collection":      {envelope(self + member("/c/a.vcf")), ErrMalformed},
	"a grandchild":            {envelope(self + member("/b/c/a.vcf")), ErrMalformed},
	"empty segment":           {envelope(self + member("/b//a.vcf")), ErrMalformed},
	"prefix without slash":    {envelope(self + member("/bb.vcf")), ErrMalformed},
	"twice":                   {envelope(self + member("/b/a.vcf") + member("/b/a.vcf")), ErrMalformed},
	"twice, escaped":          {envelope(self + member("/b/a.vcf") + member("/b/%61.vcf")), ErrMalformed},
	"itself twice":            {envelope(self + self), ErrMalformed},
	"not itself":              {envelope(member("/b/a.vcf")), ErrMalformed},
	"no href":                 {envelope(self + strings.Replace(member("x"), "<d:href>x</d:href>", "", 1)), ErrMalformed},
	"two hrefs":               {envelope(self + strings.Replace(member("/b/a"), "</d:href>", "</d:href><d:href>/b/b</d:href>", 1)), ErrMalformed},
	"507":                     {envelope(self + `<d:response><d:href>/b/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>`), ErrPartial},
	"member 404":              {envelope(self + `<d:response><d:href>/b/a</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>`), ErrPartial},
	"member 500 propstat":     {envelope(self + strings.Replace(member("/b/a"), "200 OK", "500 Oops", 1)), ErrPartial},
	"no status":               {envelope(self + strings.Replace(member("/b/a"), "<d:status>HTTP/1.1 200 OK</d:status>", "", 1)), ErrMalformed},
	"status is text":          {envelope(self + strings.Replace(member("/b/a"), "HTTP/1.1 200 OK", "fine", 1)), ErrMalformed},
	"empty etag":              {envelope(self + strings.Replace(member("/b/a"), `"1"`, "", 1)), ErrPartial},
	"etag with elements":      {envelope(self + strings.Replace(member("/b/a"), `"1"`, "<x/>", 1)), ErrMalformed},
	"negative size":           {envelope(self + strings.Replace(member("/b/a"), "<d:prop>", "<d:prop><d:getcontentlength>-1</d:getcontentlength>", 1)), ErrMalformed},
	"folder inside":           {envelope(self + strings.Replace(self, "/b/", "/b/c/", 1)), ErrPartial},
	"not a collection":        {envelope(strings.Replace(self, "<d:collection/>", "", 1)), ErrMalformed},
	"two roots":               {envelope(self) + envelope(self)[21:], ErrMalformed},
	"text after":              {envelope(self) + "<x>", ErrMalformed},
	"wrong namespace":         {strings.Replace(envelope(self), `"DAV:"`, `"dav:"`, 1), ErrMalformed},
	"wrong encoding":          {strings.Replace(envelope(self), `"1.0"`, `"1.0" encoding="utf-7"`, 1), ErrMalformed},
	"unclosed":                {strings.TrimSuffix(envelope(self), "</d:multistatus>"), ErrMalformed},
	"crossed":                 {envelope(self + "<a><b></a></b>"), ErrMalformed},
}

func TestHostileListings(t *testing.T) {
	for name, h := range hostile {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := strings.ReplaceAll(h.xml, "SERVER", r.Host)
				w.Header().Set("Content-Type", "text/xml; charset=utf-8")
				w.WriteHeader(http.StatusMultiStatus)
				_, _ = io.WriteString(w, body) // the client may leave early
			}))
			defer server.Close()
			c := client(t, configFor(server.URL+"/"))
			coll := Collection{Kind: AddressBook, Path: "/b", base: c.contacts}
			items, err := c.members(deadline(t), coll)
			if h.want == nil && err != nil || h.want != nil && !errors.Is(err, h.want) {
				t.Errorf("%d items, error %v; want %v", len(items), err, h.want)
			}
			if err != nil && items != nil {
				t.Errorf("items beside the error: %v", items)
			}
		})
	}
}

// TestAnswerOfAnotherKind has the right XML under the wrong status or type.
func TestAnswerOfAnotherKind(t *testing.T) {
	for name, h := range map[string]struct {
		status int
		kind   string
		want   error
	}{
		"right": {207, "application/xml;charset=utf-8", nil}, "text/xml": {207, "text/xml", nil},
		"html": {207, "text/html", ErrMalformed}, "no type": {207, "", ErrMalformed}, "bad type": {207, "a/b/c", ErrMalformed},
		"200": {200, "application/xml", ErrMalformed}, "206": {206, "application/xml", ErrMalformed},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{h.kind}
			w.WriteHeader(h.status)
			_, _ = io.WriteString(w, envelope(self))
		}))
		c := client(t, configFor(server.URL+"/"))
		_, err := c.members(deadline(t), Collection{Kind: AddressBook, Path: "/b", base: c.contacts})
		if !errors.Is(err, h.want) {
			t.Errorf("%s: %v; want %v", name, err, h.want)
		}
		server.Close()
	}
}

// TestResumeOfAnotherPart has a server that answers a range with another one.
func TestResumeOfAnotherPart(t *testing.T) {
	for value, want := range map[string]error{
		"bytes 5-9/10": nil, "bytes 4-9/10": ErrMalformed, "bytes 5-9/11": ErrMalformed, "": ErrMalformed,
		"bytes 5-10/11": ErrMalformed,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Content-Range", value)
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, "56789")
		}))
		c := client(t, configFor(server.URL+"/"))
		body, err := c.Open(deadline(t), Collection{Kind: FileTree, Path: "/b", base: c.files}, Item{Name: "a", Rev: `"1"`, Size: -1}, 5)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v; want %v", value, err, want)
		}
		if err == nil {
			body.Close()
		}
		server.Close()
	}
}

// TestResumeWithoutRanges has a server that always sends the whole.
func TestResumeWithoutRanges(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		_, _ = io.WriteString(w, "0123456789")
	}))
	defer server.Close()
	c := client(t, configFor(server.URL+"/"))
	body, err := c.Open(deadline(t), Collection{Kind: FileTree, Path: "/b", base: c.files}, Item{Name: "a", Rev: `W/"1"`, Size: 10}, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if rest, err := io.ReadAll(body); err != nil || string(rest) != "56789" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestUnprovedAnswer(t *testing.T) {
	for name, h := range map[string]struct {
		principal string
		anonymous int
		want      error
	}{
		"names the account":       {`<d:href>/p/</d:href>`, 207, nil},
		"says it does not know":   {`<d:unauthenticated/>`, 401, ErrUnauthorized},
		"lets everybody in":       {``, 207, ErrUnproved},
		"turns others away":       {``, 401, nil},
		"breaks for the stranger": {``, 503, ErrUnproved},
	} {
		t.Run(name, func(t *testing.T) {
			prop := "<d:prop><d:current-user-principal>" + h.principal + "</d:current-user-principal>"
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				if r.Header.Get("Authorization") == "" && h.anonymous != 207 {
					w.WriteHeader(h.anonymous)
					return
				}
				w.WriteHeader(http.StatusMultiStatus)
				_, _ = io.WriteString(w, envelope(strings.Replace(self, "<d:prop>", prop, 1)))
			}))
			defer server.Close()
			c := client(t, configFor(server.URL+"/"))
			coll := Collection{Kind: AddressBook, Path: "/b", base: c.contacts}
			l, err := c.List(deadline(t), coll)
			if h.want != nil {
				wantIncomplete(t, l, err, h.want)
			} else if err != nil || !l.Complete || l.Count != 0 {
				t.Errorf("%+v, %v; want complete and 0", l, err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 50, Files: 50})
	for name, limits := range map[string]Limits{
		"items": {Items: 49}, "bytes": {ListingBytes: 4000}, "member": {MemberBytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			config := configFor(s.URL())
			coll := book(t, client(t, config))
			root := tree(t, client(t, config))
			config.Limits = limits
			if name == "member" {
				config.Limits.MemberBytes = 1
				if _, err := s.User("alice").PutContact("contacts", strings.Repeat("long", 4000)+".vcf", nil); err != nil {
					t.Fatal(err)
				}
				if _, err := s.User("alice").PutFile(strings.Repeat("long", 4000), nil); err != nil {
					t.Fatal(err)
				}
			}
			c := client(t, config)
			l, err := c.List(deadline(t), coll)
			wantIncomplete(t, l, err, ErrTooLarge)
			l, err = c.List(deadline(t), root)
			wantIncomplete(t, l, err, ErrTooLarge)
		})
	}
	deep := strings.Repeat("d/", 70) + "x"
	if _, err := s.User("alice").PutFile(deep, []byte("x")); err != nil {
		t.Fatal(err)
	}
	c := client(t, configFor(s.URL()))
	l, err := c.List(deadline(t), tree(t, c))
	wantIncomplete(t, l, err, ErrTooLarge)
}

// FuzzMultistatus wants no panic, and no member without an href of the server.
func FuzzMultistatus(f *testing.F) {
	for _, h := range hostile {
		if len(h.xml) < 4000 {
			f.Add(h.xml)
		}
	}
	at := origin{"http", "server", "80"}
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		_, err := parseMultistatus(strings.NewReader(text), budget{1 << 16, 1 << 20}, at, func(r *response) error {
			if n++; strings.Contains(r.place.path+"/", "/../") {
				return fmt.Errorf("escaped: %q", r.place.path)
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrForeign) {
			t.Errorf("an error of no kind: %v", err)
		}
	})
}
