package stores

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/sqliteread"
)

// calendar is one calendar in a database of several.
type calendar struct {
	at     string
	id     string // "" is every one of them
	folder string // in the copy
	unsent bool   // only what the server was not told
}

// What the column offline_journal says of an item. Source: calIChangeLog.idl.
const (
	journalCreated  = 1
	journalModified = 2
)

// object is one event or task with the occurrences that differ from it.
type object struct {
	cal, id string
	parts   []*part
	unsent  bool
	err     error
}

// part is one row of events or tasks.
type part struct {
	event   bool
	row     map[string]value
	lines   []property // of cal_properties
	strings []string   // whole lines: attendees, recurrences, attachments, relations
	alarms  []string
}

// property is one of cal_properties with its parameters.
type property struct {
	name   string
	value  value
	params []param
}

type param struct{ name, value string }

// value is one of a column, a text or a number.
type value struct {
	text   string
	number int64
	is     kind
}

type kind int

const (
	isNull kind = iota
	isText
	isNumber
)

func valueOf(r sqliteread.Row, i int) (value, error) {
	if r.Null(i) {
		return value{}, nil
	}
	if n, err := r.Int(i); err == nil {
		return value{number: n, is: isNumber}, nil
	}
	s, err := r.Text(i)
	return value{text: s, is: isText}, err
}

func (c *calendar) list(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		objects, err := c.read(ctx)
		if err != nil {
			yield(dataset.Incomplete(ref, inUse(err)))
			return
		}
		for _, o := range objects {
			if c.unsent && !o.unsent {
				continue
			}
			it := dataset.Made(ref, o.cal+"/"+o.id, o.title(), c.folder, ".ics", o.ics())
			var failed error
			if o.err != nil {
				failed = &source.Failed{Item: it, Reason: source.Unreadable, Err: o.err}
			}
			if !yield(it, failed) {
				return
			}
		}
	}
}

// inUse says what to do where Thunderbird has a database for itself.
func inUse(err error) error {
	if errors.Is(err, sqliteread.ErrBusy) {
		return fmt.Errorf("a running Thunderbird keeps it to itself; close Thunderbird, then look again: %w", err)
	}
	return err
}

// reading is what is being read of a database.
type reading struct {
	calendar *calendar
	byID     map[string]*object
	byPart   map[string]*part
	order    []*object
}

// key names a row of events or tasks in the tables beside.
func key(cal, id string, recurrence value) string {
	return fmt.Sprintf("%s\x00%s\x00%d", cal, id, recurrence.number)
}

// read takes the database as it is now.
func (c *calendar) read(ctx context.Context) (_ []*object, err error) {
	s, err := sqliteread.Open(ctx, c.at, sqliteread.Limits{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	tables, err := s.Tables(ctx)
	if err != nil || len(tables) == 0 {
		return nil, err // Thunderbird makes the file before the tables
	}
	r := reading{calendar: c, byID: make(map[string]*object), byPart: make(map[string]*part)}
	for _, table := range []string{"cal_events", "cal_todos"} {
		if err := r.items(ctx, s, table); err != nil {
			return nil, err
		}
	}
	if err := r.properties(ctx, s); err != nil {
		return nil, err
	}
	for _, table := range []string{"cal_attendees", "cal_recurrence", "cal_attachments", "cal_relations", "cal_alarms"} {
		if err := r.strings(ctx, s, table, slices.Contains(tables, table)); err != nil {
			return nil, err
		}
	}
	return r.order, ctx.Err()
}

// items reads the rows of events or tasks.
func (r *reading) items(ctx context.Context, s *sqliteread.Snapshot, table string) error {
	columns, err := s.Columns(ctx, table)
	if err != nil {
		return err
	}
	return s.Read(ctx, table, columns, func(row sqliteread.Row) error {
		p := &part{event: table == "cal_events", row: make(map[string]value)}
		var bad error
		for i, name := range columns {
			v, err := valueOf(row, i)
			bad = errors.Join(bad, err)
			p.row[name] = v
		}
		cal, id := p.row["cal_id"].text, p.row["id"].text
		if r.calendar.id != "" && cal != r.calendar.id {
			return nil
		}
		if err := errNoName(id); err != nil {
			return err
		}
		o := r.byID[cal+"\x00"+id]
		if o == nil {
			o = &object{cal: cal, id: id}
			r.byID[cal+"\x00"+id] = o
			r.order = append(r.order, o)
		}
		o.parts, o.err = append(o.parts, p), errors.Join(o.err, bad)
		journal := p.row["offline_journal"].number
		o.unsent = o.unsent || journal == journalCreated || journal == journalModified
		r.byPart[key(cal, id, p.row["recurrence_id"])] = p
		return nil
	})
}

// properties reads what the columns of a row have no place for.
func (r *reading) properties(ctx context.Context, s *sqliteread.Snapshot) error {
	at := make(map[string]int)
	err := s.Read(ctx, "cal_properties", []string{"cal_id", "item_id", "recurrence_id", "key", "value"}, func(row sqliteread.Row) error {
		p, o, err := r.of(row)
		if p == nil {
			return err
		}
		name, err := row.Text(3)
		v, verr := valueOf(row, 4)
		o.err = errors.Join(o.err, err, verr)
		at[fmt.Sprintf("%p\x00%s", p, name)] = len(p.lines)
		p.lines = append(p.lines, property{name: name, value: v})
		return nil
	})
	if err != nil {
		return err
	}
	// Calendars of before version 5 have no such table.
	return sqliteread.IfThere(s.Read(ctx, "cal_parameters", []string{"cal_id", "item_id", "recurrence_id", "key1", "key2", "value"}, func(row sqliteread.Row) error {
		p, o, err := r.of(row)
		if p == nil {
			return err
		}
		name, err := row.Text(3)
		key, kerr := row.Text(4)
		v, verr := valueOf(row, 5)
		o.err = errors.Join(o.err, err, kerr, verr)
		if i, ok := at[fmt.Sprintf("%p\x00%s", p, name)]; ok && v.is == isText {
			p.lines[i].params = append(p.lines[i].params, param{key, v.text})
		}
		return nil
	}))
}

// of is the row that one of the tables beside is about; nil for none.
func (r *reading) of(row sqliteread.Row) (*part, *object, error) {
	var cal, id string
	err := row.Scan(&cal, &id)
	recurrence, rerr := valueOf(row, 2)
	if err := errors.Join(err, rerr); err != nil {
		return nil, nil, err
	}
	return r.byPart[key(cal, id, recurrence)], r.byID[cal+"\x00"+id], nil
}

// strings reads a table of whole lines.
func (r *reading) strings(ctx context.Context, s *sqliteread.Snapshot, table string, there bool) error {
	if !there {
		return nil
	}
	columns := []string{"cal_id", "item_id", "recurrence_id", "icalString"}
	if table == "cal_recurrence" {
		columns[2] = "icalString" // it is of the whole
	}
	return s.Read(ctx, table, columns, func(row sqliteread.Row) error {
		p, o, err := r.of(row)
		if table == "cal_recurrence" {
			var cal, id string
			err = row.Scan(&cal, &id)
			p, o = r.byPart[key(cal, id, value{})], r.byID[cal+"\x00"+id]
		}
		if p == nil {
			return err
		}
		text, err := row.Text(3)
		o.err = errors.Join(o.err, err)
		if table == "cal_alarms" {
			p.alarms = append(p.alarms, text)
		} else {
			p.strings = append(p.strings, text)
		}
		return nil
	})
}
