package album

import (
	"context"
	"errors"
	"slices"

	"github.com/clearance-project/clearance/platform/sqliteread"
)

// Row is one row of a table: its texts and whole numbers.
type Row map[string]any

// Text is a column's text, "" where it is none.
func (r Row) Text(column string) string {
	s, _ := r[column].(string) // else none
	return s
}

// Int is a column's number, 0 where it is none.
func (r Row) Int(column string) int64 {
	n, _ := r[column].(int64) // else none
	return n
}

// Rows hands each row of a table to take. Columns that the table lacks have no
// value; a table that is not there has no rows, unless it is needed.
func Rows(ctx context.Context, s *sqliteread.Snapshot, table string, needed bool, columns []string, take func(Row)) error {
	have, err := s.Columns(ctx, table)
	if errors.Is(err, sqliteread.ErrNoTable) && !needed {
		return nil
	}
	if err != nil {
		return err
	}
	columns = slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return !slices.Contains(have, c) })
	return s.Read(ctx, table, columns, func(r sqliteread.Row) error {
		row := make(Row, len(columns))
		for i, name := range columns {
			if r.Null(i) {
				continue
			}
			if n, err := r.Int(i); err == nil {
				row[name] = n
			} else if text, err := r.Text(i); err == nil {
				row[name] = text
			}
		}
		take(row)
		return nil
	})
}
