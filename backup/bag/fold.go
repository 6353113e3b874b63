package bag

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"

	"github.com/clearance-project/clearance/backup/disk"
)

// folded are the files that a fold writes, in the order in which they are put in
// place; the tag manifest, which speaks of the others, is last.
var folded = [...]string{manifestName, itemsName, failuresName, tagName}

// tagged are the files that the tag manifest lists. What is rebuilt (index.html,
// export/) is not among them.
var tagged = [...]string{declarationName, infoName, manifestName, itemsName, failuresName}

// Fold puts what waits in the journal into the manifest and items.jsonl, and
// writes failures.jsonl. It does nothing where nothing changed.
func (b *Bag) Fold(failures iter.Seq[Failure]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	text, err := failureText(failures)
	if err != nil {
		return err
	}
	if b.pending == 0 && !b.stale {
		same, err := b.same(failuresName, text)
		if err != nil {
			return b.fail(err)
		}
		if same {
			return nil
		}
	}
	if err := b.writeFold(text); err != nil {
		return b.fail(fmt.Errorf("cannot bring the list of the copy up to date: %w", err))
	}
	b.stale = false
	if err := b.rollForward(); err != nil {
		return b.fail(err)
	}
	err = b.fresh.drop()
	b.startFresh()
	return b.fail(err)
}

func failureText(failures iter.Seq[Failure]) ([]byte, error) {
	var out bytes.Buffer
	if failures == nil {
		return nil, nil
	}
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for f := range failures {
		if err := enc.Encode(f.line()); err != nil {
			return nil, fmt.Errorf("cannot list the failure of %q: %w", f.ID, err)
		}
	}
	return out.Bytes(), nil
}

// same reports whether a file holds exactly text.
func (b *Bag) same(name string, text []byte) (bool, error) {
	f, err := b.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	have := sha256.New()
	n, err := io.Copy(have, io.LimitReader(f, int64(len(text))+1))
	want := sha256.Sum256(text)
	return n == int64(len(text)) && bytes.Equal(have.Sum(nil), want[:]), err
}

// writeFold writes the new lists beside the old ones and commits to them.
func (b *Bag) writeFold(failures []byte) error {
	if err := b.settle(); err != nil {
		return err
	}
	if err := b.emptyDir(foldNew); err != nil {
		return err
	}
	if err := b.root.Mkdir(foldNew, dirMode); err != nil {
		return err
	}
	news, err := b.news()
	if err != nil {
		return err
	}
	sums := map[string][32]byte{}
	write := func(name string, fill func(io.Writer) error) error {
		sum, err := b.writeSummed(foldNew+"/"+name, fill)
		sums[name] = sum
		return err
	}
	if err := write(manifestName, news.manifest); err != nil {
		return err
	}
	if err := write(itemsName, news.items); err != nil {
		return err
	}
	if err := write(failuresName, func(w io.Writer) error { _, err := w.Write(failures); return err }); err != nil {
		return err
	}
	if err := write(tagName, func(w io.Writer) error { return b.tagLines(w, sums) }); err != nil {
		return err
	}
	if err := b.root.SyncDir(foldNew); err != nil {
		return err
	}
	if err := b.root.Replace(foldNew, foldDir); err != nil {
		return err
	}
	return b.root.SyncDir(ownDir)
}

// writeSummed writes a new file, makes its content durable and gives its sum.
func (b *Bag) writeSummed(name string, fill func(io.Writer) error) (sum [32]byte, err error) {
	f, err := b.root.Create(name, fileMode)
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	out := bufio.NewWriterSize(&teeHash{f, h}, 1<<20)
	err = fill(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	h.Sum(sum[:0])
	return sum, errors.Join(err, f.Close())
}

type teeHash struct {
	f disk.File
	h hash.Hash
}

func (t *teeHash) Write(p []byte) (int, error) {
	n, err := t.f.Write(p)
	t.h.Write(p[:n])
	return n, err
}

func (b *Bag) tagLines(w io.Writer, sums map[string][32]byte) error {
	for _, name := range tagged {
		sum, ok := sums[name]
		if !ok {
			var err error
			if sum, _, err = hashFile(b.root, name); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
		}
		if _, err := io.WriteString(w, manifestLine(sum, name)); err != nil {
			return err
		}
	}
	return nil
}

// rollForward puts a committed fold in place, from wherever it was left.
func (b *Bag) rollForward() error {
	if err := b.root.Remove(tagName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := b.root.SyncDir("."); err != nil {
		return err
	}
	for _, name := range folded {
		if name == tagName {
			if err := b.root.SyncDir("."); err != nil {
				return err
			}
		}
		err := b.root.Replace(foldDir+"/"+name, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := b.root.SyncDir("."); err != nil {
		return err
	}
	if b.journal != nil {
		if err := b.journal.Close(); err != nil {
			return err
		}
		b.journal = nil
	}
	if err := b.root.Remove(journalName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := b.root.SyncDir(ownDir); err != nil {
		return err
	}
	b.pending = 0
	if err := b.root.Remove(foldDir); err != nil {
		return err
	}
	return b.root.SyncDir(ownDir)
}

// retag writes the tag manifest of the lists as they are.
func (b *Bag) retag() error {
	const temp = tempDir + "/tag"
	if _, err := b.writeSummed(temp, func(w io.Writer) error { return b.tagLines(w, nil) }); err != nil {
		return err
	}
	if err := b.root.Replace(temp, tagName); err != nil {
		return err
	}
	return b.root.SyncDir(".")
}
