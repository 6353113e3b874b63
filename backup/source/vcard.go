package source

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-vcard"
)

// VCard is one contact as it stands in a file, at a server or in a store.
type VCard struct {
	Raw     []byte // never changed; nil where it is larger than [MaxVCard]
	Offset  int64  // of Raw in the stream, bytes
	Size    int64  // bytes, also where Raw is nil
	Version string // "2.1", "3.0", "4.0" or ""
	UID     string // as it stands, or ""
	Name    string // what a person would call it; may be ""
	// Err is nil or a [*ParseError]: the card is kept as it stands and listed.
	Err error
}

// ID is the UID, or where there is none a name made from the content: it stays
// the same when lines are folded in another way, reordered or
// restamped.
func (c *VCard) ID() string {
	if c.UID != "" {
		return c.UID
	}
	h := sha256.New()
	if c.Raw == nil {
		fmt.Fprintf(h, "%d+%d", c.Offset, c.Size)
	}
	for _, p := range contactKeys(c.Raw) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "content-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// VCards splits a stream of contacts. What stands between two cards and is not
// white space comes as a card of its own with Err set: nothing is left out. A
// yielded error means that reading failed and the rest is unknown; it is last.
func VCards(r io.Reader) iter.Seq2[VCard, error] {
	return func(yield func(VCard, error) bool) {
		s := cardSplitter{in: bufio.NewReaderSize(r, 64<<10), yield: yield}
		s.run()
	}
}

// cardSplitter collects the physical lines of one card after the other.
type cardSplitter struct {
	in    *bufio.Reader
	yield func(VCard, error) bool

	offset int64  // of the next byte of the stream
	start  int64  // of the current piece
	piece  []byte // what has been collected of it
	size   int64
	depth  int  // of BEGIN:VCARD; 0: between cards
	agent  bool // the last line was an empty AGENT: the next BEGIN is nested
}

func (s *cardSplitter) run() {
	for {
		line, err := s.in.ReadSlice('\n')
		whole := !errors.Is(err, bufio.ErrBufferFull)
		if len(line) > 0 && !s.line(line) {
			return
		}
		for !whole {
			line, err = s.in.ReadSlice('\n')
			whole = !errors.Is(err, bufio.ErrBufferFull)
			s.add(line)
		}
		if err == nil {
			continue
		}
		if !s.flush() {
			return
		}
		if !errors.Is(err, io.EOF) {
			s.yield(VCard{}, fmt.Errorf("cannot read vCards: %w", err))
		}
		return
	}
}

// line takes the first part of a physical line; false: stop.
func (s *cardSplitter) line(line []byte) bool {
	text := line
	if s.offset == 0 {
		text = bytes.TrimPrefix(text, utf8BOM)
		s.offset += int64(len(line) - len(text))
	}
	trimmed := bytes.TrimRight(text, " \t\r\n")
	begins := bytes.EqualFold(trimmed, []byte("BEGIN:VCARD"))
	switch {
	case begins && s.depth > 0 && s.agent:
		s.depth++
	case begins:
		if !s.flush() {
			return false
		}
		s.depth = 1
	case s.depth == 0 && s.size == 0 && len(trimmed) == 0:
		s.offset += int64(len(text))
		return true
	}
	s.agent = bytes.EqualFold(trimmed, []byte("AGENT:"))
	s.add(text)
	if s.depth > 0 && bytes.EqualFold(trimmed, []byte("END:VCARD")) {
		if s.depth--; s.depth == 0 {
			return s.flush()
		}
	}
	return true
}

func (s *cardSplitter) add(b []byte) {
	if s.size == 0 {
		s.start = s.offset
	}
	s.offset += int64(len(b))
	s.size += int64(len(b))
	if s.size <= MaxVCard {
		s.piece = append(s.piece, b...)
	} else {
		s.piece = nil
	}
}

// flush yields what was collected.
func (s *cardSplitter) flush() bool {
	if s.size == 0 {
		return true
	}
	card := VCard{Offset: s.start, Size: s.size}
	if s.size > MaxVCard {
		card.Err = &ParseError{Format: "vCard", Reason: fmt.Sprintf("larger than %d MiB", MaxVCard>>20), Err: ErrBeyondLimit}
	} else {
		card = ParseVCard(s.piece)
		card.Offset = s.start
	}
	s.piece, s.size, s.depth, s.agent = nil, 0, 0, false
	return s.yield(card, nil)
}

// ParseVCard looks into one contact. Raw is kept in any case.
func ParseVCard(raw []byte) VCard {
	card := VCard{Raw: raw, Size: int64(len(raw))}
	if len(raw) > MaxVCard {
		card.Raw = nil
		card.Err = &ParseError{Format: "vCard", Reason: fmt.Sprintf("larger than %d MiB", MaxVCard>>20), Err: ErrBeyondLimit}
		return card
	}
	malformed := func(line int, reason string) {
		if card.Err == nil {
			card.Err = &ParseError{Format: "vCard", Line: line, Reason: reason, Err: ErrMalformed}
		}
	}
	var plain bytes.Buffer // unfolded, for go-vcard: its own unfolding is quadratic
	depth, begins, names, agent := 0, 0, cardNames{}, false
	for l := range contentLines(raw) {
		switch {
		case l.blank():
			continue
		case !l.ok:
			malformed(l.number, "not a property")
			continue
		case l.is("BEGIN", "VCARD"):
			if depth > 0 && !agent || depth == 0 && begins > 0 {
				malformed(l.number, "a second card begins")
			}
			depth, begins = depth+1, begins+1
		case depth == 0:
			malformed(l.number, "outside a card")
		case l.is("END", "VCARD"):
			depth--
		case depth == 1:
			names.take(&l)
		}
		agent = l.name == "AGENT" && len(bytes.TrimSpace(l.value)) == 0
		plainLine(&plain, &l)
	}
	if begins == 0 {
		malformed(0, "no card begins here")
	} else if depth != 0 {
		malformed(0, "the card does not end")
	}
	card.Version, card.UID, card.Name = names.version, names.uid, names.best()
	if card.Err == nil {
		if _, err := vcard.NewDecoder(&plain).Decode(); err != nil {
			malformed(0, strings.TrimPrefix(err.Error(), "vcard: "))
		}
	}
	return card
}

func plainLine(plain *bytes.Buffer, l *contentLine) {
	if l.group != "" {
		plain.WriteString(l.group + ".")
	}
	plain.WriteString(l.name + l.params + ":")
	plain.Write(l.value)
	plain.WriteByte('\n')
}

// cardNames collects what tells a card from others.
type cardNames struct {
	version, uid                string
	formatted, name, org, other string
}

func (n *cardNames) take(l *contentLine) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = strings.TrimSpace(value)
		}
	}
	switch l.name {
	case "VERSION":
		set(&n.version, string(l.value))
	case "UID":
		set(&n.uid, unescape(l.value))
	case "FN":
		set(&n.formatted, unescape(l.text()))
	case "N":
		set(&n.name, personName(l.text()))
	case "ORG", "NICKNAME":
		set(&n.org, strings.ReplaceAll(unescape(l.text()), ";", " "))
	case "EMAIL", "TEL":
		set(&n.other, unescape(l.text()))
	}
}

func (n *cardNames) best() string {
	for _, s := range []string{n.formatted, n.name, n.org, n.other} {
		if s != "" {
			return s
		}
	}
	return ""
}

// text is the value with quoted-printable undone.
func (l *contentLine) text() []byte {
	if !strings.Contains(strings.ToUpper(l.params), "QUOTED-PRINTABLE") {
		return l.value
	}
	out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(l.value)))
	if err != nil {
		return l.value
	}
	return out
}

// personName turns family;given;additional;prefix;suffix into what one says.
func personName(value []byte) string {
	parts := strings.SplitN(string(value), ";", 6)
	for len(parts) < 5 {
		parts = append(parts, "")
	}
	var said []string
	for _, i := range []int{3, 1, 2, 0, 4} {
		if s := strings.TrimSpace(unescape([]byte(parts[i]))); s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, " ")
}
