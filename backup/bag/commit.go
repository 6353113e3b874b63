package bag

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
)

// Addition is a staged file and what it is.
type Addition struct {
	Item      *source.Item
	Rev       string // as read, where that is newer than the item's
	Unsettled bool
	Staged    *Staged
	FirstSeen time.Time
	// Have is the path of a file of the bag with the same content, or empty.
	Have string
}

// fewSyncs is up to how many files are made durable one by one. A sync of
// each makes the file system end its transaction each time: 2,000 photos take
// twice as long so, 100,000 small files ten times.
const fewSyncs = 16

// Secure makes the content of staged files, and their temporary names, durable.
// It may go on while the batch before is committed. After an error the bag must
// be opened again.
func (b *Bag) Secure(batch []Addition) error {
	var loose []*Staged
	for i := range batch {
		if s := batch[i].Staged; !s.durable {
			loose = append(loose, s)
		}
	}
	if len(loose) == 0 {
		return nil
	}
	if err := b.makeDurable(loose); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.fail(err)
	}
	for _, s := range loose {
		s.durable = true
	}
	return nil
}

// Commit puts staged files into the bag: equal content once, the rest each in a
// place of its own; those that [Bag.Secure] did not see are made durable first.
// When it returns nil everything is durable, whatever happens next. After an
// error nothing of the batch counts, and the bag must be opened again.
func (b *Bag) Commit(batch []Addition) ([]Record, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	if err := b.Secure(batch); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return nil, b.broken
	}
	records, entries, err := b.place(batch)
	if err != nil {
		return nil, b.fail(err)
	}
	if err := b.log(entries); err != nil {
		return nil, b.fail(err)
	}
	for i := range entries {
		e := &entries[i]
		if e.Temp == "" {
			err = b.root.Remove(batch[i].Staged.temp)
		} else {
			err = b.root.Place(e.Temp, e.Path)
			b.touch(path.Dir(e.Path))
		}
		if err != nil {
			return nil, b.fail(err)
		}
	}
	return records, nil
}

// makeDurable makes staged files, and their temporary names, durable.
func (b *Bag) makeDurable(files []*Staged) error {
	if b.each {
		return b.root.SyncDir(tempDir)
	}
	if len(files) > fewSyncs && syncAllTells() {
		if err := b.root.SyncAll(); err != nil {
			return err
		}
		files = files[:1] // FAT leaves it to this one to empty the disk's cache
	}
	for _, f := range files {
		if err := syncFile(b.root, f.temp); err != nil {
			return err
		}
	}
	return b.root.SyncDir(tempDir)
}

func syncFile(root disk.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// place chooses where each file of the batch goes.
func (b *Bag) place(batch []Addition) ([]Record, []entry, error) {
	records := make([]Record, len(batch))
	entries := make([]entry, len(batch))
	inBatch := map[[32]byte]string{}
	for i := range batch {
		a := &batch[i]
		r := Record{
			Key: a.Item.Key, Name: a.Item.Name, Rev: a.Rev, Unsettled: a.Unsettled,
			Size: a.Staged.size, SHA256: a.Staged.sum, ModTime: a.Staged.modTime,
			FirstSeen: a.FirstSeen, State: Copied,
		}
		have, adopted := inBatch[r.SHA256], false
		if have == "" && a.Have != "" && b.holds(a.Have, r.Size) {
			have = a.Have
		}
		if have == "" {
			path, taken, err := b.choose(a.Item, &r)
			if err != nil {
				return nil, nil, err
			}
			r.Path, adopted = path, taken
			if taken {
				have = path
			}
		} else {
			r.Path = have
		}
		inBatch[r.SHA256] = r.Path
		e := r.entry()
		if have == "" {
			e.Temp = a.Staged.temp
		}
		e.Adopted = adopted
		records[i], entries[i] = r, e
	}
	return records, entries, nil
}

// holds reports whether the bag still has a file of this size at path.
func (b *Bag) holds(path string, size int64) bool {
	if !payloadPath(path) {
		return false
	}
	st, err := b.root.Lstat(path)
	return err == nil && st.Mode.IsRegular() && st.Size == size
}

func (b *Bag) choose(it *source.Item, r *Record) (string, bool, error) {
	dirs, base := wanted(it)
	dir := "."
	for _, name := range dirs {
		sub, made, err := b.names.folder(dir, name)
		if err != nil {
			return "", false, err
		}
		if made {
			b.touch(dir)
		}
		dir = sub
	}
	return b.names.file(dir, base, func(path string) (bool, error) {
		return b.adopt(path, r)
	})
}

// adopt reports whether the file at path has the content of r, and makes it
// durable if so: a run that was killed, or whose ledger was lost, left it.
func (b *Bag) adopt(path string, r *Record) (bool, error) {
	if !b.holds(path, r.Size) {
		return false, nil
	}
	sum, size, err := hashFile(b.root, path)
	if err != nil || sum != r.SHA256 || size != r.Size {
		return false, err
	}
	b.touch(dirOf(path))
	return true, syncFile(b.root, path)
}

func dirOf(p string) string { return path.Dir(p) }

func hashFile(root disk.Root, name string) (sum [32]byte, size int64, err error) {
	f, err := root.Open(name)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	h.Sum(sum[:0])
	return sum, size, err
}

// log appends lines to the journal and makes them durable.
func (b *Bag) log(entries []entry) error {
	if b.journal == nil {
		f, err := b.root.Append(journalName, fileMode)
		if err != nil {
			return err
		}
		b.journal = f
		if err := b.root.SyncDir(ownDir); err != nil {
			return err
		}
	}
	const usual = 384 // bytes of a line
	buf := make([]byte, 0, usual*len(entries))
	for i := range entries {
		buf = entries[i].append(buf)
	}
	if _, err := b.journal.Write(buf); err != nil {
		return err
	}
	if err := b.journal.Sync(); err != nil {
		return err
	}
	b.pending += len(entries)
	return b.freshen(entries)
}

const maxDirty = 64

// touch notes that names in a folder changed.
func (b *Bag) touch(dir string) {
	if b.dirty == nil {
		return
	}
	if b.dirty[dir] = true; len(b.dirty) > maxDirty {
		b.dirty = nil
	}
}

// settle makes the names of the payload durable.
func (b *Bag) settle() error {
	if b.dirty == nil {
		if err := b.root.SyncAll(); err != nil {
			return err
		}
	}
	for dir := range b.dirty {
		if err := b.root.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	b.dirty = map[string]bool{}
	// Where a renaming is two writes (FAT), the old name must not come back: it
	// would share its bytes with the new one. It goes after the new one is there.
	return b.root.SyncDir(tempDir)
}
