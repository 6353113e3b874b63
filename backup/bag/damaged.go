package bag

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

// What a damaged line of the journal spoke of is in the bag, and nobody knows
// what it is: it may be acknowledged. The lines, and the staged files that no
// line speaks of any more, are kept here until [Bag.Reclaim] and [Bag.Relist]
// were told by somebody with a list of his own.
const (
	damagedDir   = ".clearance/damaged"
	damagedLines = damagedDir + "/lines"

	maxDamagedLine = 4 << 10  // bytes of a line that are kept
	maxDamaged     = 64 << 20 // bytes that are counted: the file may be anybody's
)

// damage gathers what of a journal could not be read.
type damage struct {
	lines bytes.Buffer
	torn  bool // the last line has no end: the run that wrote it was killed, or it is damaged
}

func (d *damage) add(text []byte) {
	d.lines.Write(trimLF(text[:min(len(text), maxDamagedLine)]))
	d.lines.WriteByte('\n')
}

func (d *damage) any() bool { return d.torn || d.lines.Len() > 0 }

// keepDamaged writes down what could not be read, before the journal is written
// anew without it.
func (b *Bag) keepDamaged(d *damage) error {
	if !d.any() {
		return nil
	}
	if err := b.root.Mkdir(damagedDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := b.root.Append(damagedLines, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(d.lines.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return errors.Join(b.root.SyncDir(damagedDir), b.root.SyncDir(ownDir))
}

// countDamaged says how many lines are kept, and whether anything is.
func countDamaged(root disk.Root) (lines int, some bool, err error) {
	f, err := root.Open(damagedLines)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	in, buf := io.LimitReader(f, maxDamaged), make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		lines += bytes.Count(buf[:n], []byte("\n"))
		if errors.Is(err, io.EOF) {
			return lines, true, nil
		}
		if err != nil {
			return lines, true, err
		}
	}
}

// setAside keeps a staged file that no line speaks of, where a damaged one may
// have; else it goes. What a run spools is in the journal as well.
func (b *Bag) setAside(name string) error {
	if b.found.Mend && !strings.HasSuffix(name, "-manifest") && !strings.HasSuffix(name, "-items") && strings.Contains(name, "-") {
		return b.root.Place(tempDir+"/"+name, damagedDir+"/"+name)
	}
	return b.root.Remove(tempDir + "/" + name)
}

// Reclaim brings staged files, which a damaged line of the journal spoke of, to
// the places that known says their contents have; what it does not know goes. It
// says how many items came back so.
func (b *Bag) Reclaim(known func(sum [32]byte, size int64) (Record, bool, error)) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return 0, b.broken
	}
	list, err := b.root.Names(damagedDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, b.fail(err)
	}
	for _, name := range list {
		at := damagedDir + "/" + name
		if at == damagedLines {
			continue
		}
		came, err := b.reclaim(at, known)
		if err != nil {
			return n, b.fail(err)
		}
		if came {
			n++
		}
	}
	return n, nil
}

func (b *Bag) reclaim(at string, known func([32]byte, int64) (Record, bool, error)) (bool, error) {
	sum, size, err := hashFile(b.root, at)
	if err != nil {
		return false, err
	}
	r, ok, err := known(sum, size)
	if err != nil {
		return false, err
	}
	there := false
	if ok {
		if there, err = b.present(r.Path); err != nil {
			return false, err
		}
	}
	if !ok || there || !payloadPath(r.Path) || r.SHA256 != sum {
		return false, b.root.Remove(at) // what is at its place is looked at there
	}
	st, err := b.root.Lstat(at)
	if err != nil {
		return false, err
	}
	r.ModTime = time.Unix(0, st.MtimeNS)
	e := r.entry()
	e.Adopted = true
	if err := b.rebuild(&e); err != nil {
		return false, err
	}
	if err := syncFile(b.root, at); err != nil {
		return false, err
	}
	if err := b.root.Place(at, e.Path); err != nil {
		return false, err
	}
	for _, dir := range []string{path.Dir(e.Path), damagedDir} {
		if err := b.root.SyncDir(dir); err != nil {
			return false, err
		}
	}
	b.touch(path.Dir(e.Path))
	return e.Path == r.Path, b.log([]entry{e})
}

// Mended says that what could not be read was told of by somebody else: it is
// kept no longer.
func (b *Bag) Mended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if err := b.emptyDir(damagedDir); err != nil {
		return b.fail(fmt.Errorf("cannot mend the copy's lists: %w", err))
	}
	b.found.Mend, b.found.Damaged = false, 0
	return b.fail(b.root.SyncDir(ownDir))
}
