package joplin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/platform/sqliteread"
)

// maxDepth of notebooks in one another.
const maxDepth = 8

// row is one row of a table: texts, numbers and nothing.
type row map[string]any

func (r row) text(column string) string {
	s, _ := r[column].(string) // else none
	return s
}

func (r row) number(column string) int64 {
	n, _ := r[column].(int64) // else none
	return n
}

// content is what a database holds.
type content struct {
	notes, resources []row
	books            map[string]row // by id
	tags             map[string][]string
}

// read takes the database as it is now.
func read(ctx context.Context, at string) (c content, err error) {
	s, err := sqliteread.Open(ctx, at, sqliteread.Limits{})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	c.books, c.tags = make(map[string]row), make(map[string][]string)
	titles := make(map[string]string)
	for _, t := range []struct {
		table string
		take  func(row)
	}{
		{"folders", func(r row) { c.books[r.text("id")] = r }},
		{"notes", func(r row) { c.notes = append(c.notes, r) }},
		{"resources", func(r row) { c.resources = append(c.resources, r) }},
		{"tags", func(r row) { titles[r.text("id")] = r.text("title") }},
		{"note_tags", func(r row) {
			if title := titles[r.text("tag_id")]; title != "" {
				c.tags[r.text("note_id")] = append(c.tags[r.text("note_id")], title)
			}
		}},
	} {
		if err := rows(ctx, s, t.table, t.take); err != nil {
			return c, err
		}
	}
	for id := range c.tags {
		slices.Sort(c.tags[id])
	}
	return c, nil
}

// rows reads a whole table.
func rows(ctx context.Context, s *sqliteread.Snapshot, table string, take func(row)) error {
	columns, err := s.Columns(ctx, table)
	if err != nil {
		return err
	}
	return s.Read(ctx, table, columns, func(r sqliteread.Row) error {
		all := make(row, len(columns))
		for i, name := range columns {
			if n, err := r.Int(i); err == nil && !r.Null(i) {
				all[name] = n
			} else if text, err := r.Text(i); err == nil && !r.Null(i) {
				all[name] = text
			}
		}
		if all.text("id") == "" && table != "note_tags" {
			return fmt.Errorf("an entry of %s has no id", table)
		}
		take(all)
		return nil
	})
}

// books are the titles of the notebooks that a note is in, the outermost first.
func (c *content) booksOf(note row) []string {
	var titles []string
	for id := note.text("parent_id"); id != "" && len(titles) < maxDepth; {
		book, ok := c.books[id]
		if !ok {
			break
		}
		titles = append(titles, book.text("title"))
		id = book.text("parent_id")
	}
	slices.Reverse(titles)
	return titles
}
