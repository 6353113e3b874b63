package viewer

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// FuzzPicture: whatever a file holds, looking at it ends, and a preview is no
// larger than one may be.
func FuzzPicture(f *testing.F) {
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, image.NewRGBA(image.Rect(0, 0, 40, 30)), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(plain.Bytes())
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x02\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x4a\x01\x04\x00\x02\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00"))
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\xff\xff"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\x00\x00\x00eXIfII*\x00"))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8 Exif\x00\x00MM\x00*\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readPicture(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err) // memory can always be read
		}
		if p.config.Width*p.config.Height > 1<<22 {
			return // decoding it is right, and slow
		}
		if o := p.exif.orientation; o < 0 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		taken(p, "IMG_20240613_101500.jpg")
		for _, make := range []func() (image.Image, error){p.embedded, func() (image.Image, error) { return p.decode(t.Context()) }} {
			m, err := make()
			if err != nil {
				continue
			}
			data, err := tile(m, p.exif.orientation)
			if err != nil {
				t.Fatal(err)
			}
			c, err := jpeg.DecodeConfig(bytes.NewReader(data))
			if err != nil || min(c.Width, c.Height) > tileShort || max(c.Width, c.Height) > tileLong+1 {
				t.Fatalf("a preview of %d by %d: %v", c.Width, c.Height, err)
			}
		}
	})
}

// ours are the elements and attributes that a rendered note may have; an
// attribute's value holds no quotes, for they are escaped.
var ours = regexp.MustCompile(`^</?(p|br|hr|h[1-6]|ul|ol|li|em|strong|del|code|pre|blockquote|table|thead|tbody|tr|th|td|a|img|input)( [a-z]+="[^"<>]*")*( /)?>$`)

var element = regexp.MustCompile(`<[^>]*>`)

// FuzzMarkdown: whatever a note holds, what is rendered is made of harmless
// elements, leads to the web alone, and shows pictures of the copy alone.
func FuzzMarkdown(f *testing.F) {
	f.Add("# T\n\n[a](javascript:x) ![b](c.png) <b onclick=x> <https://example.org> `<i>`\n\n| a |\n|:-:|\n| b |\n\n1. x\n   - [ ] y\n")
	f.Add("[x]: java&#115;cript:alert(1)\n[x] [y](<data:text/html,a>) ![z](//h/p.png \"t\") ~~s~~\n```js\n</code>\n```\n")
	f.Add("[![in](a.png)](javascript:b) [*e* [n](x)](https://a/\"b) &lt;script&gt;")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		out, _, _, err := renderMarkdown([]byte(strings.ToValidUTF8(text, "")), func(target string) string {
			if target == "c.png" {
				return "../../data/notes/c.png"
			}
			return ""
		})
		if err != nil {
			t.Skip(err)
		}
		for _, e := range element.FindAllString(string(out), -1) {
			switch {
			case strings.HasPrefix(e, "<!--"):
				if e != "<!-- raw HTML omitted -->" {
					t.Fatalf("%q becomes %q", text, e)
				}
			case !ours.MatchString(e):
				t.Fatalf("%q becomes %q", text, e)
			case strings.HasPrefix(e, "<a ") && !strings.HasPrefix(e, `<a href="https://`) && !strings.HasPrefix(e, `<a href="http://`) && !strings.HasPrefix(strings.ToLower(e), `<a href="http`):
				t.Fatalf("%q leads to %q", text, e)
			case strings.HasPrefix(e, "<img") && !strings.HasPrefix(e, `<img src="../../data/notes/c.png"`):
				t.Fatalf("%q shows %q", text, e)
			}
		}
	})
}

// FuzzEntries: contacts, calendar entries and notes of every form end in
// something to show, within bounds.
func FuzzEntries(f *testing.F) {
	f.Add("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nTEL;TYPE=cell:1\r\nPHOTO;ENCODING=b:AAAA\r\nEND:VCARD\r\n")
	f.Add("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=x:20250101T000000\r\nRRULE:FREQ=DAILY;UNTIL=2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	f.Add("<note><title>a</title><text>b<div>c</text>")
	f.Fuzz(func(t *testing.T, text string) {
		w := &writer{o: Options{Budget: -1, Zone: time.UTC}, known: &memory{of: map[[32]byte]remembered{}}}
		c, err := w.contact(t.Context(), &item{path: "data/contacts/a/b.vcf"}, []byte(text))
		if err != nil || len(c.Fields) > maxCardFields || c.Initials == "" || c.Face != "" {
			t.Fatalf("%+v %v", c, err)
		}
		for _, e := range eventsOf([]byte(text), time.UTC) {
			if !e.Broken && (e.Title == "" || e.When == "") {
				t.Fatalf("%+v", e)
			}
		}
		for _, read := range noteForms {
			var n note
			read(&n, []byte(text), func(string) string { return "" })
			if len(n.Text) > maxNote+16 || len(n.Words) > maxWords+16 {
				t.Fatalf("%d bytes of text, %d of words", len(n.Text), len(n.Words))
			}
		}
	})
}

// TestAssets: the policy allows the script and the style sheet as they stand.
func TestAssets(t *testing.T) {
	for _, name := range []string{"assets/style.css", "assets/script.js"} {
		data, err := os.ReadFile(name)
		if err != nil || !strings.Contains(policy, sumOf(string(data))) {
			t.Errorf("%s is not allowed by %s: %v", name, policy, err)
		}
	}
}
