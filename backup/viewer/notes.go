package viewer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

const (
	// maxMarkdown is the longest note that is rendered, bytes; a longer one is
	// shown as it is written.
	maxMarkdown = 32 << 10
	// maxRendering is how long notes are rendered in all; marks that are nested on
	// purpose take a time that grows with their square. The rest is shown as it is
	// written.
	maxRendering = 20 * time.Second
	// maxNote is how much of a note is shown, bytes. The rest is in its file.
	maxNote = 256 << 10
	// maxWords is how much of a note is searched, bytes.
	maxWords = 3000
)

// note is a note as it is shown.
type note struct {
	ID       string
	Title    string
	Date     string
	at       time.Time
	HTML     template.HTML // rendered, or empty
	Text     string        // as it is written, where it is not rendered
	Words    string        // for searching and the overview
	Tags     []string
	Attached []string // names
	Cut      bool     // the rest is in its file
	Bare     bool     // its text is in its file alone, for there are very many notes
	Path     string
	Broken   bool
	Books    []string
	page     int
}

// bare leaves a note its title: what all notes say may be more than can be held.
func (n *note) bare() {
	n.Bare, n.HTML, n.Text, n.Words, n.Cut = true, "", "", "", false
	n.Title = strings.Clone(n.Title) // it may be a part of the text
}

// notes reads the notes of the copy, the newest first. A note that several places
// hold alike is shown once. Beyond [Options.NoteText] the oldest keep their titles
// alone.
func (w *writer) notes(ctx context.Context) ([]note, error) {
	var list []note
	at := map[[32]byte]int{}
	files := map[string]bool{}
	items := w.held.items[source.Notes]
	began, held := w.o.Now(), 0
	for i := range items {
		files[items[i].path] = true
	}
	slices.SortStableFunc(items, func(a, b item) int { return b.mod.Compare(a.mod) })
	for i := range items {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		it := &items[i]
		read, ok := noteForms[strings.ToLower(path.Ext(it.path))]
		if !ok || textBeside(it.path, files) {
			continue
		}
		raw, ok := w.readAll(it.path, source.MaxNote)
		if !ok {
			continue
		}
		n := note{Title: strings.TrimSuffix(it.shown(), path.Ext(it.shown())), at: it.mod.In(w.o.Zone), Path: it.path}
		if w.o.Now().Sub(began) > maxRendering {
			read = plainForm(read, it.path)
		}
		read(&n, raw, func(target string) string { return w.noteImage(it.path, target, files) })
		sum := digest(n.Title, string(n.HTML), n.Text)
		if i, again := at[sum]; again {
			list[i].Books = appendNew(list[i].Books, book(it.path))
			continue
		}
		at[sum] = len(list)
		if held += len(n.HTML) + len(n.Text) + len(n.Words); held > w.o.NoteText {
			n.bare()
			w.bareNotes++
		}
		n.Books = []string{book(it.path)}
		if !n.at.IsZero() {
			n.Date = n.at.Format(dayForm)
		}
		list = append(list, n)
	}
	slices.SortStableFunc(list, func(a, b note) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Path, b.Path))
	})
	for i := range list {
		list[i].ID = fmt.Sprintf("n%d", i+1)
	}
	return list, nil
}

// noteForms are the files that are notes; others lie beside one.
var noteForms = map[string]func(n *note, raw []byte, image func(string) string){
	".md": readMarkdown, ".markdown": readMarkdown, ".txt": readText, ".ics": readMemo, ".note": readXML,
}

// textBeside reports whether the text that was made of a program's own form of a
// note lies beside it.
func textBeside(p string, files map[string]bool) bool {
	ext := path.Ext(p)
	return strings.EqualFold(ext, ".note") && files[strings.TrimSuffix(p, ext)+".md"]
}

// plainForm is the way to read a note of this name without rendering it.
func plainForm(read func(*note, []byte, func(string) string), p string) func(*note, []byte, func(string) string) {
	if strings.HasPrefix(strings.ToLower(path.Ext(p)), ".m") { // .md, .markdown
		return readText
	}
	return read
}

// noteImage is where a picture that a note shows lies, as a link from a page, or
// "" where the copy has none that a browser may be given.
func (w *writer) noteImage(from, target string, files map[string]bool) string {
	at := path.Join(path.Dir(from), target)
	if path.IsAbs(target) || !files[at] {
		return ""
	}
	f, err := w.b.Root().Open(at)
	if err != nil {
		w.report.Unread++
		return ""
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := f.ReadAt(head, 0) // what cannot be read is of no format
	if !opens(at, sniff(head[:n])) {
		return ""
	}
	return link(fromPage, at)
}

func readMarkdown(n *note, raw []byte, image func(string) string) {
	raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	if len(raw) > maxMarkdown {
		readText(n, raw, image)
		return
	}
	out, title, plain, err := renderMarkdown(raw, image)
	if err != nil {
		readText(n, raw, image)
		return
	}
	if title != "" {
		n.Title = title
	}
	n.HTML, n.Words = out, plain
}

func readText(n *note, raw []byte, _ func(string) string) {
	n.Cut = len(raw) > maxNote
	n.Text = strings.TrimSpace(strings.ToValidUTF8(string(raw[:min(len(raw), maxNote)]), "\ufffd"))
	n.Words = cut(strings.Join(strings.Fields(cut(n.Text, 2*maxWords)), " "), maxWords)
}

func readMemo(n *note, raw []byte, image func(string) string) {
	m, err := source.ParseMemo(raw)
	if err != nil {
		n.Broken = true
		return
	}
	n.Title = cmp.Or(cut(m.Title, 300), n.Title)
	n.Tags = m.Categories[:min(len(m.Categories), 20)]
	if !m.Date.IsZero() {
		n.at = m.Date
	}
	for _, a := range m.Attachments[:min(len(m.Attachments), 50)] {
		n.Attached = append(n.Attached, cut(a.Name, 200))
	}
	readText(n, []byte(m.Body), image)
}

// readXML reads a note of GNOME Notes or Tomboy: its text without its form.
func readXML(n *note, raw []byte, image func(string) string) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = false
	var text, title strings.Builder
	within := ""
	for {
		token, err := d.Token()
		if err != nil {
			break // what was read until here is shown
		}
		switch t := token.(type) {
		case xml.StartElement:
			if name := t.Name.Local; name == "title" || name == "text" {
				within = name
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "title", "text":
				within = ""
			case "div", "p", "br", "li":
				text.WriteByte('\n')
			}
		case xml.CharData:
			switch within {
			case "title":
				title.Write(t)
			case "text":
				text.Write(t)
			}
		}
		if text.Len() > maxNote {
			break
		}
	}
	n.Title = cmp.Or(cut(strings.TrimSpace(title.String()), 300), n.Title)
	if text.Len() == 0 {
		n.Broken = true
		return
	}
	readText(n, []byte(text.String()), image)
}
