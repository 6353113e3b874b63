package viewer

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders notes. Raw HTML in a note is left out (goldmark's default).
// Alignment goes into an attribute: the page allows no styles of a note's own.
var markdown = goldmark.New(goldmark.WithExtensions(
	extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
	extension.Strikethrough, extension.TaskList))

// renderMarkdown renders a note; title is its first heading, which is not
// rendered again; plain is its first words, for searching. image gives the link for a picture that the note shows, "" for
// one that is not to be shown.
func renderMarkdown(raw []byte, image func(string) string) (out template.HTML, title, plain string, err error) {
	tame := &tame{raw: raw, image: image}
	err = guarded(func() error {
		doc := markdown.Parser().Parse(text.NewReader(raw), parser.WithContext(parser.NewContext()))
		if err := tame.walk(doc); err != nil {
			return err
		}
		var buf bytes.Buffer
		if err := markdown.Renderer().Render(&buf, raw, doc); err != nil {
			return err
		}
		plain = words(doc, raw, maxWords)
		out = template.HTML(buf.String()) //nolint:gosec // goldmark without raw HTML, and every link and picture judged above
		return nil
	})
	if err != nil {
		return "", "", "", fmt.Errorf("cannot render the note: %w", err)
	}
	return out, cut(tame.title, 300), plain, nil
}

// tame changes a note's tree so that it fits into a page and leads nowhere
// unexpected.
type tame struct {
	raw   []byte
	image func(string) string
	title string
}

func (t *tame) walk(doc ast.Node) error {
	var gone []ast.Node
	first := true
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if first && n.Level == 1 && n.Parent() == doc {
				if t.title = words(n, t.raw, 300); t.title != "" {
					gone = append(gone, n)
				}
			}
			n.Level = min(6, n.Level+2)
		case *ast.Link:
			if outside(n.Destination) {
				n.SetAttributeString("rel", []byte("noopener noreferrer"))
			} else {
				t.unlink(n, &gone, "")
			}
		case *ast.AutoLink:
			if n.AutoLinkType != ast.AutoLinkURL || !outside(n.URL(t.raw)) {
				gone = append(gone, n)
				n.Parent().InsertBefore(n.Parent(), n, ast.NewString(n.Label(t.raw)))
			} else {
				n.SetAttributeString("rel", []byte("noopener noreferrer"))
			}
		case *ast.Image:
			t.picture(n, &gone)
			return ast.WalkSkipChildren, nil
		}
		if n.Kind() != ast.KindDocument {
			first = false
		}
		return ast.WalkContinue, nil
	})
	for _, n := range gone {
		if p := n.Parent(); p != nil {
			p.RemoveChild(p, n)
		}
	}
	return err
}

// outside reports whether a link leads to the web. A person may follow it;
// nothing is fetched before. All others show as text.
func outside(target []byte) bool {
	u, err := url.Parse(string(target))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// unlink puts the words of a link in its place.
func (t *tame) unlink(n ast.Node, gone *[]ast.Node, said string) {
	if said == "" {
		said = words(n, t.raw, 1000)
	}
	n.Parent().InsertBefore(n.Parent(), n, ast.NewString([]byte(said)))
	*gone = append(*gone, n)
}

func (t *tame) picture(n *ast.Image, gone *[]ast.Node) {
	target := string(n.Destination)
	if u, err := url.Parse(target); err == nil && u.Scheme == "" && u.Host == "" {
		if at := t.image(u.Path); at != "" {
			n.Destination = []byte(at)
			n.SetAttributeString("loading", []byte("lazy"))
			return
		}
	}
	t.unlink(n, gone, "["+strings.TrimSpace("picture: "+words(n, t.raw, 300)+" "+cut(string(util.URLEscape(n.Destination, false)), 200))+"]")
}

// words is the text beneath a node, about limit bytes of it at most.
func words(n ast.Node, raw []byte, limit int) string {
	var b strings.Builder
	err := ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if b.Len() > limit {
			return ast.WalkStop, nil
		}
		switch c := c.(type) {
		case *ast.Text:
			if entering {
				b.Write(c.Segment.Value(raw))
			}
			if c.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			if entering {
				b.Write(c.Value)
			}
		default:
			if c.Type() == ast.TypeBlock || c.Kind() == east.KindTableCell {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return ""
	}
	return cut(strings.Join(strings.Fields(b.String()), " "), limit)
}
