package viewer_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/viewer"
)

const attack = `"'></title></script></textarea><script>window.pwned=1</script><img src=x onerror=window.pwned=1>`

const evilSVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1"><script>window.pwned=1</script></svg>`

const evilPage = `<!doctype html><script>window.pwned=1</script><h1>Not yours</h1>`

// hostile is what somebody who wants to run something, or to learn that the copy
// is looked at, would put into an account.
func hostile(t testing.TB) []file {
	t.Helper()
	picture := jpegOf(t, corners(400, 300))
	svg := base64.StdEncoding.EncodeToString([]byte(evilSVG))
	files := []file{
		{photos, attack + ".jpg", attack, also(picture, "1"), june},
		{photos, "javascript:window.pwned=1.jpg", "", also(picture, "2"), june},
		{photos, "\u202egpj.exe.jpg", "", also(picture, "3"), june},
		{photos, "a b#c?d%41&amp;.jpg", "", also(picture, "4"), june},
		{photos, strings.Repeat("long", 50) + ".jpg", "", also(picture, "5"), june},
		{photos, "not utf-8 \xff\xfe.jpg", "\xff\xfe", also(picture, "6"), june},
		{photos, "picture.html", "", also(picture, "7"), june},
		{photos, "page.html", "", []byte(evilPage), june},
		{photos, "drawing.svg", "", []byte(evilSVG), june},
		{photos, "page.jpg", "", also([]byte(evilPage), "\n"), june},
		{photos, "swapped.png", "", also(picture, "8"), june},
		{book, "attack", attack, card("FN:"+attack, "ORG:"+attack, "URL:javascript:window.pwned=1", "NOTE:"+attack, "TEL;TYPE="+`"><b>`+":*#06#",
			"PHOTO;ENCODING=b;TYPE=SVG:"+svg), noon},
		{book, "data-uri", "", card("FN:Data", "PHOTO:data:image/svg+xml;base64,"+svg), noon},
		{book, "tracked", "", card("FN:Tracked", "PHOTO;VALUE=uri:https://tracker.example/face.jpg", "URL:https://tracker.example/"), noon},
		{book, "rtl", "", card("FN:\u202eسارة\u202d", "NOTE:"+strings.Repeat("x", 300_000)), noon},
		{book, "broken", "<b>broken</b>", []byte("BEGIN:VCARD\r\n\x00\x01"), noon},
		{book, "bomb", "", card("FN:Bomb", "PHOTO;ENCODING=b;TYPE=PNG:"+base64.StdEncoding.EncodeToString(bomb(50000, 50000))), noon},
		{memos, "attack.md", "", []byte(hostileNote), june},
		{memos, "evil.svg", "", []byte(evilSVG), june},
		{memos, "evil.html", "", []byte(evilPage), june},
		{memos, "evil.png", "", []byte(evilPage), june},
		{memos, attack + ".txt", "", []byte(attack), june},
		{memos, "huge.md", "", []byte("# Huge\n\n" + strings.Repeat("word <b>word</b> ", 40_000)), june},
		{memos, "old.note", "", []byte(`<note><title>` + html.EscapeString(attack) + `</title><text><note-content>` + html.EscapeString(attack) + `</note-content></text></note>`), june},
		{memos, "broken.note", "", []byte("<note"), june},
		{source.Ref{Account: memos.Account, Dataset: source.Notes, Source: "Memos"}, "memo.ics", "", calendar("BEGIN:VJOURNAL", "UID:m", "SUMMARY:"+attack, "DESCRIPTION:"+attack, "CATEGORIES:"+attack, "ATTACH;FMTTYPE=text/html:javascript:window.pwned=1", "END:VJOURNAL"), noon},
		{dates, "attack", "", calendar("BEGIN:VEVENT", "UID:a", "SUMMARY:"+attack, "LOCATION:"+attack, "DESCRIPTION:"+attack, "DTSTART;TZID="+`"<b>"`+":20250107T193000", "RRULE:FREQ=<b>;COUNT=-1", "URL:javascript:window.pwned=1", "END:VEVENT"), noon},
		{dates, "broken", "<i>broken</i>", []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"), noon},
	}
	return append(files, deep(1000)...)
}

// deep are notes whose marks are nested or left open n times.
func deep(n int) (files []file) {
	for i, mark := range []string{"> ", "[", "*a ", "![](", "- ", "<a "} {
		files = append(files, file{memos, fmt.Sprintf("deep %d.md", i), "", []byte(strings.Repeat(mark, n)), june})
	}
	return files
}

// also is data with something behind its end, which makes it another content.
func also(data []byte, tail string) []byte { return slices.Concat(data, []byte(tail)) }

const hostileNote = `# Title <script>window.pwned=1</script>

<script>window.pwned=1</script>
<img src=x onerror=window.pwned=1>
<style>body{display:none}</style>

![tracker](https://tracker.example/pixel.png) ![proto](//tracker.example/pixel.png)
![svg](evil.svg) ![page](evil.png) ![up](../../../../../../etc/passwd) ![up2](..%2f..%2f..%2fetc/passwd)
![data](data:image/svg+xml;base64,AAAA) ![js](javascript:window.pwned=1)

[js](javascript:window.pwned=1) [coded](&#106;avascript:window.pwned=1) [tab](java&#9;script:window.pwned=1)
[data](data:text/html,<script>window.pwned=1</script>) [file](file:///etc/passwd) [page](evil.html) [ref]
<javascript:window.pwned=1> <https://example.org/?q="onmouseover=window.pwned=1">
[vb](vbscript:x) [good](https://example.org/)

[ref]: javascript:window.pwned=1

| left | right |
|:-----|------:|
| a    | b     |
`

var (
	linked  = regexp.MustCompile(`<(a|img|link|script|iframe|form|object|embed|base|meta)\b[^>]*?\s(href|src|action|data|content)="([^"]*)"`)
	handler = regexp.MustCompile(`<[a-z][^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*\s(on[a-z]+|style|srcdoc)\s*=`)
)

// pages are the names of everything that was written to look at.
func (c *copied) pages() []string {
	c.t.Helper()
	names, err := filepath.Glob(filepath.Join(c.dir, "export", "view", "*.html"))
	if err != nil || len(names) == 0 {
		c.t.Fatal(names, err)
	}
	list := []string{"index.html"}
	for _, n := range names {
		list = append(list, "export/view/"+filepath.Base(n))
	}
	return list
}

// TestHostile: nothing that comes from the account is anything but text, and each
// link leads to a page of ours, a preview, a picture of the copy or, in a note, to
// the web.
func TestHostile(t *testing.T) {
	c := newCopy(t)
	c.put(append(hostile(t), aLife(t)...)...)
	c.fold(bag.Failure{Key: source.Key{Ref: photos, ID: attack}, Name: attack, Reason: attack, Detail: attack, At: noon})
	c.write()
	for _, name := range c.pages() {
		page := c.read(name)
		if n := strings.Count(page, "<script"); name == "index.html" && n != 2 || name != "index.html" && n != 1 {
			t.Errorf("%s has %d scripts", name, n)
		}
		if m := handler.FindStringSubmatch(page); m != nil {
			t.Errorf("%s has an attribute %s: %.300q", name, m[1], m[0])
		}
		for _, m := range linked.FindAllStringSubmatch(page, -1) {
			if m[1] != "meta" {
				c.checkLink(name, m[1], html.UnescapeString(m[3]))
			}
		}
	}
	all := ""
	for _, name := range c.pages() {
		all += c.read(name)
	}
	for _, want := range []string{"Tracked", "[picture: tracker https://tracker.example/pixel.png]", "picture.html", "2 other files lie among the photos", "&lt;script&gt;window.pwned=1&lt;/script&gt;"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is shown nowhere", want)
		}
	}
}

