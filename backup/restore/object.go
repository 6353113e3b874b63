package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
)

// Object is one contact or calendar object of an item, as targets that know
// them by UID take it.
type Object struct {
	Raw []byte
	// UID as it stands, or where there is none one made of the content, which
	// Raw then does not have.
	UID string
	// Component is VEVENT, VTODO or VJOURNAL; "" for a contact.
	Component string
	// Digest is of what it says: equal for objects that differ in folding, in
	// line ends, and in what stores write anew.
	Digest string
}

// Objects reads an item and takes it apart; nearly always it is one. Errors are
// *ItemError, or ctx's.
func (it *Item) Objects(ctx context.Context) ([]Object, error) {
	raw, err := it.Bytes(ctx, it.objectLimit())
	if err != nil {
		return nil, err
	}
	var list []Object
	if it.Dataset == source.Contacts {
		list, err = contactsIn(raw)
	} else {
		list, err = calendarIn(raw)
	}
	if err == nil && len(list) == 0 {
		err = errors.New("there is none in it")
	}
	if err != nil {
		return nil, &ItemError{Malformed, err}
	}
	return list, nil
}

// objectLimit bounds an item that is read as objects, in bytes.
func (it *Item) objectLimit() int64 {
	if it.Dataset == source.Contacts {
		return source.MaxVCard
	}
	return source.MaxCalendar
}

func contactsIn(raw []byte) (list []Object, err error) {
	for card, err := range source.VCards(bytes.NewReader(raw)) {
		if err = errors.Join(err, card.Err); err != nil {
			return nil, err
		}
		list = append(list, Object{Raw: card.Raw, UID: card.ID(), Digest: contactDigest(card.Raw)})
	}
	return list, nil
}

// contactDigest is equal for cards of which [source.ContactSays] says the same.
func contactDigest(raw []byte) string { return (&source.VCard{Raw: raw}).ID() }

func calendarIn(raw []byte) (list []Object, err error) {
	parts, err := source.SplitCalendar(raw)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		p := &parts[i]
		if p.Err != nil {
			return nil, p.Err
		}
		list = append(list, Object{Raw: p.Raw, UID: p.ID(), Component: p.Component, Digest: calendarDigest(p.Raw)})
	}
	return list, nil
}

func calendarDigest(raw []byte) string {
	h := sha256.New()
	for _, said := range source.CalendarSays(raw) {
		fmt.Fprintf(h, "%d:%s", len(said), said)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// As is the object under another UID, the same for the same object, for a place
// where something else has its own.
func (o *Object) As(uid string) Object {
	out := *o
	out.UID, out.Raw = uid, withUID(o.Raw, uid)
	out.Digest = contactDigest(out.Raw)
	if o.Component != "" {
		out.Digest = calendarDigest(out.Raw)
	}
	return out
}

// OtherUID is the UID that an object gets where something else has its own.
func (o *Object) OtherUID() string {
	h := sha256.Sum256([]byte(o.Digest))
	return o.UID + "-" + hex.EncodeToString(h[:8])
}

// withUID writes a contact or calendar object with another UID, in every
// instance of it; where there is none it is put after the first line.
func withUID(raw []byte, uid string) []byte {
	uid = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\r", "", "\n", `\n`).Replace(uid)
	eol := "\n"
	if bytes.Contains(raw, []byte("\r\n")) {
		eol = "\r\n"
	}
	var out bytes.Buffer
	found, dropping, zone := false, false, false
	for line := range bytes.Lines(raw) {
		if dropping && len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			continue
		}
		text := strings.ToUpper(strings.TrimSpace(string(line[:min(len(line), 40)])))
		zone = (zone || text == "BEGIN:VTIMEZONE") && text != "END:VTIMEZONE"
		if dropping = !zone && isUID(text); dropping {
			found = true
			out.WriteString("UID:" + uid + eol)
			continue
		}
		out.Write(line)
	}
	if found {
		return out.Bytes()
	}
	first, rest, _ := bytes.Cut(raw, []byte("\n"))
	return slices.Concat(first, []byte("\n"), []byte("UID:"+uid+eol), rest)
}

// isUID reports whether a line, in upper case, is a UID, be it in a group.
func isUID(line string) bool {
	end := strings.IndexAny(line, ":;")
	if end < 0 {
		return false
	}
	name := line[:end]
	return name[strings.LastIndexByte(name, '.')+1:] == "UID"
}
