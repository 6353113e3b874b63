package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/clearance-project/clearance/backup/restore"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/eds"
)

// books restores to this device's own address book, calendar, task list and
// notes: those into which Keep puts what would leave, so that what was kept is
// not there twice.
type books struct {
	eds  *eds.Client
	name string // of a book that is made
}

// Path is none: evolution-data-server keeps its books itself.
func (b *books) Path() string { return "" }

// Takes contacts, events, tasks, journals and notes that are text.
func (b *books) Takes(it *restore.Item) bool {
	switch it.Dataset {
	case source.Contacts, source.Calendars:
		return restore.IsObject(it)
	case source.Notes:
		return restore.IsObject(it) || isText(it)
	}
	return false
}

func isText(it *restore.Item) bool {
	if strings.HasPrefix(it.Source, "trash:") {
		return false
	}
	switch strings.ToLower(path.Ext(it.Path)) {
	case ".md", ".markdown", ".txt":
		return true
	}
	return false
}

// How much goes to a book at once.
const (
	shelfItems = 200
	shelfBytes = 8 << 20
)

// piece is one object of an item on its way to a book. Nearly every item is one.
type piece struct {
	it   *restore.Item
	data string
	uid  string
}

// load is what waits for one book.
type load struct {
	shelf  eds.Shelf
	pieces []piece
	bytes  int
}