func (c *copied) checkLink(page, tag, target string) {
	c.t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		c.t.Errorf("%s: %s leads to %q: %v", page, tag, target, err)
		return
	}
	if u.Scheme != "" || u.Host != "" {
		if tag != "a" || !strings.HasPrefix(page, "export/view/notes-") || u.Scheme != "https" {
			c.t.Errorf("%s: %s leads to %q", page, tag, target)
		}
		return
	}
	if u.Path == "" && u.Fragment != "" {
		return
	}
	at := path.Join(path.Dir(page), u.Path)
	if _, err := os.Stat(filepath.Join(c.dir, at)); err != nil {
		c.t.Errorf("%s: %s leads to %q, which is not there", page, tag, target)
	}
	switch ext := strings.ToLower(path.Ext(at)); {
	case strings.HasPrefix(at, "data/"):
		if ext != ".jpg" && ext != ".png" || strings.Contains(at, "evil") || strings.Contains(at, "page.jpg") || strings.Contains(at, "swapped") {
			c.t.Errorf("%s: %s leads to %q", page, tag, target)
		}
	case at != "index.html" && !strings.HasPrefix(at, "export/view/") && !strings.HasPrefix(at, "export/previews/"):
		c.t.Errorf("%s: %s leads to %q", page, tag, target)
	}
}

