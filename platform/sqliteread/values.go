package sqliteread

import (
	"context"
	"errors"
	"math"
	"slices"
)

// Values is a row by its columns: texts (string), whole numbers (int64) and others
// (float64). A column that holds nothing has none.
type Values map[string]any

// Text is a column's text, "" where it is none.
func (v Values) Text(column string) string {
	s, _ := v[column].(string) // else none
	return s
}

// Int is a column's whole number, 0 where it is none.
func (v Values) Int(column string) int64 {
	n, _ := v[column].(int64) // else none
	return n
}

// Rows hands each row of an ordinary table to take, with the columns asked for, or
// all where columns is nil. A column that the table lacks has no value: versions of
// a program differ in them. ErrNoTable where the table is not there, see [IfThere].
// An error of take ends the reading and is returned.
func (s *Snapshot) Rows(ctx context.Context, table string, columns []string, take func(Values) error) error {
	have, err := s.Columns(ctx, table)
	if err != nil {
		return err
	}
	if columns != nil {
		have = slices.DeleteFunc(have, func(c string) bool { return !slices.Contains(columns, c) })
	}
	return s.Read(ctx, table, have, func(r Row) error {
		values := make(Values, len(have))
		for i, name := range have {
			if v := r.value(i); v != nil {
				values[name] = v
			}
		}
		return take(values)
	})
}

// IfThere is the error of reading a table that need not be there.
func IfThere(err error) error {
	if errors.Is(err, ErrNoTable) {
		return nil
	}
	return err
}

// value is column i as [Values] has it.
func (r Row) value(i int) any {
	if r.Null(i) {
		return nil
	}
	if n, err := r.Int(i); err == nil {
		return n
	}
	if text, err := r.Text(i); err == nil {
		return text
	}
	if f, ok := r.at(i).(float64); ok && !math.IsInf(f, 0) {
		return f
	}
	return nil
}
