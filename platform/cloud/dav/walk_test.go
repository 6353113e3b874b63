package dav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

func TestWalkHuge(t *testing.T) {
	for name, opts := range map[string]davtest.Options{"marked": {}, "unmarked": {NoState: true}} {
		t.Run(name, func(t *testing.T) {
			n := 20_000
			if opts.NoState { // listed many more times
				n = 2_000
			}
			s := cloud(t, opts, davtest.Content{})
			a := s.User("alice")
			for i := range n {
				folder := i * 40 / n
				if i < n/2 {
					folder = 0 // half of them in one folder
				}
				if _, err := a.PutFile(fmt.Sprintf("F/%d/file %d", folder, i), []byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
			}
			c := client(t, configFor(s.URL()))
			root := tree(t, c)
			seen := make(map[string]bool)
			walked, err := c.Walk(deadline(t), root, func(it Item) error {
				if seen[it.Name] {
					t.Errorf("%s twice", it.Name)
				}
				seen[it.Name] = true
				return nil
			})
			if err != nil || !walked.Complete || walked.Count != n || walked.Folders != 25 || len(walked.Items) != 0 {
				t.Fatalf("walked %d files, %d folders, %v", walked.Count, walked.Folders, err)
			}
			if (walked.State == "") != opts.NoState {
				t.Errorf("state %q", walked.State)
			}
			l, err := c.List(deadline(t), root)
			if err != nil || l.Count != n || l.Folders != 25 || l.Digest != walked.Digest || len(l.Items) != n+25 {
				t.Fatalf("listed %d files, %d folders, %v", l.Count, l.Folders, err)
			}
			before := s.Count("PROPFIND", "")
			wantSame(t, c, walked, true)
			if cheap := s.Count("PROPFIND", "")-before == 1; cheap == opts.NoState {
				t.Errorf("comparing took %d requests", s.Count("PROPFIND", "")-before)
			}
			if err := a.RemoveFile("F/0/file 7"); err != nil {
				t.Fatal(err)
			}
			wantSame(t, c, walked, false)
		})
	}
}

func TestWalkFaults(t *testing.T) {
	for _, f := range append(faults, []struct {
		name  string
		fault davtest.Fault
		want  error
	}{
		{"one denied", davtest.Fault{DenyFirst: 1}, ErrPartial},
		{"one hidden", davtest.Fault{HideLast: 1}, ErrPartial},
		{"no revision", davtest.Fault{ETag: "-"}, ErrPartial},
	}...) {
		t.Run(f.name, func(t *testing.T) {
			if f.name == "redirect loop" {
				f.fault.Location = "/remote.php/webdav/Documents/000/"
			}
			s := cloud(t, davtest.Options{}, davtest.Content{Files: 20, Photos: 5})
			c := client(t, configFor(s.URL()))
			root := tree(t, c)
			f.fault.Path = "/remote.php/webdav/Documents/000"
			injected := s.Inject(f.fault)
			l, err := c.Walk(deadline(t), root, func(Item) error { return nil })
			if !errors.Is(err, f.want) || l.Complete || l.Why == "" || l.Digest != "" {
				t.Errorf("walk: %+v, %v; want %v", l, err, f.want)
			}
			l, err = c.List(deadline(t), root)
			wantIncomplete(t, l, err, f.want)
			if injected.Fired() == 0 {
				t.Error("the fault did not fire")
			}
		})
	}
}

func TestWalkChanges(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Files: 20})
	a := s.User("alice")
	c := client(t, configFor(s.URL()))
	root := tree(t, c)
	add := func() {
		if _, err := a.PutFile("Photos/new.jpg", []byte("new")); err != nil {
			t.Error(err)
		}
	}
	s.Inject(davtest.Fault{Method: "PROPFIND", Path: "/remote.php/webdav/Documents/000", Times: 1, Before: add})
	l, err := c.Walk(deadline(t), root, func(Item) error { return nil })
	if !errors.Is(err, ErrChanged) || l.Complete {
		t.Errorf("walk: %+v, %v; want changed", l, err)
	}
	s.Heal()
	once := s.Inject(davtest.Fault{Method: "PROPFIND", Path: "/remote.php/webdav/Documents/000", Times: 1, Before: add})
	l, err = c.List(deadline(t), root)
	if err != nil || l.Count != 21 || once.Fired() != 1 {
		t.Errorf("list: %d, %v; want a second walk", l.Count, err)
	}
	s.Heal()
	s.Inject(davtest.Fault{Method: "PROPFIND", Path: "/remote.php/webdav/Documents/000", Before: add})
	l, err = c.List(deadline(t), root)
	wantIncomplete(t, l, err, ErrChanged)
}