// TestDeep: no note takes more than a moment, however it is nested.
func TestDeep(t *testing.T) {
	c := newCopy(t)
	c.put(deep(4_000)...)
	began := time.Now()
	if c.write(); time.Since(began) > 30*time.Second {
		t.Errorf("it took %v", time.Since(began))
	}
}

// TestHostileLists: what stands in the copy's lists leads nowhere outside it.
func TestHostileLists(t *testing.T) {
	c := newCopy(t)
	c.put(aLife(t)...)
	c.write()
	lines := `{"dataset":"photos","source":"x","id":"1","path":"data/../../../etc/passwd","size":1,"sha256":"` + strings.Repeat("a", 64) + `","state":"copied"}
{"dataset":"photos","source":"x","id":"2","path":"data/photos/gone.jpg","size":1,"sha256":"` + strings.Repeat("b", 64) + `","state":"copied"}
{"dataset":"contacts","source":"x","id":"3","path":"data/contacts/x/gone.vcf","size":1,"sha256":"` + strings.Repeat("c", 64) + `","state":"copied"}
nonsense
`
	appendTo(t, filepath.Join(c.dir, "items.jsonl"), lines)
	appendTo(t, filepath.Join(c.dir, "failures.jsonl"), "nonsense\n")
	appendTo(t, filepath.Join(c.dir, "export/view/photos.jsonl"), `{"sha256":"`+strings.Repeat("b", 64)+`","taken":"0001-01-01T00:00:00Z","format":"<b>","preview":"full"}`+"\n"+strings.Repeat("x", 10_000))
	r := c.write()
	if r.Unread != 2 {
		t.Errorf("%+v, want two files that cannot be read", r)
	}
	all := c.read("index.html") + c.read("export/view/photos-1.html")
	if strings.Contains(all, "passwd") {
		t.Error("a path outside the copy is shown")
	}
	for _, want := range []string{"gone.jpg", "A thing whose name is not known", "1 thing", "2 files of the copy could not be read"} {
		if !strings.Contains(all, want) && !strings.Contains(all, strings.ToLower(want[:1])+want[1:]) {
			t.Errorf("%q is not said", want)
		}
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// TestEmpty: a copy without anything says so.
func TestEmpty(t *testing.T) {
	c := newCopy(t)
	c.fold()
	if r := c.write(); r.Outcome != viewer.Complete || r.Pages != 0 {
		t.Errorf("%+v", r)
	}
	if index := c.read("index.html"); !strings.Contains(index, "There is nothing in it yet.") || !strings.Contains(index, "Nothing is in this copy.") {
		t.Error("index.html does not say that the copy is empty")
	}
}
