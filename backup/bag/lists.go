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
	if b.fresh != nil && !b.stale && !b.fresh.placed.twice() {
		return &additions{b}, nil
	}
	return b.survey()
}

// additions are lists of which the journal takes nothing away but the lines of
// names that are used again.
type additions struct{ bag *Bag }

func (a *additions) manifest(w io.Writer) error {
	held := heldBack{}
	err := a.bag.eachManifestLine(func(text []byte) error { return held.pass(w, a.bag.fresh.placed, text) })
	if err == nil {
		err = a.bag.fresh.manifest.copyTo(&watched{to: w, held: held})
	}
	if err != nil {
		return err
	}
	return held.rest(w)
}

func (a *additions) items(w io.Writer) error {
	if err := copyFile(a.bag.root, itemsName, w); err != nil {
		return err
	}
	return a.bag.fresh.items.copyTo(w)
}

// changes is what the journal does to the manifest: which lines go, and which
// come. The last line of the journal that speaks of a path decides.
type changes struct {
	bag    *Bag
	gone   map[string]int // path → number of the last line of the journal that takes it out
	placed *placed
	last   map[string]int      // of the paths placed twice: the number of the last line
	agreed map[string][32]byte // where the lists were damaged: the manifest to go by
}

// places reports whether a line of the journal makes one of the manifest.
func (e *entry) places() bool {
	return e.State == Edited || e.State == Copied && (e.Temp != "" || e.Adopted)
}

func (b *Bag) survey() (*changes, error) {
	c := &changes{bag: b, gone: map[string]int{}, placed: newPlaced(), last: map[string]int{}}
	n := 0
	err := b.eachEntry(func(e *entry) error {
		n++
		switch e.State {
		case Lost:
			c.gone[e.Path] = n
		case Edited:
			c.gone[e.Was] = n
		}
		if e.places() {
			c.placed.add(e.Path)
		}
		return nil
	})
	if err == nil && c.placed.twice() {
		n = 0
		err = b.eachEntry(func(e *entry) error {
			if n++; e.places() && c.placed.twice(e.Path) {
				c.last[e.Path] = n
			}
			return nil
		})
	}
	if err == nil && b.stale {
		c.agreed, err = b.agreed()
	}
	return c, err
}

// eachEntry reads the journal from its beginning; a damaged line is an error.
func (b *Bag) eachEntry(each func(*entry) error) error {
	bad, err := b.eachOf(each)
	if err == nil && bad > 0 {
		err = fmt.Errorf("cannot read the journal: %d lines are damaged", bad)
	}
	return err
}

// eachSoundEntry reads the journal and passes damaged lines over.
func (b *Bag) eachSoundEntry(each func(*entry) error) error {
	_, err := b.eachOf(each)
	return err
}

func (b *Bag) eachOf(each func(*entry) error) (bad int, err error) {
	f, err := b.root.Open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	torn, err := readJournal(f, each, func([]byte) { bad++ })
	if torn {
		bad++
	}
	return bad, err
}

// manifest writes the old manifest without what is gone or has a new line, and
// the new lines.
func (c *changes) manifest(w io.Writer) error {
	held := heldBack{}
	lines := c.bag.eachManifestLine
	if c.agreed != nil {
		lines = c.agreedLines
	}
	err := lines(func(text []byte) error {
		if c.gone[ManifestPath(text)] > 0 {
			return nil
		}
		return held.pass(w, c.placed, text)
	})
	if err != nil {
		return err
	}
	n := 0
	err = c.bag.eachEntry(func(e *entry) error {
		if n++; !e.places() {
			return nil
		}
		delete(held, e.Path)
		if last, twice := c.last[e.Path]; n < c.gone[e.Path] || twice && n < last {
			return nil
		}
		_, err := fmt.Fprintf(w, "%s  %s\n", e.SHA256, e.Path)
		return err
	})
	if err != nil {
		return err
	}
	return held.rest(w)
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
// yet folded, and that no later line takes out. A run that was killed may have
// put items in that its ledger does not know; this is where it learns of them.
func (b *Bag) Waiting() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		gone := map[string]int{} // path → number of the last line that takes it out
		n := 0
		err := b.eachEntry(func(e *entry) error {
			switch n++; e.State {
			case Lost:
				gone[e.Path] = n
			case Edited:
				gone[e.Was] = n
			}
			return nil
		})
		stop := errors.New("stop")
		if n = 0; err == nil {
			err = b.eachEntry(func(e *entry) error {
				if n++; e.State != Copied || n < gone[e.Path] {
					return nil
				}
				r, err := e.record()
				if err == nil && !yield(r, nil) {
					return stop
				}
				return err
			})
		}
		if err != nil && !errors.Is(err, stop) {
			yield(Record{}, trouble(err))
		}
	}
}
