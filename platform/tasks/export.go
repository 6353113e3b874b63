package tasks

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/source"
)

// export writes, beside the copy itself, one file for each book to import
// elsewhere: contacts-<book>.vcf, calendar-<book>.ics, notes-<book>.md. They are
// made anew from the copy and are in no manifest.
func (w *Worker) export(b *bag.Bag) error {
	books, err := latest(b)
	if err != nil {
		return err
	}
	for at, files := range books {
		var failed error
		each := contents(b, files, &failed)
		dataset, name := path.Split(at)
		name = bag.Sanitise(name)
		switch strings.Trim(dataset, "/") {
		case string(source.Contacts):
			err = b.WriteExport("contacts-"+name+".vcf", func(w io.Writer) error {
				_, err := source.ExportContacts(w, each)
				return errors.Join(err, failed)
			})
		case string(source.Calendars):
			err = b.WriteExport("calendar-"+name+".ics", func(w io.Writer) error {
				_, err := source.ExportCalendar(w, name, each)
				return errors.Join(err, failed)
			})
		default:
			err = b.WriteExport("notes-"+name+".md", func(w io.Writer) error {
				return errors.Join(writeMemos(w, each), failed)
			})
		}
		if err != nil {
			return fmt.Errorf("cannot write the export of %s: %w", name, err)
		}
	}
	return nil
}

// latest are the newest versions of contacts, calendar objects and memos in the
// copy, by "dataset/book".
func latest(b *bag.Bag) (map[string][]string, error) {
	now := make(map[source.Key]string)
	var order []source.Key
	for r, err := range b.Items() {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(r.Source, "trash:") || r.State != bag.Copied {
			continue
		}
		ext := strings.ToLower(path.Ext(r.Path))
		if ext != ".vcf" && ext != ".ics" {
			continue
		}
		if _, ok := now[r.Key]; !ok {
			order = append(order, r.Key)
		}
		now[r.Key] = r.Path
	}
	books := make(map[string][]string)
	for _, k := range order {
		parts := strings.Split(now[k], "/") // data/<dataset>/<book>/…
		if len(parts) < 4 || (parts[1] != "contacts" && parts[1] != "calendars" && parts[1] != "notes") {
			continue
		}
		at := parts[1] + "/" + parts[2]
		books[at] = append(books[at], now[k])
	}
	return books, nil
}

// contents reads files of the copy, one after the other; the first error ends
// it and is left in failed.
func contents(b *bag.Bag, files []string, failed *error) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, at := range files {
			data, err := readAll(b, at)
			if err != nil {
				*failed = err
				return
			}
			if !yield(data) {
				return
			}
		}
	}
}

// writeMemos writes memos for reading. One that does not parse is in the copy.
func writeMemos(w io.Writer, each iter.Seq[[]byte]) error {
	for raw := range each {
		m, err := source.ParseMemo(raw)
		if err != nil {
			continue // listed as one that does not parse
		}
		if _, err := w.Write(append(m.Markdown(nil), '\n', '\n')); err != nil {
			return err
		}
	}
	return nil
}