func TestWalkEndsEarly(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Files: 3000})
	c := client(t, configFor(s.URL()))
	root := tree(t, c)
	full := errors.New("enough")
	calls := 0
	l, err := c.Walk(deadline(t), root, func(Item) error {
		if calls++; calls == 10 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || l.Complete || calls != 10 {
		t.Errorf("%+v after %d calls, %v", l, calls, err)
	}
	ctx, cancel := context.WithCancel(deadline(t))
	l, err = c.Walk(ctx, root, func(Item) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || l.Complete {
		t.Errorf("cancelled: %+v, %v", l, err)
	}
}

func TestCopyResumes(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{})
	data := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	it, c, root := oneFile(t, s, data)
	f := s.Inject(davtest.Fault{Method: "GET", CutAfter: 50_000})
	var got bytes.Buffer
	n, err := c.Copy(deadline(t), root, it, &got)
	if err != nil || n != int64(len(data)) || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("copied %d of %d, %v", n, len(data), err)
	}
	// The last answer may not have ended yet for the server.
	before := s.Requests()[len(s.Requests())-2]
	if f.Fired() < 4 || before.Status != 206 {
		t.Errorf("fired %d times, the last but one %+v", f.Fired(), before)
	}
}

func TestCopyFaults(t *testing.T) {
	for name, f := range map[string]struct {
		fault davtest.Fault
		want  error
	}{
		"damaged":        {davtest.Fault{Damage: true}, ErrDamaged},
		"other revision": {davtest.Fault{ETag: `"other"`}, ErrChanged},
		"no revision":    {davtest.Fault{ETag: "-"}, ErrMalformed},
		"login page":     {davtest.Fault{Status: 200, ContentType: "text/html", Body: loginPage}, ErrMalformed},
		"short":          {davtest.Fault{TruncateAfter: 100}, ErrChanged},
		"no length":      {davtest.Fault{TruncateAfter: 5000}, ErrMalformed},
		"401":            {davtest.Fault{Status: 401}, ErrUnauthorized},
		"503":            {davtest.Fault{Status: 503}, ErrUnavailable},
		"stuck":          {davtest.Fault{Skip: 1, Status: 200, CutAfter: 1}, ErrMalformed},
		"elsewhere":      {davtest.Fault{Status: 302, Location: "http://evil.example/"}, ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{})
			it, c, root := oneFile(t, s, bytes.Repeat([]byte("x"), 10_000))
			if name == "stuck" {
				s.Inject(davtest.Fault{Method: "GET", Times: 1, CutAfter: 10})
				f.fault.Skip = 0
			}
			f.fault.Method = "GET"
			injected := s.Inject(f.fault)
			if n, err := c.Copy(deadline(t), root, it, new(bytes.Buffer)); !errors.Is(err, f.want) {
				t.Errorf("copied %d, %v; want %v", n, err, f.want)
			}
			if injected.Fired() == 0 {
				t.Error("the fault did not fire")
			}
		})
	}
}

func TestCopyNeedsTheListedSize(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{})
	it, c, root := oneFile(t, s, []byte("hello"))
	it.Size = 4
	if _, err := c.Copy(deadline(t), root, it, new(bytes.Buffer)); !errors.Is(err, ErrChanged) {
		t.Errorf("a size that differs gives %v", err)
	}
	it.Size = -1
	if n, err := c.Copy(deadline(t), root, it, new(bytes.Buffer)); err != nil || n != 5 {
		t.Errorf("an unknown size gives %d, %v", n, err)
	}
}

func TestContentRange(t *testing.T) {
	for value, want := range map[string]string{
		"bytes 5-9/10": "5 10 true", "bytes 0-0/1": "0 1 true", "bytes 5-8/10": "5 10 false", "bytes 5-9/*": "5 0 false",
		"": "0 0 false", "bytes 9-5/6": "9 6 false", "bytes -5-9/10": "0 10 false", "lines 5-9/10": "0 10 false",
	} {
		first, size, ok := contentRange(value)
		got := fmt.Sprint(first, size, ok)
		if ok != strings.HasSuffix(want, "true") || ok && got != want {
			t.Errorf("%q: %s; want %s", value, got, want)
		}
	}
}

