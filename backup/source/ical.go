package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-ical"
)

const (
	maxNesting = 8       // components within components; RFC 5545 needs 3
	maxObjects = 1 << 20 // objects of one calendar stream
)

// CalendarObject is everything that a calendar says of one UID: an event with
// its overrides (RECURRENCE-ID), a task or a journal entry, and the time zones
// that it needs, as RFC 4791 section 4.1 has it.
type CalendarObject struct {
	// Raw is a whole VCALENDAR. Where the source held this object alone, it is the
	// source's bytes; else the object's lines are, and the frame is the source's
	// calendar properties. What could not be taken apart stands as it was.
	Raw       []byte
	Component string // VEVENT, VTODO, VJOURNAL, or another name in upper case
	UID       string // or "" where there is none
	Name      string // SUMMARY of the first component
	// Zones names the time zones that the object refers to and the source does
	// not define. A store that keeps them apart must be asked for them.
	Zones []string
	// Err is nil or a [*ParseError]: the object is kept as it stands and listed.
	Err error
}

// ID is the UID, or a name made from the content.
func (o *CalendarObject) ID() string {
	if o.UID != "" {
		return o.UID
	}
	sum := sha256.Sum256(o.Raw)
	return "content-" + hex.EncodeToString(sum[:16])
}

// SplitCalendar takes a stream of iCalendar apart: whole calendars, or bare
// components as evolution-data-server gives them. What cannot be taken apart is
// one object with Err set. The error is [ErrBeyondLimit], and then raw is to be
// kept as it is.
func SplitCalendar(raw []byte) ([]CalendarObject, error) {
	if len(raw) > MaxCalendar {
		return nil, &ParseError{Format: "iCalendar", Reason: fmt.Sprintf("larger than %d MiB", MaxCalendar>>20), Err: ErrBeyondLimit}
	}
	pieces, err := scanCalendar(raw)
	if err != nil {
		return nil, err
	}
	var out []CalendarObject
	for i := range pieces {
		p := &pieces[i]
		if p.err != nil {
			out = append(out, CalendarObject{Raw: p.raw, Err: p.err})
			continue
		}
		out = append(out, p.objects(len(pieces) == 1 && !p.bare, raw)...)
	}
	return out, nil
}

// objects groups the components of a calendar by UID.
func (p *calendarPiece) objects(only bool, raw []byte) []CalendarObject {
	groups := p.groups()
	if len(groups) == 0 && !p.bare {
		o := CalendarObject{Raw: p.raw, Component: "VCALENDAR", Name: ""}
		o.Err = checkCalendar(o.Raw)
		return []CalendarObject{o}
	}
	out := make([]CalendarObject, 0, len(groups))
	for _, g := range groups {
		o := CalendarObject{Component: g[0].name, UID: g[0].uid, Name: g[0].summary}
		zones, missing := p.zonesFor(g)
		o.Zones = missing
		switch {
		case only && len(groups) == 1:
			o.Raw = raw
		case !p.bare && len(groups) == 1:
			o.Raw = p.raw
		default:
			o.Raw = p.frame(zones, g)
		}
		o.Err = checkCalendar(o.Raw)
		if o.Err == nil && o.UID == "" {
			o.Err = &ParseError{Format: "iCalendar", Reason: o.Component + " has no UID", Err: ErrMalformed}
		}
		out = append(out, o)
	}
	return out
}

// groups puts components of one kind and UID together, in order of appearance.
func (p *calendarPiece) groups() [][]*component {
	var groups [][]*component
	at := map[string]int{}
	for i := range p.parts {
		c := &p.parts[i]
		if c.name == "VTIMEZONE" {
			continue
		}
		key := c.name + "\n" + c.uid
		if n, found := at[key]; found && c.uid != "" {
			groups[n] = append(groups[n], c)
			continue
		}
		at[key] = len(groups)
		groups = append(groups, []*component{c})
	}
	return groups
}

// zonesFor finds the time zones that components refer to.
func (p *calendarPiece) zonesFor(group []*component) (zones []*component, missing []string) {
	seen := map[string]bool{}
	for _, c := range group {
		for _, id := range c.tzids {
			if seen[id] {
				continue
			}
			seen[id] = true
			if z := p.zone(id); z != nil {
				zones = append(zones, z)
			} else {
				missing = append(missing, id)
			}
		}
	}
	return zones, missing
}

func (p *calendarPiece) zone(id string) *component {
	if p.zoneByID == nil {
		p.zoneByID = map[string]*component{}
		for i := range p.parts {
			if c := &p.parts[i]; c.name == "VTIMEZONE" && p.zoneByID[c.tzid] == nil {
				p.zoneByID[c.tzid] = c
			}
		}
	}
	return p.zoneByID[id]
}

const productID = "-//Clearance//Clearance//EN"

// frame writes a calendar around an object.
func (p *calendarPiece) frame(zones, group []*component) []byte {
	eol := lineEnd(p.raw)
	var b bytes.Buffer
	b.WriteString("BEGIN:VCALENDAR" + eol)
	if p.bare {
		b.WriteString("VERSION:2.0" + eol + "PRODID:" + productID + eol)
	}
	b.Write(p.properties)
	for _, c := range append(zones[:len(zones):len(zones)], group...) {
		b.Write(c.raw)
		if !bytes.HasSuffix(c.raw, []byte("\n")) {
			b.WriteString(eol)
		}
	}
	b.WriteString("END:VCALENDAR" + eol)
	return b.Bytes()
}

// checkCalendar has go-ical read an object whose frame was found sound. The
// decoder panics on some lines; that is told as malformed.
func checkCalendar(raw []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &ParseError{Format: "iCalendar", Reason: fmt.Sprint("the parser gave up: ", r), Err: ErrMalformed}
		}
	}()
	var plain bytes.Buffer
	for l := range contentLines(raw) {
		switch {
		case l.blank():
		case !l.ok:
			return &ParseError{Format: "iCalendar", Line: l.number, Reason: "not a property", Err: ErrMalformed}
		default:
			plainLine(&plain, &l)
		}
	}
	dec := ical.NewDecoder(&plain)
	for {
		if _, err := dec.Decode(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return &ParseError{Format: "iCalendar", Reason: strings.TrimPrefix(err.Error(), "ical: "), Err: ErrMalformed}
		}
	}
}
