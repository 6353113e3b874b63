package viewer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-vcard"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/clearance-project/clearance/backup/source"
)

// Limits for one contact or calendar entry on a page.
const (
	maxCard       = 16 << 20 // bytes that are read
	maxCardFields = 60
	maxText       = 4000 // bytes of one field
)

// contact is a contact as it is shown.
type contact struct {
	ID       string
	Name     string
	Org      string
	Lead     string // the one field that is shown at once
	Face     string // the picture's path beneath export/, or ""
	Initials string
	Fields   []field
	Books    []string
	Path     string // in the bag
	Broken   bool   // it does not parse
}

type field struct{ Label, Value string }

// contacts reads the contacts of the copy. One that several books hold alike is
// shown once.
func (w *writer) contacts(ctx context.Context) ([]contact, error) {
	var list []contact
	at := map[[32]byte]int{}
	for _, it := range w.held.items[source.Contacts] {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if strings.ToLower(path.Ext(it.path)) != ".vcf" {
			continue
		}
		raw, ok := w.readAll(it.path, maxCard)
		if !ok {
			continue
		}
		c, err := w.contact(ctx, &it, raw)
		if err != nil {
			return nil, err
		}
		sum := digest(c.Name, c.Org, c.Face, fmt.Sprint(c.Fields))
		if i, again := at[sum]; again {
			list[i].Books = appendNew(list[i].Books, book(it.path))
			continue
		}
		at[sum] = len(list)
		c.Books = []string{book(it.path)}
		list = append(list, c)
	}
	by := collate.New(language.Und, collate.Loose)
	var buf collate.Buffer
	keys := make(map[string][]byte, len(list))
	for _, c := range list {
		keys[c.Name] = by.KeyFromString(&buf, c.Name)
	}
	slices.SortStableFunc(list, func(a, b contact) int {
		return cmp.Or(bytes.Compare(keys[a.Name], keys[b.Name]), cmp.Compare(a.Path, b.Path))
	})
	for i := range list {
		list[i].ID = fmt.Sprintf("c%d", i+1)
	}
	return list, nil
}

// unfold joins folded lines (RFC 6350 section 3.2). The decoders do it too, in a
// time that grows with the square of a line: pictures have thousands of folds.
func unfold(raw []byte) []byte {
	for _, fold := range []string{"\r\n ", "\r\n\t", "\n ", "\n\t"} {
		raw = bytes.ReplaceAll(raw, []byte(fold), nil)
	}
	return raw
}

// book is the folder that a path lies in, as its source is called in the bag.
func book(p string) string {
	parts := strings.Split(p, "/")
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func digest(parts ...string) [32]byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return [32]byte(h.Sum(nil))
}

func (w *writer) contact(ctx context.Context, it *item, raw []byte) (contact, error) {
	c := contact{Path: it.path, Name: it.shown()}
	var card vcard.Card
	err := guarded(func() (err error) {
		card, err = vcard.NewDecoder(bytes.NewReader(unfold(raw))).Decode()
		return err
	})
	if err != nil {
		c.Broken = true
		c.Initials = initials(c.Name)
		return c, nil
	}
	if n := nameOf(card); n != "" {
		c.Name = n
	}
	c.Initials = initials(c.Name)
	c.Org = joined(value(card.Get(vcard.FieldOrganization)), ";", ", ")
	c.Fields = fieldsOf(card)
	for _, f := range c.Fields {
		if f.Label == "Phone" || f.Label == "Mail" || strings.HasPrefix(f.Label, "Phone,") || strings.HasPrefix(f.Label, "Mail,") {
			c.Lead = f.Value
			break
		}
	}
	c.Face, err = w.face(ctx, card)
	return c, err
}

func nameOf(card vcard.Card) string {
	if s := value(card.Get(vcard.FieldFormattedName)); s != "" {
		return s
	}
	parts := strings.Split(value(card.Get(vcard.FieldName)), ";")
	if len(parts) > 1 {
		parts[0], parts[1] = parts[1], parts[0]
	}
	if s := strings.Join(strings.Fields(strings.Join(parts[:min(2, len(parts))], " ")), " "); s != "" {
		return s
	}
	return cmp.Or(joined(value(card.Get(vcard.FieldOrganization)), ";", ", "), value(card.Get(vcard.FieldEmail)))
}

