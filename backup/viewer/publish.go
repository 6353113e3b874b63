package viewer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
)

// How much stands on one page.
const (
	pageContacts = 500
	pageEvents   = 500
	pageNotes    = 100
	pageNoteText = 512 << 10 // bytes of notes
)

// pages is everything that is shown.
type pages struct {
	w          *writer
	months     []month
	photos     int
	contacts   []contact
	noteSheets [][]note
	notes      int
	events     []event
}

// pageName is the file name of a page.
func pageName(kind string, n int) string { return fmt.Sprintf("%s-%d.html", kind, n) }

// pageLink leads from index.html to a place on a page.
func pageLink(kind string, n int, id string) string {
	return "export/view/" + pageName(kind, n) + "#" + id
}

// publish writes the pages, then index.html, then removes pages of before.
func (w *writer) publish(ctx context.Context) error {
	p := &pages{w: w}
	var notes []note
	if err := w.readBooks(ctx, p, &notes); err != nil {
		return err
	}
	photos := w.photos()
	p.photos, p.months = len(photos), months(photos)
	p.notes, p.noteSheets = len(notes), noteSheets(notes)
	w.report.Photos = p.photos
	forms := newTemplates()
	written := map[string]bool{}
	for _, s := range p.sheets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.writePage(forms, s, written); err != nil {
			return err
		}
	}
	w.report.Pages = len(written)
	index := p.index()
	if err := w.b.WriteIndex(func(out io.Writer) error { return forms.index.ExecuteTemplate(out, "index", index) }); err != nil {
		return err
	}
	return w.sweep(written)
}

func (w *writer) readBooks(ctx context.Context, p *pages, notes *[]note) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.contacts, err = w.contacts(ctx); err != nil {
		return err
	}
	if *notes, err = w.notes(ctx); err != nil {
		return err
	}
	p.events, err = w.events(ctx)
	return err
}

// writePage writes a page where it is not what it was.
func (w *writer) writePage(forms templates, s *sheet, written map[string]bool) error {
	var out bytes.Buffer
	if err := forms.sheet.ExecuteTemplate(&out, "sheet", s); err != nil {
		return err
	}
	written[s.File] = true
	if w.unchanged("export/view/"+s.File, out.Bytes()) {
		return nil
	}
	w.report.Written++
	return w.b.WriteView("view/"+s.File, out.Bytes())
}

// unchanged reports whether a file holds exactly data. One that cannot be read is
// written anew, which then says why.
func (w *writer) unchanged(name string, data []byte) bool {
	f, err := w.b.Root().Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil || stat.Size != int64(len(data)) {
		return false
	}
	have, err := io.ReadAll(io.LimitReader(f, int64(len(data))+1))
	return err == nil && bytes.Equal(have, data)
}

// ownPage is the names of pages: nothing else is ever removed.
var ownPage = regexp.MustCompile(`^(photos|contacts|notes|calendar)-[0-9]+\.html$`)

// sweep removes pages that are no longer led to.
func (w *writer) sweep(written map[string]bool) error {
	names, err := w.b.Root().Names("export/view")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if ownPage.MatchString(name) && !written[name] {
			if err := w.b.RemoveView("view/" + name); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteSheets puts notes on pages.
func noteSheets(notes []note) (sheets [][]note) {
	start, size := 0, 0
	for i := range notes {
		n := len(notes[i].HTML) + len(notes[i].Text)
		if i > start && (i-start == pageNotes || size+n > pageNoteText) {
			sheets = append(sheets, notes[start:i])
			start, size = i, 0
		}
		size += n
		notes[i].page = len(sheets) + 1
	}
	if start < len(notes) {
		sheets = append(sheets, notes[start:])
	}
	return sheets
}

// number writes n with commas between thousands.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + more
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
