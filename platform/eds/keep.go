package eds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/gkeyfile"
)

// Shelf names one of Clearance's own local stores.
type Shelf struct {
	Kind    Kind
	Account string // whose items are kept: a stable id, part of the store's UID
	Name    string // to show, "Kept from alice@example.org"
}

// UID of the shelf's source, the same for the same kind and account.
func (s Shelf) UID() string { return "clearance-kept-" + short(string(s.Kind)+"\n"+s.Account) }

// Ensure makes sure that the shelf exists, as a local source that descends
// from no account, and tells whether it was made now.
func (c *Client) Ensure(ctx context.Context, s Shelf) (made bool, err error) {
	group := ""
	for _, g := range groups {
		if g.kind == s.Kind && s.Kind.Holds() {
			group = g.name
		}
	}
	if group == "" {
		return false, fmt.Errorf("cannot keep items in a %s: %w", s.Kind, ErrRefused)
	}
	src, err := c.Source(ctx, s.UID())
	if errors.Is(err, ErrGone) {
		if made, err = true, c.makeSource(ctx, s, group); err == nil {
			src, err = c.Source(ctx, s.UID())
		}
	}
	if err != nil {
		return false, err
	}
	if !src.Local || src.Kind != s.Kind || !src.Enabled {
		return false, fmt.Errorf("cannot keep items in %q: %w: it is no local %s, or switched off", cut(src.DisplayName, 80), ErrRefused, s.Kind)
	}
	return made, nil
}

func (c *Client) makeSource(ctx context.Context, s Shelf, group string) error {
	name, err := c.name(ctx, sourceRegistry)
	if err != nil {
		return err
	}
	data := "[Data Source]\nDisplayName=" + gkeyfile.Escape(strings.ToValidUTF8(s.Name, "")) + "\nEnabled=true\nParent=local-stub\n\n[" + group + "]\nBackendName=local\n"
	err = c.call(ctx, c.opts.CallTimeout, registryAt(name), dotted+"SourceManager.CreateSources", []any{map[string]string{s.UID(): data}})
	return failed(ctx, "make a local "+string(s.Kind), err)
}

// Kept is the outcome of Keep.
type Kept struct {
	Source   string // UID of the shelf
	Made     bool   // the shelf was made now
	Given    int
	Already  int // were there before, with the same content
	Added    int // added and read back, equal
	Versions int // of Added: the shelf has another version under the same id, which stays
	Failed   []Failure
}

// Whole tells whether every item given is on the shelf, read back and equal.
func (k Kept) Whole() bool { return len(k.Failed) == 0 && k.Given == k.Already+k.Added }

// Keep copies items to a shelf and reads them back. each hands the items over;
// linked reads the file behind a file: URI of one (nil: such an item fails).
// Doing it twice adds nothing. What is on the shelf is never changed: an item
// that came with other content before, or that the person edited there, gets
// the new version beside it, under an id made of its own and its content.
// An item that fails stops no other.
func (c *Client) Keep(ctx context.Context, s Shelf, each func(func(Item) error) error, linked func(uri string) ([]byte, error)) (Kept, error) {
	k := &keeping{out: Kept{Source: s.UID()}, linked: linked, note: func(int, Fate, error) {}}
	var err error
	if k.out.Made, err = c.Ensure(ctx, s); err != nil {
		return k.out, err
	}
	if k.store, err = c.Open(ctx, s.UID()); err != nil {
		return k.out, err
	}
	err = k.run(ctx, each)
	return k.out, errors.Join(err, k.store.Close(context.WithoutCancel(ctx)))
}