// cardFields are what is shown of a contact, in this order.
var cardFields = []struct{ name, label string }{
	{vcard.FieldNickname, "Called"}, {vcard.FieldTelephone, "Phone"}, {vcard.FieldEmail, "Mail"},
	{vcard.FieldAddress, "Address"}, {vcard.FieldTitle, "Job"}, {vcard.FieldRole, "Role"},
	{vcard.FieldBirthday, "Birthday"}, {vcard.FieldAnniversary, "Anniversary"}, {vcard.FieldURL, "Web"},
	{vcard.FieldIMPP, "Chat"}, {vcard.FieldCategories, "Groups"}, {vcard.FieldNote, "Note"},
}

func fieldsOf(card vcard.Card) []field {
	var list []field
	for _, want := range cardFields {
		for _, f := range card[want.name] {
			v := value(f)
			if want.name == vcard.FieldAddress {
				v = joined(v, ";", ", ")
			}
			if v == "" || len(list) == maxCardFields {
				continue
			}
			label := want.label
			if kind := kinds(f); kind != "" {
				label += ", " + kind
			}
			list = append(list, field{label, v})
		}
	}
	return list
}

// kinds are the words for people among the types of a field.
func kinds(f *vcard.Field) string {
	var words []string
	for _, t := range f.Params.Types() {
		switch t = strings.ToLower(t); t {
		case "home", "work", "cell", "fax", "pager", "main":
			words = appendNew(words, t)
		}
	}
	return strings.Join(words, " ")
}

// value is the text of a field, cut where it is too long to be shown.
func value(f *vcard.Field) string {
	if f == nil {
		return ""
	}
	s := f.Value
	if strings.EqualFold(f.Params.Get("ENCODING"), "QUOTED-PRINTABLE") {
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(s))); err == nil {
			s = string(b)
		}
	}
	return strings.TrimSpace(cut(s, maxText))
}

// cut shortens s to about n bytes, at a character's end.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}

func joined(s, sep, with string) string {
	var parts []string
	for p := range strings.SplitSeq(s, sep) {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, with)
}

func initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		if r, _ := utf8.DecodeRuneInString(word); unicode.IsLetter(r) {
			out = append(out, unicode.ToUpper(r))
		}
	}
	switch len(out) {
	case 0:
		return "?"
	case 1:
		return string(out)
	}
	return string([]rune{out[0], out[len(out)-1]})
}

// face makes the small picture of a contact from the one in its card. A picture
// that is elsewhere, or is none that can be decoded, is not shown.
func (w *writer) face(ctx context.Context, card vcard.Card) (string, error) {
	f := card.Get(vcard.FieldPhoto)
	if f == nil {
		return "", nil
	}
	text := f.Value
	if _, data, ok := strings.Cut(text, ";base64,"); ok && strings.HasPrefix(strings.ToLower(text), "data:") {
		text = data
	} else if strings.Contains(text[:min(len(text), 12)], ":") {
		return "", nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, text))
	if err != nil || len(data) == 0 {
		return "", nil
	}
	sum := sha256.Sum256(append([]byte("face\x00"), data...))
	switch w.known.get(sum).Preview {
	case gradeFull:
		return previewPath(sum), nil
	case gradeNever:
		return "", nil
	}
	if w.o.Budget < 0 {
		return "", nil
	}
	one, stop := context.WithTimeout(ctx, pictureTime)
	defer stop()
	small, err := faceOf(one, data)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		w.known.put(sum, remembered{Preview: gradeNever})
		return "", nil
	}
	if err := w.b.WriteView(previewPath(sum), small); err != nil {
		return "", err
	}
	w.known.put(sum, remembered{Preview: gradeFull})
	return previewPath(sum), nil
}

func faceOf(ctx context.Context, data []byte) (out []byte, err error) {
	p, err := readPicture(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	if p.config.Width == 0 {
		return nil, errors.New("not a picture that can be decoded")
	}
	m, err := p.decode(ctx)
	if err != nil {
		return nil, err
	}
	err = guarded(func() (err error) {
		out, err = face(m, p.exif.orientation)
		return err
	})
	return out, err
}
