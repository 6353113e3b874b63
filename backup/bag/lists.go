package bag

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
)

// news writes the lists as the journal makes them.
type news interface {
	manifest(w io.Writer) error
	items(w io.Writer) error
}

func (b *Bag) news() (news, error) {
	if b.fresh != nil && !b.stale {
		return &additions{b}, nil
	}
	return b.survey()
}

// additions are lists that only grow.
type additions struct{ bag *Bag }

func (a *additions) manifest(w io.Writer) error {
	return a.write(w, manifestName, &a.bag.fresh.manifest)
}
func (a *additions) items(w io.Writer) error { return a.write(w, itemsName, &a.bag.fresh.items) }

func (a *additions) write(w io.Writer, name string, more *spool) error {
	if err := copyFile(a.bag.root, name, w); err != nil {
		return err
	}
	return more.copyTo(w)
}

// changes is what the journal does to the manifest: which lines go, and which
// of the old ones must not be written twice.
type changes struct {
	bag     *Bag
	gone    map[string]int      // path → number of the last line of the journal that takes it out
	adopted map[string]bool     // paths that may be in the manifest already
	agreed  map[string][32]byte // where the lists were damaged: the manifest to go by
}

func (b *Bag) survey() (*changes, error) {
	c := &changes{bag: b, gone: map[string]int{}, adopted: map[string]bool{}}
	n := 0
	err := b.eachEntry(func(e *entry) error {
		n++
		switch {
		case e.State == Lost:
			c.gone[e.Path] = n
		case e.State == Edited:
			c.gone[e.Was] = n
		case e.Adopted:
			c.adopted[e.Path] = true
		}
		return nil
	})
	if err == nil && b.stale {
		c.agreed, err = b.agreed()
	}
	return c, err
}

// eachEntry reads the journal from its beginning.
func (b *Bag) eachEntry(each func(*entry) error) error {
	f, err := b.root.Open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	bad, err := readJournal(f, each)
	if err == nil && bad > 0 {
		err = fmt.Errorf("cannot read the journal: %d lines are damaged", bad)
	}
	return err
}

// manifest writes the old manifest without what is gone, and the new lines.
func (c *changes) manifest(w io.Writer) error {
	seen := map[string]bool{}
	lines := c.bag.eachManifestLine
	if c.agreed != nil {
		lines = c.agreedLines
	}
	err := lines(func(text []byte) error {
		path := ManifestPath(text)
		if c.gone[path] > 0 {
			return nil
		}
		if c.adopted[path] {
			seen[path] = true
		}
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	return c.bag.eachEntry(func(e *entry) error {
		n++
		if e.State == Lost || e.Temp == "" && !e.Adopted && e.State != Edited || n < c.gone[e.Path] || seen[e.Path] {
			return nil
		}
		if e.Adopted || e.State == Edited {
			seen[e.Path] = true
		}
		_, err := fmt.Fprintf(w, "%s  %s\n", e.SHA256, e.Path)
		return err
	})
}

// ManifestPath is the path in a line of a manifest of ours, "" if it is none.
func ManifestPath(text []byte) string {
	text = trimLF(text)
	if len(text) < 67 || text[64] != ' ' || text[65] != ' ' {
		return ""
	}
	for _, c := range text[:64] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	if p := string(text[66:]); payloadPath(p) {
		return p
	}
	return ""
}

// items writes the old items.jsonl and the new lines.
func (c *changes) items(w io.Writer) error {
	if err := c.oldItems(w); err != nil {
		return err
	}
	var text []byte
	return c.bag.eachEntry(func(e *entry) error {
		text = append(e.line.appendTo(text[:0]), '\n')
		_, err := w.Write(text)
		return err
	})
}

func (c *changes) oldItems(w io.Writer) error {
	if c.agreed != nil {
		return c.soundItems(w)
	}
	err := copyFile(c.bag.root, itemsName, w)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Items reads items.jsonl: every version of every item that was folded, the
// oldest first. A line that cannot be read is left out: it is for people and
// restoring, never evidence. An error ends it.
func (b *Bag) Items() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f, err := b.root.Open(itemsName)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				yield(Record{}, trouble(err))
			}
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, maxLine)
		for {
			text, err := in.ReadSlice('\n')
			if r, perr := ParseLine(bytes.TrimSpace(text)); perr == nil && !yield(r, nil) {
				return
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				yield(Record{}, trouble(err))
				return
			}
		}
	}
}

// Waiting reads the journal: every version that is in the bag for good and not
// yet folded. A run that was killed may have put items in that its ledger does
// not know; this is where it learns of them.
func (b *Bag) Waiting() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		stop := errors.New("stop")
		err := b.eachEntry(func(e *entry) error {
			if e.State != Copied {
				return nil
			}
			r, err := e.record()
			if err == nil && !yield(r, nil) {
				return stop
			}
			return err
		})
		if err != nil && !errors.Is(err, stop) {
			yield(Record{}, trouble(err))
		}
	}
}
