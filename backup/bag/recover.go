package bag

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/clearance-project/clearance/backup/disk"
)

// recover finishes what a killed run had begun. It holds the lock.
func (b *Bag) recover() error {
	if err := b.root.Mkdir(tempDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := b.root.Lstat(foldDir); err == nil {
		if err := b.rollForward(); err != nil {
			return err
		}
		b.found.Fold = true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := b.emptyDir(foldNew); err != nil {
		return err
	}
	if err := b.restoreJournal(); err != nil {
		return err
	}
	var err error
	if b.found.Damaged, b.found.Mend, err = countDamaged(b.root); err != nil {
		return err
	}
	if err := b.emptyTemp(); err != nil {
		return err
	}
	if b.pending > 0 {
		b.dirty = nil // renames of the run before may not be durable: make everything so
	}
	if there, err := b.present(manifestName); err != nil {
		return err
	} else if !there {
		b.stale = true
	}
	if there, err := b.present(tagName); err != nil {
		return err
	} else if !there {
		return b.retag()
	}
	return b.checkLists()
}

// restoreJournal finishes the renames of the journal and writes it anew: what is
// read from it now may be in the cache alone, after a failed sync.
func (b *Bag) restoreJournal() error {
	if err := b.root.Remove(journalNew); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	old, err := b.root.Open(journalName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	fresh, err := b.root.Create(journalNew, fileMode)
	if err != nil {
		return err
	}
	n, err := b.copyJournal(old, fresh)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	if n == 0 {
		if err := errors.Join(b.root.Remove(journalNew), b.root.Remove(journalName)); err != nil {
			return err
		}
		return b.root.SyncDir(ownDir)
	}
	if err := b.root.Replace(journalNew, journalName); err != nil {
		return err
	}
	if err := b.root.SyncDir(ownDir); err != nil {
		return err
	}
	b.pending = n
	b.journal, err = b.root.Append(journalName, fileMode)
	return err
}

func (b *Bag) copyJournal(old, fresh disk.File) (n int, err error) {
	out := bufio.NewWriterSize(fresh, 1<<20)
	var buf []byte
	var found damage
	found.torn, err = readJournal(old, func(e *entry) error {
		keep, err := b.finish(e)
		if err != nil || !keep {
			return err
		}
		n++
		buf = e.append(buf[:0])
		_, err = out.Write(buf)
		return err
	}, found.add)
	if err == nil {
		err = b.keepDamaged(&found)
	}
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}

// finish does what a line of the journal says, where it is not done; false if it
// cannot be.
func (b *Bag) finish(e *entry) (bool, error) {
	switch {
	case e.State == Lost:
		return true, nil
	case e.State == Edited:
		return b.finishMove(e, e.Was)
	case e.Temp != "":
		return b.finishMove(e, e.Temp)
	}
	return b.present(e.Path)
}

func (b *Bag) finishMove(e *entry, from string) (bool, error) {
	waiting, err := b.present(from)
	if err != nil {
		return false, err
	}
	there, err := b.present(e.Path)
	if err != nil {
		return false, err
	}
	switch {
	case there && (!waiting || e.State == Edited):
		return true, nil
	case e.State == Edited && waiting:
		edited, err := b.stillEdited(e)
		if err != nil {
			return false, err
		}
		if !edited {
			*e = entry{line: line{Path: e.Was, State: Lost}}
			b.found.Lost++
			return true, nil
		}
	case !there && !waiting:
		b.found.Lost++
		return false, nil
	case there:
		if done, err := b.halfPlaced(from, e.Path); done || err != nil {
			return done, err
		}
		// Someone put a file there while the line waited for its rename.
		dir, base := path.Split(e.Path)
		p, _, err := b.names.file(path.Clean(dir), base, nil)
		if err != nil {
			return false, err
		}
		e.Path = p
	}
	if err := b.rebuild(e); err != nil {
		return false, err
	}
	if err := b.root.Place(from, e.Path); err != nil {
		return false, err
	}
	b.found.Finished++
	b.touch(path.Dir(e.Path))
	b.touch(path.Dir(from))
	return true, nil
}

// halfPlaced reports whether both names are of one file, as where a file system
// renames in two steps, and ends that.
func (b *Bag) halfPlaced(from, to string) (bool, error) {
	x, err := b.root.Lstat(from)
	if err != nil {
		return false, err
	}
	y, err := b.root.Lstat(to)
	if err != nil || x.Dev != y.Dev || x.Ino != y.Ino {
		return false, err
	}
	b.found.Finished++
	b.touch(path.Dir(to))
	return true, b.root.Remove(from)
}

// stillEdited reports whether the file at the place from which an edited one is to
// be moved is that, and not what was copied there since, be it the same bytes.
func (b *Bag) stillEdited(e *entry) (bool, error) {
	sum, _, err := hashFile(b.root, e.Was)
	if err != nil || hex.EncodeToString(sum[:]) != e.SHA256 {
		return false, err
	}
	met, since := false, false
	err = b.eachSoundEntry(func(l *entry) error {
		switch {
		case l.State == Edited && l.Path == e.Path && l.Was == e.Was:
			met, since = true, false
		case met && l.places() && l.Path == e.Was:
			waiting := false
			if l.Temp != "" {
				waiting, err = b.present(l.Temp)
			}
			since = since || !waiting
			return err
		}
		return nil
	})
	return !since, err
}

// rebuild makes the folders that a line's file goes to: a power cut may have
// taken them, or somebody else. Where something else has the name of one, the
// file goes to another.
func (b *Bag) rebuild(e *entry) error {
	dir, base := path.Split(e.Path)
	at := "."
	for name := range strings.SplitSeq(path.Clean(dir), "/") {
		sub, made, err := b.names.folder(at, name)
		if err != nil {
			return err
		}
		if made {
			b.touch(at)
		}
		at = sub
	}
	if at == path.Clean(dir) {
		return nil
	}
	p, _, err := b.names.file(at, base, nil)
	if err == nil {
		e.Path = p
	}
	return err
}

// present reports whether name is a regular file. A folder above it that is gone,
// or no folder any more, makes it absent too.
func (b *Bag) present(name string) (bool, error) {
	st, err := b.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrLink) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	return err == nil && st.Mode.IsRegular(), err
}

// emptyTemp takes staged files away that no line speaks of.
func (b *Bag) emptyTemp() error {
	list, err := b.root.Names(tempDir)
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := b.setAside(n); err != nil {
			return err
		}
	}
	return nil
}

// emptyDir removes a folder of files, if it is there.
func (b *Bag) emptyDir(dir string) error {
	list, err := b.root.Names(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range list {
		if err := b.root.Remove(dir + "/" + n); err != nil {
			return err
		}
	}
	return b.root.Remove(dir)
}
