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

// row is one row of a table.
type row = sqliteread.Values

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
		{"folders", func(r row) { c.books[r.Text("id")] = r }},
		{"notes", func(r row) { c.notes = append(c.notes, r) }},
		{"resources", func(r row) { c.resources = append(c.resources, r) }},
		{"tags", func(r row) { titles[r.Text("id")] = r.Text("title") }},
		{"note_tags", func(r row) {
			if title := titles[r.Text("tag_id")]; title != "" {
				c.tags[r.Text("note_id")] = append(c.tags[r.Text("note_id")], title)
			}
		}},
	} {
		err := s.Rows(ctx, t.table, nil, func(r row) error {
			if r.Text("id") == "" && t.table != "note_tags" {
				return fmt.Errorf("an entry of %s has no id", t.table)
			}
			t.take(r)
			return nil
		})
		if err != nil {
			return c, err
		}
	}
	for id := range c.tags {
		slices.Sort(c.tags[id])
	}
	return c, nil
}

// books are the titles of the notebooks that a note is in, the outermost first.
func (c *content) booksOf(note row) []string {
	var titles []string
	for id := note.Text("parent_id"); id != "" && len(titles) < maxDepth; {
		book, ok := c.books[id]
		if !ok {
			break
		}
		titles = append(titles, book.Text("title"))
		id = book.Text("parent_id")
	}
	slices.Reverse(titles)
	return titles
}
