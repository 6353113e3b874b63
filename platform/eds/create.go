package eds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Created is the outcome of Create, by the positions of the texts given.
type Created struct {
	UIDs   []string // "" where it failed
	Failed map[int]error
}

// Added counts the items that were added.
func (c Created) Added() int { return len(c.UIDs) - len(c.Failed) }

// Create adds vCards, or iCalendar objects (with a VCALENDAR around or
// without; all instances of one item in one text). Nothing that exists is
// changed: such an item fails with ErrExists. A text without a UID is refused,
// since it could be added twice. An item that fails stops no other; the error
// is the context's, ErrGone, or ErrUnavailable.
func (s *Store) Create(ctx context.Context, texts []string) (Created, error) {
	out := Created{UIDs: make([]string, len(texts)), Failed: map[int]error{}}
	adder := s.addContacts
	if s.source.Kind != AddressBook {
		adder = s.addComponents
	}
	var batch []int
	bytes := 0
	flush := func() error {
		err := adder(ctx, texts, batch, &out)
		batch, bytes = batch[:0], 0
		return err
	}
	for i, text := range texts {
		uid, err := s.accept(text)
		if err != nil {
			out.Failed[i] = err
			continue
		}
		out.UIDs[i] = uid
		batch = append(batch, i)
		if bytes += len(text); bytes >= batchBytes || len(batch) == maxBatch {
			if err := flush(); err != nil {
				return out, err
			}
		}
	}
	if len(batch) > 0 {
		return out, flush()
	}
	return out, nil
}

// accept checks a text before EDS sees it: EDS makes an empty contact of
// anything.
func (s *Store) accept(text string) (uid string, err error) {
	if len(text) > s.c.opts.MaxItemBytes {
		return "", fmt.Errorf("cannot add %d bytes: %w", len(text), ErrTooLarge)
	}
	want := map[Kind]string{AddressBook: "VCARD", Calendar: "VEVENT", TaskList: "VTODO", MemoList: "VJOURNAL"}[s.source.Kind]
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("cannot add the item: %w: it is not UTF-8 text", ErrRefused)
	}
	parts := componentsOf(text)
	if s.source.Kind == AddressBook && (len(parts) != 1 || !strings.HasPrefix(strings.TrimSpace(text), parts[0][:len("BEGIN:")])) {
		return "", fmt.Errorf("cannot add the item: %w: it is not one vCard", ErrRefused)
	}
	for _, p := range parts {
		kind := kindOfComponent(p)
		if kind == "VTIMEZONE" && s.source.Kind != AddressBook {
			continue
		}
		if kind != want {
			return "", fmt.Errorf("cannot add the item: %w: a %s has no place in a %s", ErrRefused, cut(kind, 40), s.source.Kind)
		}
		u := propertyOf(p, "UID")
		if uid != "" && u != uid {
			return "", fmt.Errorf("cannot add the item: %w: it is several", ErrRefused)
		}
		uid = u
	}
	if uid == "" {
		return "", fmt.Errorf("cannot add the item: %w: it has no id", ErrRefused)
	}
	return uid, nil
}

func (s *Store) addContacts(ctx context.Context, texts []string, batch []int, out *Created) error {
	cards := make([]string, len(batch))
	for i, at := range batch {
		cards[i] = inlinePhotos(texts[at])
	}
	err := s.add(ctx, "AddressBook.CreateContacts", cards, len(batch))
	if err == nil {
		return nil
	}
	if len(batch) == 1 && !fatal(ctx, err) {
		out.Failed[batch[0]], out.UIDs[batch[0]] = err, ""
		return nil
	}
	if fatal(ctx, err) {
		return s.abandon(batch, out, err)
	}
	return s.singly(ctx, texts, batch, out, s.addContacts)
}

// add makes one call that adds items; all are added or none.
func (s *Store) add(ctx context.Context, method string, texts []string, want int) error {
	h := s.current()
	var ids []string
	err := s.c.call(ctx, s.c.opts.RefreshTimeout, h.target, dotted+method, []any{texts, uint32(0)}, &ids)
	if err == nil && len(ids) != want {
		err = fmt.Errorf("%w: %d ids for %d items", ErrReply, len(ids), want)
	}
	return failed(ctx, "add items", err)
}

