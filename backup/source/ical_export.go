package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// Exported says what became of the objects of an export.
type Exported struct {
	Written int
	// Skipped holds the errors of objects that do not parse, by their place in the
	// sequence, from 0: an importer would stumble over them. They are in the bag.
	Skipped map[int]error
}

func (e *Exported) skip(n int, err error) {
	if e.Skipped == nil {
		e.Skipped = map[int]error{}
	}
	e.Skipped[n] = err
}

// ExportContacts writes vCards one after the other, as address books import
// them. The error is the writer's.
func ExportContacts(w io.Writer, cards iter.Seq[[]byte]) (Exported, error) {
	out := bufio.NewWriter(w)
	var e Exported
	n := -1
	for raw := range cards {
		n++
		if card := ParseVCard(raw); card.Err != nil {
			e.skip(n, card.Err)
			continue
		}
		raw = bytes.TrimPrefix(raw, utf8BOM)
		if _, err := out.Write(raw); err != nil {
			return e, fmt.Errorf("cannot export contacts: %w", err)
		}
		if !bytes.HasSuffix(raw, []byte("\n")) {
			if _, err := out.WriteString(lineEnd(raw)); err != nil {
				return e, fmt.Errorf("cannot export contacts: %w", err)
			}
		}
		e.Written++
	}
	if err := out.Flush(); err != nil {
		return e, fmt.Errorf("cannot export contacts: %w", err)
	}
	return e, nil
}

// ExportCalendar merges calendar objects into one VCALENDAR with the name given.
// Each time zone is written once. Where two objects mean different things by
// one TZID that is no IANA name, the later one's is renamed. The error is the
// writer's.
func ExportCalendar(w io.Writer, name string, objects iter.Seq[[]byte]) (Exported, error) {
	x := calendarExport{out: bufio.NewWriter(w), zones: map[string]string{}}
	x.write([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n"))
	if name != "" {
		x.write(fold(nil, "X-WR-CALNAME:"+escapeText(name), "\r\n"))
	}
	var e Exported
	n := -1
	for raw := range objects {
		n++
		if err := x.object(raw); err != nil {
			e.skip(n, err)
			continue
		}
		e.Written++
		if x.err != nil {
			break
		}
	}
	x.write([]byte("END:VCALENDAR\r\n"))
	if err := errors.Join(x.err, x.out.Flush()); err != nil {
		return e, fmt.Errorf("cannot export the calendar: %w", err)
	}
	return e, nil
}

type calendarExport struct {
	out   *bufio.Writer
	err   error
	zones map[string]string // TZID → its definition, unfolded
}

func (x *calendarExport) write(b []byte) {
	if x.err == nil {
		_, x.err = x.out.Write(b)
	}
}

// object adds the components of one object; its error is the object's.
func (x *calendarExport) object(raw []byte) error {
	parts, err := SplitCalendar(raw)
	if err != nil {
		return err
	}
	for i := range parts {
		if parts[i].Err != nil {
			return parts[i].Err
		}
	}
	pieces, err := scanCalendar(raw)
	if err != nil {
		return err
	}
	for i := range pieces {
		renamed := map[string]string{}
		for j := range pieces[i].parts {
			if c := &pieces[i].parts[j]; c.name == "VTIMEZONE" {
				x.zone(c, renamed)
			}
		}
		for j := range pieces[i].parts {
			if c := &pieces[i].parts[j]; c.name != "VTIMEZONE" {
				x.write(crlf(renameZones(c.raw, renamed)))
			}
		}
	}
	return nil
}

// zone writes a time zone that has not been written, under another name where
// its own is taken.
func (x *calendarExport) zone(c *component, renamed map[string]string) {
	definition := string(unfolded(c.raw))
	id := c.tzid
	for n := 2; ; n++ {
		known, taken := x.zones[id]
		if !taken {
			break
		}
		if known == definition || isIANA(c.tzid) {
			if id != c.tzid {
				renamed[c.tzid] = id
			}
			return
		}
		id = fmt.Sprintf("%s~%d", c.tzid, n)
	}
	x.zones[id] = definition
	raw := c.raw
	if id != c.tzid {
		renamed[c.tzid] = id
		raw = renameZones(raw, renamed)
	}
	x.write(crlf(raw))
}

// isIANA tells a name whose meaning does not depend on the definition beside it.
func isIANA(id string) bool {
	if !strings.Contains(id, "/") {
		return false
	}
	_, err := time.LoadLocation(id)
	return err == nil
}

func unfolded(raw []byte) []byte {
	var b bytes.Buffer
	for l := range contentLines(raw) {
		if l.ok {
			plainLine(&b, &l)
		}
	}
	return b.Bytes()
}

// renameZones rewrites the TZID properties and parameters that have a new name.
func renameZones(raw []byte, renamed map[string]string) []byte {
	if len(renamed) == 0 {
		return raw
	}
	var out []byte
	for l := range contentLines(raw) {
		text := ""
		if to, found := renamed[strings.TrimSpace(unescape(l.value))]; found && l.name == "TZID" {
			text = "TZID" + l.params + ":" + escapeText(to)
		} else if to, found := renamed[l.parameter("TZID")]; found {
			var b strings.Builder
			b.WriteString(l.name)
			for _, p := range l.parameters() {
				if p.name == "TZID" {
					p.value = `"` + to + `"`
				}
				b.WriteString(";" + p.name + "=" + p.value)
			}
			text = b.String() + ":" + string(l.value)
		}
		if text == "" {
			out = append(out, l.raw...)
		} else {
			out = fold(out, text, lineEnd(l.raw))
		}
	}
	return out
}

// crlf gives lines the end that iCalendar wants.
func crlf(raw []byte) []byte {
	var out []byte
	for len(raw) > 0 {
		end := physical(raw)
		out = append(append(out, chomp(raw[:end])...), "\r\n"...)
		raw = raw[end:]
	}
	return out
}

// escapeText is the reverse of unescape.
func escapeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", "").Replace(s)
}