func (k *keeping) run(ctx context.Context, each func(func(Item) error) error) error {
	if err := k.look(ctx); err != nil {
		return err
	}
	err := each(func(it Item) error {
		k.take(it)
		if k.bytes >= batchBytes || len(k.wanted) >= maxBatch {
			return k.flush(ctx)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.flush(ctx)
}

// look lists what is on the shelf.
func (k *keeping) look(ctx context.Context) error {
	have, err := k.store.Keys(ctx)
	if err != nil {
		return err
	}
	k.there = map[string]bool{}
	for _, key := range have.Keys {
		k.there[key.UID] = true
	}
	return nil
}

// wanted is an item on its way to the shelf.
type wanted struct {
	at      int    // which of those given
	uid     string // under which it will be there
	from    string // its own
	data    string
	content content
}

// keeping is the state of one Keep.
type keeping struct {
	store  *Store
	linked func(string) ([]byte, error)
	out    Kept
	there  map[string]bool // UIDs on the shelf
	wanted []wanted
	bytes  int
	note   func(at int, f Fate, why error) // what became of each item
	// dry: nothing is added. would is what would be on the shelf by now.
	dry   bool
	would map[string]content
}

func (k *keeping) fail(at int, uid string, err error) {
	k.out.Failed = append(k.out.Failed, Failure{UID: uid, Err: err})
	k.note(at, NotPut, err)
}

func (k *keeping) take(it Item) {
	at := k.out.Given
	k.out.Given++
	data := it.Data
	if k.store.source.Kind == AddressBook {
		open := k.linked
		if open == nil {
			open = func(string) ([]byte, error) {
				return nil, fmt.Errorf("cannot keep a linked file: %w: nothing to read it with", ErrRefused)
			}
		}
		card, err := embed(inlinePhotos(data), open)
		if err != nil {
			k.fail(at, it.UID, err)
			return
		}
		data = card
	}
	uid, err := k.store.accept(data)
	if err != nil {
		k.fail(at, it.UID, err)
		return
	}
	k.wanted = append(k.wanted, wanted{at: at, uid: uid, from: it.UID, data: data, content: contentOf(data)})
	k.bytes += len(data)
}

// flush brings the collected items to the shelf: those under their own id
// first, then other versions of ids that are taken.
func (k *keeping) flush(ctx context.Context) error {
	list := k.wanted
	k.wanted, k.bytes = nil, 0
	differ, err := k.place(ctx, list, false)
	if err != nil || len(differ) == 0 {
		return err
	}
	for i, w := range differ {
		differ[i].uid = w.uid + "-" + w.content.digest()
		differ[i].data = withUID(w.data, differ[i].uid)
	}
	differ, err = k.place(ctx, differ, true)
	for _, w := range differ {
		k.fail(w.at, w.from, fmt.Errorf("cannot keep the item: %w: both versions on the shelf have other content", ErrExists))
	}
	return err
}

// place adds what is not there, compares what is, and returns those that are
// there with other content.
func (k *keeping) place(ctx context.Context, list []wanted, version bool) (differ []wanted, err error) {
	var fresh, known []wanted
	for _, w := range list {
		if k.there[w.uid] {
			known = append(known, w)
			continue
		}
		k.there[w.uid] = true
		fresh = append(fresh, w)
	}
	added, err := k.add(ctx, fresh)
	if err != nil {
		return nil, err
	}
	read, err := k.read(ctx, append(slices.Clone(added), known...))
	if err != nil {
		return nil, err
	}
	for _, w := range added {
		if why := compare(w, read); why != nil {
			k.fail(w.at, w.from, why)
			continue
		}
		k.out.Added++
		fate := Put
		if version {
			k.out.Versions++
			fate = PutBeside
		}
		k.note(w.at, fate, nil)
	}
	for _, w := range known {
		if compare(w, read) != nil {
			differ = append(differ, w)
			continue
		}
		k.out.Already++
		k.note(w.at, WasThere, nil)
	}
	return differ, nil
}

func (k *keeping) add(ctx context.Context, fresh []wanted) ([]wanted, error) {
	if len(fresh) == 0 {
		return nil, nil
	}
	if k.dry {
		for _, w := range fresh {
			k.would[w.uid] = w.content
		}
		return fresh, nil
	}
	texts := make([]string, len(fresh))
	for i, w := range fresh {
		texts[i] = w.data
	}
	made, err := k.store.Create(ctx, texts)
	var added []wanted
	for i, w := range fresh {
		if why := made.Failed[i]; why != nil {
			delete(k.there, w.uid)
			k.fail(w.at, w.from, why)
			continue
		}
		added = append(added, w)
	}
	return added, err
}

// back is one item as it was read back.
type back struct {
	content content
	err     error
}

func (k *keeping) read(ctx context.Context, list []wanted) (map[string]back, error) {
	var ids []string
	read := map[string]back{}
	for _, w := range list {
		if c, ok := k.would[w.uid]; ok {
			read[w.uid] = back{c, nil}
			continue
		}
		ids = append(ids, w.uid)
	}
	if len(ids) == 0 {
		return read, nil
	}
	got, err := k.store.Fetch(ctx, ids, func(it Item) error {
		data, err := it.Data, error(nil)
		if k.store.source.Kind == AddressBook {
			data, err = k.store.Embedded(data)
		}
		read[it.UID] = back{contentOf(data), err}
		return nil
	})
	for _, f := range got.Failed {
		read[f.UID] = back{nil, f.Err}
	}
	return read, err
}

func compare(w wanted, read map[string]back) error {
	b, ok := read[w.uid]
	switch {
	case !ok:
		return fmt.Errorf("cannot read the kept item back: %w", ErrNotFound)
	case b.err != nil:
		return fmt.Errorf("cannot read the kept item back: %w", b.err)
	}
	if lost := missing(w.content, b.content); lost != "" {
		name, _, _ := strings.Cut(lost, ":")
		return fmt.Errorf("cannot read the kept item back: %w: %s differs", ErrReply, cut(name, 60))
	}
	return nil
}
