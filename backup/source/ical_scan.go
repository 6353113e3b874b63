package source

import (
	"bytes"
	"fmt"
	"strings"
)

// calendarPiece is one VCALENDAR of a stream, or a run of bare components.
type calendarPiece struct {
	raw        []byte
	start      int // of raw in the stream
	bare       bool
	stray      bool   // lines outside every component
	properties []byte // the calendar's own lines, as they stand
	parts      []component
	err        error // the piece cannot be taken apart

	zoneByID map[string]*component
}

// component is one part of a calendar, with its bytes.
type component struct {
	raw          []byte
	name         string // upper case
	uid, summary string
	tzid         string   // of a VTIMEZONE
	tzids        []string // that its properties refer to, in order, with repeats
}

// calendarScan finds calendars and components in a stream by BEGIN and END.
// Positions are offsets in raw.
type calendarScan struct {
	raw    []byte
	pieces []calendarPiece
	open   []string // components begun and not ended, outermost first
	part   int      // where the open component starts
	err    *ParseError
	total  int
}

// scanCalendar gives the pieces of a stream. Its error wraps [ErrBeyondLimit].
func scanCalendar(raw []byte) ([]calendarPiece, error) {
	s := calendarScan{raw: raw}
	pos := len(raw) - len(bytes.TrimPrefix(raw, utf8BOM))
	for l := range contentLines(raw) {
		end := pos + len(l.raw)
		if err := s.line(&l, pos, end); err != nil {
			return nil, err
		}
		pos = end
	}
	if len(s.open) > 0 {
		s.fail(0, s.open[len(s.open)-1]+" does not end")
		s.close(len(raw))
	}
	return s.pieces, nil
}

func (s *calendarScan) fail(line int, reason string) {
	if s.err == nil {
		s.err = &ParseError{Format: "iCalendar", Line: line, Reason: reason, Err: ErrMalformed}
	}
}

func (s *calendarScan) line(l *contentLine, pos, end int) error {
	switch {
	case l.ok && l.name == "BEGIN":
		return s.begin(l, pos)
	case len(s.open) == 0:
		if !l.blank() {
			s.stray(l, pos, end)
		}
	case l.ok && l.name == "END":
		s.end(l, end)
	default:
		s.property(l, pos, end)
	}
	return nil
}

func (s *calendarScan) begin(l *contentLine, pos int) error {
	name := strings.ToUpper(string(bytes.TrimSpace(l.value)))
	if len(s.open) > 0 && name == "VCALENDAR" { // a calendar that was cut off
		s.fail(l.number, s.open[len(s.open)-1]+" does not end")
		s.close(pos)
	}
	if len(s.open) >= maxNesting {
		return &ParseError{Format: "iCalendar", Line: l.number, Reason: "nested too deep", Err: ErrBeyondLimit}
	}
	if len(s.open) == 0 {
		s.openPiece(name, pos)
	}
	s.open = append(s.open, name)
	if len(s.open) == 2 {
		s.part = pos
		p := &s.pieces[len(s.pieces)-1]
		p.parts = append(p.parts, component{name: name})
		if s.total++; s.total > maxObjects {
			return &ParseError{Format: "iCalendar", Reason: fmt.Sprintf("more than %d components", maxObjects), Err: ErrBeyondLimit}
		}
	}
	return nil
}

// openPiece begins a calendar. Bare components that follow each other are one
// piece, within a calendar that is only thought of.
func (s *calendarScan) openPiece(name string, pos int) {
	if name == "VCALENDAR" {
		s.pieces = append(s.pieces, calendarPiece{start: pos})
		return
	}
	s.open = append(s.open, "")
	if n := len(s.pieces); n > 0 && s.pieces[n-1].bare && s.pieces[n-1].err == nil {
		return
	}
	s.pieces = append(s.pieces, calendarPiece{bare: true, start: pos})
}

func (s *calendarScan) end(l *contentLine, end int) {
	innermost := s.open[len(s.open)-1]
	if !l.is("END", innermost) {
		s.fail(l.number, fmt.Sprintf("END of %.40q within %s", l.value, innermost))
	}
	if len(s.open) == 2 {
		p := &s.pieces[len(s.pieces)-1]
		p.parts[len(p.parts)-1].raw = s.raw[s.part:end]
	}
	s.open = s.open[:len(s.open)-1]
	if len(s.open) == 0 || len(s.open) == 1 && s.open[0] == "" {
		s.close(end)
	}
}

// close ends the open piece.
func (s *calendarScan) close(end int) {
	p := &s.pieces[len(s.pieces)-1]
	p.raw = s.raw[p.start:end]
	if s.err != nil {
		p.err = s.err
	}
	s.open, s.err = nil, nil
}

// stray keeps lines outside every component as a piece of their own.
func (s *calendarScan) stray(l *contentLine, pos, end int) {
	if n := len(s.pieces); n > 0 && s.pieces[n-1].stray && s.pieces[n-1].start+len(s.pieces[n-1].raw) == pos {
		s.pieces[n-1].raw = s.raw[s.pieces[n-1].start:end]
		return
	}
	s.pieces = append(s.pieces, calendarPiece{raw: s.raw[pos:end], start: pos, stray: true, err: &ParseError{
		Format: "iCalendar", Line: l.number, Reason: "outside a calendar", Err: ErrMalformed}})
}

func (s *calendarScan) property(l *contentLine, pos, end int) {
	p := &s.pieces[len(s.pieces)-1]
	if len(s.open) == 1 {
		p.properties = append(p.properties, s.raw[pos:end]...)
		return
	}
	c := &p.parts[len(p.parts)-1]
	if !l.ok {
		return // checkCalendar tells of it, with the object that it is in
	}
	if id := l.parameter("TZID"); id != "" {
		c.tzids = append(c.tzids, id)
	}
	if len(s.open) > 2 {
		return // an alarm's
	}
	value := strings.TrimSpace(unescape(l.value))
	switch {
	case l.name == "UID" && c.uid == "":
		c.uid = value
	case l.name == "SUMMARY" && c.summary == "":
		c.summary = value
	case l.name == "TZID" && c.tzid == "":
		c.tzid = value
	}
}