// Write puts the items into the books, each by the kind of its objects.
func (b *books) Write(ctx context.Context, batch restore.Batch) error {
	run := &booksRun{books: b, batch: batch, loads: map[string]*load{}, waiting: map[*restore.Item]*restore.Result{}, left: map[*restore.Item]int{}}
	for it := range batch.Items {
		if err := run.take(ctx, it); err != nil {
			return err
		}
	}
	for _, l := range run.loads {
		if err := run.flush(ctx, l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

type booksRun struct {
	*books
	batch   restore.Batch
	loads   map[string]*load
	waiting map[*restore.Item]*restore.Result // what is known so far of items under way
	left    map[*restore.Item]int             // their pieces under way
}

func (r *booksRun) take(ctx context.Context, it *restore.Item) error {
	objects, err := objectsOf(ctx, it)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.batch.Done(it, restore.Fail(err))
		return nil
	}
	r.left[it], r.waiting[it] = len(objects), &restore.Result{State: restore.Already}
	for i := range objects {
		o := &objects[i]
		l := r.load(it.Account, kindOf(o.Component))
		l.pieces = append(l.pieces, piece{it, string(o.Raw), o.UID})
		if l.bytes += len(o.Raw); len(l.pieces) >= shelfItems || l.bytes >= shelfBytes {
			if err := r.flush(ctx, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *booksRun) load(account string, k eds.Kind) *load {
	shelf := eds.Shelf{Kind: k, Account: account, Name: r.name}
	if r.loads[shelf.UID()] == nil {
		r.loads[shelf.UID()] = &load{shelf: shelf}
	}
	return r.loads[shelf.UID()]
}

func (r *booksRun) flush(ctx context.Context, l *load) error {
	if len(l.pieces) == 0 {
		return nil
	}
	pieces := l.pieces
	l.pieces, l.bytes = nil, 0
	items := make([]eds.Item, len(pieces))
	for i, p := range pieces {
		items[i] = eds.Item{UID: p.uid, Data: p.data}
	}
	err := r.eds.Put(ctx, l.shelf, items, r.batch.DryRun, func(at int, f eds.Fate, why error) {
		r.settle(pieces[at].it, l.shelf, f, why)
	})
	if err != nil && ctx.Err() == nil {
		return &restore.TargetError{Err: err}
	}
	return errors.Join(err, ctx.Err())
}

// settle takes what became of one piece; when it was its item's last, the item
// is done.
func (r *booksRun) settle(it *restore.Item, shelf eds.Shelf, f eds.Fate, why error) {
	res := r.waiting[it]
	res.Where = string(shelf.Kind)
	switch {
	case res.State == restore.Failed:
	case f == eds.NotPut:
		*res = restore.Fail(refusal(why))
	case f == eds.PutBeside:
		res.State = restore.Beside
	case f == eds.Put && res.State != restore.Beside:
		res.State = restore.Written
	}
	if r.left[it]--; r.left[it] == 0 {
		delete(r.left, it)
		delete(r.waiting, it)
		r.batch.Done(it, *res)
	}
}

func refusal(err error) error {
	switch {
	case errors.Is(err, eds.ErrTooLarge):
		return &restore.ItemError{Reason: restore.TooLarge, Err: err}
	case errors.Is(err, eds.ErrRefused):
		return &restore.ItemError{Reason: restore.Malformed, Err: err}
	}
	return &restore.ItemError{Reason: restore.Refused, Err: err}
}

func kindOf(component string) eds.Kind {
	switch component {
	case "VEVENT":
		return eds.Calendar
	case "VTODO":
		return eds.TaskList
	case "VJOURNAL":
		return eds.MemoList
	}
	return eds.AddressBook
}

// objectsOf is what an item is to a book. Each has a UID of its own, for what
// has none could be added twice.
func objectsOf(ctx context.Context, it *restore.Item) ([]restore.Object, error) {
	if it.Dataset == source.Notes && isText(it) {
		return memoOf(ctx, it)
	}
	list, err := it.Objects(ctx)
	for i := range list {
		if list[i].Component == "" && source.ParseVCard(list[i].Raw).UID == "" {
			list[i] = list[i].As(list[i].UID)
		}
	}
	return list, err
}

// memoOf makes a VJOURNAL (RFC 5545, 3.6.3) of a note that is text. Its UID
// follows from where the note came from, so that a later version is known as one.
func memoOf(ctx context.Context, it *restore.Item) ([]restore.Object, error) {
	raw, err := it.Bytes(ctx, source.MaxNote)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(raw) || strings.ContainsRune(string(raw), 0) {
		return nil, &restore.ItemError{Reason: restore.Malformed, Err: errors.New("it is not text in UTF-8; restore it to a folder")}
	}
	sum := sha256.Sum256([]byte(it.Account + "\x00" + it.Source + "\x00" + it.ID))
	uid := "note-" + hex.EncodeToString(sum[:16])
	text := strings.ReplaceAll(strings.TrimSuffix(string(raw), "\n"), "\r", "")
	stamp := it.ModTime
	if stamp.IsZero() {
		stamp = time.Unix(0, 0)
	}
	var b strings.Builder
	line := func(name, value string) { foldLine(&b, name+":"+value) }
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//clearance-project//Clearance//EN\r\nBEGIN:VJOURNAL\r\n")
	line("UID", uid)
	line("DTSTAMP", stamp.UTC().Format("20060102T150405Z"))
	line("SUMMARY", textValue(noteTitle(text, it.ID)))
	line("DESCRIPTION", textValue(text))
	b.WriteString("END:VJOURNAL\r\nEND:VCALENDAR\r\n")
	return []restore.Object{{Raw: []byte(b.String()), UID: uid, Component: "VJOURNAL"}}, nil
}

// noteTitle is a note's first heading, else its file's name.
func noteTitle(text, id string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if title, ok := strings.CutPrefix(first, "#"); ok {
		if title = strings.TrimSpace(strings.TrimLeft(title, "#")); title != "" {
			return title
		}
	}
	return strings.ToValidUTF8(strings.TrimSuffix(path.Base(id), path.Ext(id)), "\ufffd")
}

func textValue(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`).Replace(s)
}

// foldLine writes a content line in parts of at most 75 bytes, whole runes
// (RFC 5545, 3.1).
func foldLine(b *strings.Builder, text string) {
	for room := 75; len(text) > room; room = 74 {
		n := room
		for !utf8.RuneStart(text[n]) {
			n--
		}
		fmt.Fprintf(b, "%s\r\n ", text[:n])
		text = text[n:]
	}
	b.WriteString(text + "\r\n")
}