func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrGone) || errors.Is(err, ErrReply)
}

// abandon counts a batch as failed for a reason that holds for all the rest.
func (s *Store) abandon(batch []int, out *Created, err error) error {
	for _, at := range batch {
		out.Failed[at], out.UIDs[at] = err, ""
	}
	return err
}

func (s *Store) singly(ctx context.Context, texts []string, batch []int, out *Created, add func(context.Context, []string, []int, *Created) error) error {
	for _, at := range batch {
		if err := add(ctx, texts, []int{at}, out); err != nil {
			return err
		}
	}
	return nil
}

// addComponents adds masters together, and what replaces single instances
// after them.
func (s *Store) addComponents(ctx context.Context, texts []string, batch []int, out *Created) error {
	var masters []string
	var more [][]string
	zones := map[string]bool{}
	for _, at := range batch {
		var own []string
		for _, p := range componentsOf(texts[at]) {
			if kindOfComponent(p) == "VTIMEZONE" {
				zones[p] = true
			} else {
				own = append(own, p)
			}
		}
		own = sorted(own)
		masters, more = append(masters, own[0]), append(more, own[1:])
	}
	if err := s.addZones(ctx, zones); err != nil {
		return s.abandon(batch, out, err)
	}
	err := s.add(ctx, "Calendar.CreateObjects", masters, len(batch))
	switch {
	case err == nil:
	case fatal(ctx, err):
		return s.abandon(batch, out, err)
	case len(batch) == 1:
		out.Failed[batch[0]], out.UIDs[batch[0]] = err, ""
		return nil
	default:
		return s.singly(ctx, texts, batch, out, s.addComponents)
	}
	for i, at := range batch {
		if err := s.addInstances(ctx, more[i]); err != nil {
			out.Failed[at], out.UIDs[at] = err, ""
			if fatal(ctx, err) {
				return err
			}
		}
	}
	return nil
}

// addInstances adds what replaces single instances of an item just created.
func (s *Store) addInstances(ctx context.Context, parts []string) error {
	if len(parts) == 0 {
		return nil
	}
	h := s.current()
	err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, dotted+"Calendar.ModifyObjects", []any{parts, "this", uint32(0)})
	return failed(ctx, "add changed instances", err)
}

// addZones makes the store know time zones; it keeps one that it has.
func (s *Store) addZones(ctx context.Context, zones map[string]bool) error {
	h := s.current()
	for z := range zones {
		err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, dotted+"Calendar.AddTimezone", []any{z})
		if err = failed(ctx, "add a time zone", err); err != nil && fatal(ctx, err) {
			return err
		}
	}
	return nil
}

// inlinePhotos turns vCard 4.0's data: URIs into 3.0's ENCODING=b, for EDS
// 3.46 reads every card as 3.0 and would store the URI as text.
func inlinePhotos(card string) string {
	if !strings.Contains(card, "data:") && !strings.Contains(card, "DATA:") {
		return card
	}
	var b strings.Builder
	for line := range unfold(card) {
		name, params, value, ok := splitLine(line)
		kind, data, isData := strings.Cut(value, ";base64,")
		head := strings.ToLower(kind)
		if !ok || !isData || !strings.HasPrefix(head, "data:") || (name != "PHOTO" && name != "LOGO" && name != "SOUND" && name != "KEY") {
			b.WriteString(line + "\r\n")
			continue
		}
		_, media, _ := strings.Cut(head[len("data:"):], "/")
		b.WriteString(line[:len(line)-len(value)-1-lenParams(params)] + ";ENCODING=b")
		if media != "" && isToken(media) {
			b.WriteString(";TYPE=" + strings.ToUpper(media))
		}
		b.WriteString(":" + data + "\r\n")
	}
	return b.String()
}

func lenParams(params string) int {
	if params == "" {
		return 0
	}
	return len(params) + 1
}

func isToken(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && r != '.' && r != '+' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) < 0
}