func oneFile(t *testing.T, s *davtest.Server, data []byte) (Item, *Client, Collection) {
	t.Helper()
	if _, err := s.User("alice").PutFile("a file", data); err != nil {
		t.Fatal(err)
	}
	c := client(t, configFor(s.URL()))
	root := tree(t, c)
	l, err := c.List(deadline(t), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range l.Items {
		if it.Name == "a file" {
			return it, c, root
		}
	}
	t.Fatal("the file is not listed")
	return Item{}, nil, Collection{}
}

// wide is a server of so many folders with a thousand files each, which it makes up
// as it is asked and does not hold.
func wide(tb testing.TB, folders int) *Client {
	tb.Helper()
	member := func(w io.Writer, href, kind string, n int) {
		fmt.Fprintf(w, `<d:response><d:href>%s</d:href><d:propstat><d:prop><d:resourcetype>%s</d:resourcetype><d:getetag>"%016x"</d:getetag>`+
			`<d:getcontentlength>%d</d:getcontentlength><d:getcontenttype>image/jpeg</d:getcontenttype><d:getlastmodified>Fri, 27 Nov 2026 10:00:00 GMT</d:getlastmodified>`+
			`<oc:fileid>%d</oc:fileid><oc:checksums><oc:checksum>SHA1:%040x</oc:checksum></oc:checksums><oc:permissions>RGDNVW</oc:permissions><oc:owner-id>alice</oc:owner-id>`+
			`<d:current-user-principal><d:href>/p/alice/</d:href></d:current-user-principal></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`,
			href, kind, n, n, n, n)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusMultiStatus)
		fmt.Fprint(w, `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">`)
		member(w, r.URL.Path, "<d:collection/>", 1)
		switch {
		case r.Header.Get("Depth") != "1":
		case r.URL.Path == "/":
			for i := range folders {
				member(w, fmt.Sprintf("/%d/", i), "<d:collection/>", i)
			}
		default:
			for i := range 1000 {
				member(w, fmt.Sprintf("%sIMG_%05d.jpg", r.URL.Path, i), "", i)
			}
		}
		fmt.Fprint(w, "</d:multistatus>")
	}))
	tb.Cleanup(server.Close)
	config := configFor(server.URL + "/")
	config.Files = server.URL + "/"
	return client(tb, config)
}

// TestWalkHoldsLittle: what is held while a tree is walked is 32 bytes an item and
// a few folders, not the tree, which would be some twenty megabytes.
func TestWalkHoldsLittle(t *testing.T) {
	const folders = 60
	c := wide(t, folders)
	var m meter
	l, err := c.Walk(deadline(t), tree(t, c), m.visit)
	if err != nil || l.Count != 1000*folders || m.most > 10<<20 {
		t.Errorf("%d files, %d bytes held, %v", l.Count, m.most, err)
	}
}

// BenchmarkWalk goes through 100,000 files, a thousand a folder.
func BenchmarkWalk(b *testing.B) {
	c := wide(b, 100)
	root := tree(b, c)
	for b.Loop() {
		var m meter
		l, err := c.Walk(deadline(b), root, m.visit)
		if err != nil || l.Count != 100_000 {
			b.Fatalf("%d, %v", l.Count, err)
		}
		b.ReportMetric(float64(m.most)/1e6, "MB-held")
	}
}

// BenchmarkList lists 10,000 contacts both ways, and fetches each.
func BenchmarkList(b *testing.B) {
	s := cloud(b, davtest.Options{}, davtest.Content{Contacts: 10_000})
	c := client(b, configFor(s.URL()))
	coll := book(b, c)
	for b.Loop() {
		l, err := c.List(deadline(b), coll)
		if err != nil || l.Count != 10_000 {
			b.Fatalf("%d, %v", l.Count, err)
		}
		got, err := c.Fetch(deadline(b), coll, l.Items, func(Item, []byte) error { return nil })
		if err != nil || got.Count != 10_000 {
			b.Fatalf("%+v, %v", got, err)
		}
	}
}

// meter measures how much more is held while a tree is walked, in bytes.
type meter struct {
	seen        int
	start, most uint64
}

func (m *meter) visit(Item) error {
	if m.seen++; m.seen%10_000 == 1 {
		runtime.GC()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // without what was dropped since
		metrics.Read(live)
		now := live[0].Value.Uint64()
		if m.start == 0 {
			m.start = now
		}
		m.most = max(m.most, now-min(m.start, now))
	}
	return nil
}
