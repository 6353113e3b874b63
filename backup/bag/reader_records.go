package bag

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/source"
)

// survey goes through the lists once: which files they speak of, which renames
// are not finished, what was moved.
func (r *Reader) survey(ctx context.Context) error {
	n := 0
	mark := func(l *line) error {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if n > maxListed {
			return errTooMany
		}
		from, to := r.sums.rows(l.Path)
		for i := from; i < to; i++ {
			r.listed[i] = true
		}
		if l.State == Edited && l.Was != "" {
			r.moved[l.Was] = true
		}
		return nil
	}
	if err := r.eachItem(mark, func() { r.unreadable++ }); err != nil {
		return err
	}
	if err := r.eachWaiting(func(e *entry) error {
		if err := mark(&e.line); err != nil {
			return err
		}
		return r.await(e)
	}, func([]byte) { r.unreadable++ }); err != nil {
		return err
	}
	kept, _, err := countDamaged(r.root)
	if err != nil {
		kept++ // nobody knows how many
	}
	r.unreadable += kept
	r.newer.seal()
	return nil
}

// await notes what the manifest does not say yet of a line of the journal.
func (r *Reader) await(e *entry) error {
	from := e.Temp
	if e.State == Edited {
		from = e.Was
	}
	if from != "" {
		if _, there := r.present(from); there && (e.State != Edited || !r.there(e.Path)) {
			r.left[e.Path] = from
		}
	}
	if e.State == Lost || from == "" && !e.Adopted {
		return nil
	}
	rec, err := e.line.record()
	if err != nil {
		return err
	}
	return r.newer.add(e.Path, rec.SHA256)
}

func (r *Reader) there(name string) bool {
	_, ok := r.present(name)
	return ok
}

// eachItem reads items.jsonl.
func (r *Reader) eachItem(each func(*line) error, bad func()) error {
	return eachLine(r.items.reader(), func(text []byte, whole bool) error {
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			return nil
		}
		var l line
		if !whole || json.Unmarshal(text, &l) != nil {
			bad()
			return nil
		}
		if _, err := l.record(); err != nil || l.Was != "" && !payloadPath(l.Was) {
			bad()
			return nil
		}
		return each(&l)
	})
}

// eachWaiting reads the journal, where it is not folded. Its last line may be
// torn: then nothing was acknowledged by it.
func (r *Reader) eachWaiting(each func(*entry) error, bad func(text []byte)) error {
	if r.folded || r.journal == nil {
		return nil
	}
	_, err := readJournal(r.journal.reader(), each, bad)
	return err
}

var errStop = errors.New("the reader stopped")

// Records yields every version of every item, the oldest first, as the lists
// have them: nothing is said of the files themselves. A file that was edited in
// the bag comes as a version, with state [Edited], of each item whose place it
// had. A file that the manifest names and no line speaks of comes last, named by
// its path. An error ends it.
func (r *Reader) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		at := map[string][]source.Key{} // of the places in r.moved
		pass := func(l *line) error {
			rec, err := l.record()
			if err != nil {
				return nil // counted by the survey
			}
			for _, v := range versions(l, rec, at, r.moved) {
				if !yield(v, nil) {
					return errStop
				}
			}
			return nil
		}
		err := r.eachItem(pass, func() {})
		if err == nil {
			err = r.eachWaiting(func(e *entry) error { return pass(&e.line) }, func([]byte) {})
		}
		if err == nil {
			err = r.unspoken(yield)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Record{}, unreadable(err))
		}
	}
}

// versions are the records that a line stands for.
func versions(l *line, rec Record, at map[string][]source.Key, moved map[string]bool) []Record {
	switch rec.State {
	case Copied:
		if moved[rec.Path] {
			at[rec.Path] = append(at[rec.Path], rec.Key)
		}
		return []Record{rec}
	case Edited:
		var out []Record
		for _, k := range at[l.Was] {
			v := rec
			v.Key = k
			out = append(out, v)
		}
		delete(at, l.Was)
		return out
	}
	delete(at, rec.Path)
	return nil
}

// unspoken yields what the manifest names and no line speaks of: the line was
// lost, the file is there.
func (r *Reader) unspoken(yield func(Record, error) bool) error {
	return eachLine(r.manifest.reader(), func(text []byte, whole bool) error {
		p := ManifestPath(text)
		if p == "" || !whole || p == aboutName {
			return nil
		}
		from, to := r.sums.rows(p)
		if from == to || r.listed[from] {
			return nil
		}
		sum, err := r.sums.only(p)
		if err != nil {
			return nil //nolint:nilerr // a file with two sums cannot be told from a wrong one
		}
		st, there := r.present(p)
		rec := Record{Path: p, SHA256: sum, State: Copied, Name: path.Base(p)}
		if there {
			rec.Size, rec.ModTime = st.Size, time.Unix(0, st.MtimeNS).UTC()
		}
		set, rest, _ := strings.Cut(strings.TrimPrefix(p, "data/"), "/")
		rec.Dataset, rec.ID = source.Dataset(set), rest
		if rec.Dataset != source.Files {
			rec.Source, rec.ID, _ = strings.Cut(rest, "/")
		}
		if rec.ID == "" {
			rec.ID = rest
		}
		if !yield(rec, nil) {
			return errStop
		}
		return nil
	})
}
