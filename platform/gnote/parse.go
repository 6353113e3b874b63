package gnote

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

const (
	maxDepth = 200 // of elements in one another
	maxTags  = 1000
)

// notebookTag begins the tag that puts a note into a notebook.
const notebookTag = "system:notebook:"

// note is one note, as far as a person reads it.
type note struct {
	title    string
	body     string // Markdown
	notebook string
	tags     []string
}

// parse reads a note's file.
func parse(raw []byte) (note, error) {
	if len(raw) > source.MaxNote {
		return note{}, source.ErrBeyondLimit
	}
	p := parser{dec: xml.NewDecoder(bytes.NewReader(raw))}
	p.dec.Entity = map[string]string{"nbsp": "\u00a0"}
	for {
		token, err := p.dec.Token()
		switch {
		case errors.Is(err, io.EOF) && !p.isNote:
			return note{}, errors.New("it is no note")
		case errors.Is(err, io.EOF):
			return p.finish(), nil
		case err != nil:
			return note{}, err
		}
		if err := p.take(token); err != nil {
			return note{}, err
		}
	}
}

type parser struct {
	dec    *xml.Decoder
	note   note
	path   []string // names of the open elements
	isNote bool
	text   strings.Builder // of a title or tag
	out    writer
	hrefs  []string // of the open links
}

func (p *parser) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(p.path) == maxDepth {
			return fmt.Errorf("more than %d elements in one another", maxDepth)
		}
		if len(p.path) == 0 {
			p.isNote = t.Name.Local == "note"
		}
		p.path = append(p.path, t.Name.Local)
		if p.inText() {
			p.begin(&t)
		} else {
			p.text.Reset()
		}
	case xml.EndElement:
		if p.inText() {
			p.end(t.Name.Local)
		} else {
			p.field(t.Name.Local)
		}
		p.path = p.path[:len(p.path)-1]
	case xml.CharData:
		switch {
		case p.inHead():
		case p.inText():
			p.out.text(string(t))
		default:
			p.text.Write(t)
		}
	}
	return nil
}

// inText reports whether what is read stands in the text of the note.
func (p *parser) inText() bool { return len(p.path) > 1 && p.path[1] == "text" }

// inHead reports whether it stands in the head of a page, where nobody reads it.
func (p *parser) inHead() bool {
	return slices.Contains(p.path, "head") || slices.Contains(p.path, "script") || slices.Contains(p.path, "style")
}

// field takes an element beside the text.
func (p *parser) field(name string) {
	text := strings.Join(strings.Fields(p.text.String()), " ")
	switch {
	case name == "title" && len(p.path) == 2:
		p.note.title = text
	case name == "tag" && strings.HasPrefix(text, notebookTag):
		p.note.notebook = strings.TrimPrefix(text, notebookTag)
	case name == "tag" && text != "" && !strings.HasPrefix(text, "system:") && len(p.note.tags) < maxTags:
		p.note.tags = append(p.note.tags, text)
	}
	p.text.Reset()
}

// marks are the ways to write in Markdown what an element means.
var marks = map[string]string{
	"bold": "**", "b": "**", "strong": "**", "italic": "*", "i": "*", "em": "*",
	"strikethrough": "~~", "strike": "~~", "s": "~~", "del": "~~", "monospace": "`", "code": "`", "tt": "`",
	"large": "**", "huge": "**", // sizes, where a headline stands
}

func (p *parser) begin(t *xml.StartElement) {
	switch name := t.Name.Local; name {
	case "list", "ul", "ol":
		p.out.depth++
	case "list-item", "li":
		p.out.item()
	case "br":
		p.out.text("\n")
	case "div", "p", "h1", "h2", "h3":
		p.out.line()
	case "a":
		p.hrefs = append(p.hrefs, attribute(t, "href"))
		p.out.raw("[")
	case "img":
		p.out.raw("![" + attribute(t, "alt") + "](<" + address(attribute(t, "src")) + ">)")
	case "internal":
		p.out.raw("[[")
	default:
		if mark := marks[name]; mark != "" {
			p.out.open(mark)
		}
	}
}

func (p *parser) end(name string) {
	switch name {
	case "list", "ul", "ol":
		p.out.depth = max(0, p.out.depth-1)
		p.out.line()
	case "list-item", "li", "div", "p", "h1", "h2", "h3":
		p.out.line()
	case "a":
		if n := len(p.hrefs); n > 0 {
			p.out.raw("](<" + address(p.hrefs[n-1]) + ">)")
			p.hrefs = p.hrefs[:n-1]
		}
	case "internal":
		p.out.raw("]]")
	default:
		if marks[name] != "" {
			p.out.close(marks[name])
		}
	}
}

func attribute(t *xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// address is a link's target as Markdown takes it between angle brackets.
func address(s string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "", "\r", "").Replace(s)
}

// finish ends the note. Its text begins with its title, in most.
func (p *parser) finish() note {
	n := p.note
	n.body = strings.Trim(p.out.String(), "\n")
	first, rest, _ := strings.Cut(n.body, "\n")
	if plain(first) == plain(n.title) {
		n.body = strings.TrimLeft(rest, "\n")
	}
	return n
}

// plain is a line without marks.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("*", "", `\`, "", "~", "", "`", "").Replace(s)), " ")
}

// markdown is the note for reading.
func (n *note) markdown() []byte {
	var b bytes.Buffer
	if n.title != "" {
		fmt.Fprintf(&b, "# %s\n\n", escape(n.title))
	}
	if n.body != "" {
		b.WriteString(n.body + "\n")
	}
	if n.notebook != "" {
		fmt.Fprintf(&b, "\nNotebook: %s\n", escape(n.notebook))
	}
	if len(n.tags) > 0 {
		fmt.Fprintf(&b, "\nTags: %s\n", escape(strings.Join(n.tags, ", ")))
	}
	return b.Bytes()
}
