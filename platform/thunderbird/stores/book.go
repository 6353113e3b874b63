package stores

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/sqliteread"
)

// book is an address book's database.
type book struct {
	at     string
	photos string // the folder of photos
	folder string // in the copy
}

// cards are what a database holds.
type cards struct {
	order      []string
	properties map[string]map[string]string // by card
	bad        map[string]error             // cards of which something cannot be read
	lists      []group
}

// group is a list of contacts.
type group struct {
	uid, name, nick, about string
	members                []string
}

func (b *book) list(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		c, err := b.read(ctx)
		if err != nil {
			yield(dataset.Incomplete(ref, inUse(err)))
			return
		}
		for _, uid := range c.order {
			if err := ctx.Err(); err != nil {
				yield(dataset.Incomplete(ref, err))
				return
			}
			if !b.card(&c, ref, uid, yield) {
				return
			}
		}
		for i := range c.lists {
			g := &c.lists[i]
			if !yield(dataset.Made(ref, "list:"+g.uid, g.name, b.folder, ".vcf", g.vcard(&c)), nil) {
				return
			}
		}
	}
}

// card yields a card, and its photo where that fails.
func (b *book) card(c *cards, ref source.Ref, uid string, yield func(source.Item, error) bool) bool {
	p := c.properties[uid]
	name := p["DisplayName"]
	if err := c.bad[uid]; err != nil {
		it := source.Item{Key: source.Key{Ref: ref, ID: uid}, Name: name, Folder: b.folder, Rev: "unreadable", Size: -1, Ext: ".vcf"}
		return yield(it, &source.Failed{Item: it, Reason: source.Unreadable, Err: err})
	}
	raw := []byte(p["_vCard"])
	if len(raw) == 0 {
		raw = made(uid, p)
	}
	raw, err := b.withPhoto(raw, p["PhotoName"])
	if !yield(dataset.Made(ref, uid, name, b.folder, ".vcf", raw), nil) {
		return false
	}
	if err == nil {
		return true
	}
	it := source.Item{Key: source.Key{Ref: ref, ID: uid + "#photo"}, Name: "photo of " + name, Folder: b.folder, Rev: p["PhotoName"], Size: -1, Ext: ".jpg"}
	return yield(it, &source.Failed{Item: it, Reason: source.Unreadable, Err: err})
}

// read takes the database as it is now.
func (b *book) read(ctx context.Context) (c cards, err error) {
	s, err := sqliteread.Open(ctx, b.at, sqliteread.Limits{})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	c.properties, c.bad = make(map[string]map[string]string), make(map[string]error)
	tables, err := s.Tables(ctx)
	if err != nil || len(tables) == 0 {
		return c, err // Thunderbird makes the file before the tables
	}
	err = s.Read(ctx, "properties", []string{"card", "name", "value"}, c.property)
	if err != nil || !slices.Contains(tables, "lists") {
		return c, err
	}
	return c, c.readLists(ctx, s)
}

func (c *cards) property(r sqliteread.Row) error {
	uid, err := r.Text(0)
	if err != nil || uid == "" {
		return errors.Join(err, errNoName(uid))
	}
	if c.properties[uid] == nil {
		c.properties[uid] = make(map[string]string)
		c.order = append(c.order, uid)
	}
	name, err := r.Text(1)
	value, verr := r.Text(2)
	if n, nerr := r.Int(2); verr != nil && nerr == nil {
		value, verr = fmt.Sprint(n), nil
	}
	if err = errors.Join(err, verr); err != nil {
		c.bad[uid] = err
		return nil
	}
	c.properties[uid][name] = value
	return nil
}

// errNoName is an error where an entry has no name of its own.
func errNoName(id string) error {
	if id == "" {
		return errors.New("an entry has no name of its own")
	}
	return nil
}

func (c *cards) readLists(ctx context.Context, s *sqliteread.Snapshot) error {
	at := make(map[string]int)
	err := s.Read(ctx, "lists", []string{"uid", "name", "nickName", "description"}, func(r sqliteread.Row) error {
		var g group
		err := r.Scan(&g.uid, &g.name, &g.nick, &g.about)
		at[g.uid] = len(c.lists)
		c.lists = append(c.lists, g)
		return errors.Join(err, errNoName(g.uid))
	})
	if err != nil {
		return err
	}
	return s.Read(ctx, "list_cards", []string{"list", "card"}, func(r sqliteread.Row) error {
		var list, card string
		err := r.Scan(&list, &card)
		if i, ok := at[list]; ok && err == nil {
			c.lists[i].members = append(c.lists[i].members, card)
		}
		return err
	})
}

// withPhoto puts the photo that lies beside the database into a card that has
// none.
func (b *book) withPhoto(card []byte, photo string) ([]byte, error) {
	if photo == "" || hasPhoto(card) {
		return card, nil
	}
	root, err := os.OpenRoot(b.photos)
	if err != nil {
		return card, err
	}
	defer func() { _ = root.Close() }() // only read
	with, ok := insert(card, "PHOTO;VALUE=uri:file://"+b.photos+"/"+escapedPath(photo))
	if !ok {
		return card, errors.New("the contact has no end")
	}
	full, err := source.EmbedLocal(with, func(p string) (io.ReadCloser, error) { return root.Open(p) }, b.photos)
	if err != nil {
		return card, err
	}
	return full, nil
}

func hasPhoto(card []byte) bool {
	for line := range strings.Lines(string(card)) {
		if n := strings.IndexAny(line, ":;"); n > 0 && strings.EqualFold(line[:n], "PHOTO") {
			return true
		}
	}
	return false
}
