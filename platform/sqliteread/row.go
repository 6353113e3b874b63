package sqliteread

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Row is one row of a result, valid until the callback returns.
type Row struct{ values []driver.Value }

// Text returns column i as text; NULL is "". A blob is taken for text, as
// SQLite itself does; a number is ErrType.
func (r Row) Text(i int) (string, error) {
	switch v := r.at(i).(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	default:
		return "", fmt.Errorf("cannot read column %d as text: %w: %T", i, ErrType, v)
	}
}

// Bytes returns a copy of column i; NULL is nil.
func (r Row) Bytes(i int) ([]byte, error) {
	switch v := r.at(i).(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case []byte:
		return append([]byte(nil), v...), nil
	default:
		return nil, fmt.Errorf("cannot read column %d as bytes: %w: %T", i, ErrType, v)
	}
}

// Int returns column i as a whole number; NULL is 0. The driver turns
// columns declared as a date or a boolean into those: a date is given as
// Unix seconds, a boolean as 0 or 1.
func (r Row) Int(i int) (int64, error) {
	switch v := r.at(i).(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case time.Time:
		return v.Unix(), nil
	default:
		return 0, fmt.Errorf("cannot read column %d as a number: %w: %T", i, ErrType, v)
	}
}

// Scan reads the first columns, one for each of to: a *string as Text does, an
// *int64 as Int does. ErrType for the first that is of another type.
func (r Row) Scan(to ...any) error {
	for i, p := range to {
		var err error
		switch p := p.(type) {
		case *string:
			*p, err = r.Text(i)
		case *int64:
			*p, err = r.Int(i)
		default:
			err = fmt.Errorf("cannot read column %d into a %T: %w", i, p, ErrType)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Null tells whether column i is NULL.
func (r Row) Null(i int) bool { return r.at(i) == nil }

func (r Row) at(i int) driver.Value {
	if i < 0 || i >= len(r.values) {
		return fmt.Errorf("no column %d", i)
	}
	return r.values[i]
}
