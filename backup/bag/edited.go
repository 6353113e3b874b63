package bag

import (
	"errors"
	"io/fs"
	"path"
)

// Heal looks at a payload file that is not what it was. A file whose content
// still has the sum stays (whole is true). One that someone edited is kept as
// "name~edited.ext" and listed, and its old place is free for the original to be
// copied anew. One that is gone is taken off the manifest. All of it is durable
// when Heal returns; the manifest follows with [Bag.Fold].
func (b *Bag) Heal(p string, sum [32]byte, size int64) (whole bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return false, b.broken
	}
	if !payloadPath(p) {
		return false, &fs.PathError{Op: "heal", Path: p, Err: fs.ErrInvalid}
	}
	st, err := b.root.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, b.fail(b.lost(p))
	}
	if err != nil {
		return false, b.fail(err)
	}
	if !st.Mode.IsRegular() {
		return false, b.fail(b.aside(p, [32]byte{}, -1))
	}
	got, n, err := hashFile(b.root, p)
	if err != nil {
		return false, b.fail(err)
	}
	if got == sum && n == size {
		return true, nil
	}
	return false, b.fail(b.aside(p, got, n))
}

func (b *Bag) lost(p string) error {
	b.names.remove(path.Dir(p), path.Base(p))
	return b.log([]entry{{line: line{Path: p, State: Lost}}})
}

// aside renames what stands at p to a name of its own. What is not a regular
// file is moved too, but no manifest can list it.
func (b *Bag) aside(p string, sum [32]byte, size int64) error {
	dir, base := path.Dir(p), path.Base(p)
	to, _, err := b.names.file(dir, withSuffix(base, "~edited"), nil)
	if err != nil {
		return err
	}
	if size < 0 {
		if err := b.lost(p); err != nil {
			return err
		}
	} else {
		r := Record{Path: to, SHA256: sum, Size: size, State: Edited}
		e := r.entry()
		e.Was = p
		if err := syncFile(b.root, p); err != nil {
			return err
		}
		if err := b.log([]entry{e}); err != nil {
			return err
		}
	}
	if err := b.root.Place(p, to); err != nil {
		return err
	}
	b.names.remove(dir, base)
	b.touch(dir)
	return nil
}
