package bag

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/disk"
)

// identityOf is what tells one file from another that took its name.
type identityOf struct {
	ino     uint64
	mtimeNS int64
	size    int64
}

// listState is which files are the lists just now. The journal grows, so only
// which file it is counts.
type listState struct {
	tag, manifest, items identityOf
	journal              uint64
	fold                 uint64
}

func (r *Reader) state() (s listState) {
	id := func(name string) identityOf {
		st, err := r.root.Lstat(name)
		if err != nil {
			return identityOf{}
		}
		return identityOf{st.Ino, st.MtimeNS, st.Size}
	}
	s.tag, s.manifest, s.items = id(tagName), id(manifestName), id(itemsName)
	s.journal, s.fold = id(journalName).ino, id(foldDir).ino
	return s
}

// hold opens the lists. A fold that was committed stands for what it is about to
// replace, and has the journal in it.
func (r *Reader) hold() (err error) {
	_, err = r.root.Lstat(foldDir)
	r.folded = err == nil
	if r.manifest, err = r.holdOne(manifestName); err != nil {
		return err
	}
	if r.items, err = r.holdOne(itemsName); err != nil {
		return err
	}
	if r.journal, err = r.openList(journalName); err != nil {
		return err
	}
	return r.judgeLists()
}

func (r *Reader) holdOne(name string) (*list, error) {
	if r.folded {
		l, err := r.openList(foldDir + "/" + name)
		if l != nil || err != nil {
			return l, err
		}
	}
	return r.openList(name)
}

// openList opens a list; nil where there is none.
func (r *Reader) openList(name string) (*list, error) {
	f, err := r.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &list{f, st.Size}, nil
}

const maxTagManifest = 64 << 10

// judgeLists holds the lists against the tag manifest.
func (r *Reader) judgeLists() error {
	r.lists, r.why = ListsWhole, ""
	alter := func(why string) {
		if r.lists == ListsWhole {
			r.lists, r.why = ListsAltered, why
		}
	}
	tag, err := r.holdOne(tagName)
	if err != nil {
		return err
	}
	if r.tagged = tag != nil; !r.tagged {
		alter("tagmanifest-sha256.txt is not there, so nothing says whether the lists of the copy are whole")
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(tag.reader(), maxTagManifest))
	if err = errors.Join(err, tag.f.Close()); err != nil {
		return err
	}
	want := map[string]string{}
	for l := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimRight(l, "\r\n"), "  ")
		if ok {
			want[name] = sum
		}
	}
	for name, l := range map[string]*list{manifestName: r.manifest, itemsName: r.items} {
		if l == nil {
			alter(name + " is not there")
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, l.reader()); err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
		if hex.EncodeToString(h.Sum(nil)) != want[name] {
			alter(name + " was changed by something else than Clearance")
		}
	}
	return nil
}

// sumRow is a line of a manifest: the path by half of its digest.
type sumRow struct {
	path [16]byte
	sum  [32]byte
}

// sumTable holds sums by path, 48 bytes a file.
type sumTable []sumRow

// maxListed bounds the lines of a list: memory is bounded by it.
const maxListed = 20_000_000

var errTooMany = errors.New("its lists name more files than can be held")

func (t *sumTable) add(path string, sum [32]byte) error {
	if len(*t) >= maxListed {
		return errTooMany
	}
	h := sha256.Sum256([]byte(path))
	*t = append(*t, sumRow{[16]byte(h[:16]), sum})
	return nil
}

// seal sorts the table; lines of one path keep their order.
func (t sumTable) seal() {
	slices.SortStableFunc(t, func(a, b sumRow) int { return bytes.Compare(a.path[:], b.path[:]) })
}

// rows are the lines of one path.
func (t sumTable) rows(path string) (from, to int) {
	h := sha256.Sum256([]byte(path))
	from, found := slices.BinarySearchFunc(t, h[:16], func(r sumRow, p []byte) int { return bytes.Compare(r.path[:], p) })
	if !found {
		return 0, 0
	}
	for to = from; to < len(t) && bytes.Equal(t[to].path[:], h[:16]); to++ {
	}
	return from, to
}

func (t sumTable) last(path string) (sum [32]byte, ok bool) {
	from, to := t.rows(path)
	if from == to {
		return sum, false
	}
	return t[to-1].sum, true
}

func (t sumTable) only(path string) (sum [32]byte, err error) {
	from, to := t.rows(path)
	if from == to {
		return sum, ErrUnlisted
	}
	for _, r := range t[from:to] {
		if r.sum != t[from].sum {
			return sum, ErrTwoSums
		}
	}
	return t[from].sum, nil
}

// loadSums reads the manifest into memory.
func (r *Reader) loadSums() error {
	err := eachLine(r.manifest.reader(), func(text []byte, whole bool) error {
		p := ManifestPath(text)
		if p == "" || !whole {
			r.unreadable++
			return nil
		}
		var sum [32]byte
		if _, err := hex.Decode(sum[:], text[:64]); err != nil {
			r.unreadable++
			return nil
		}
		return r.sums.add(p, sum)
	})
	r.sums.seal()
	r.listed = make([]bool, len(r.sums))
	return err
}

// eachLine calls each for every line, with its end; whole is false for a part
// of a line longer than any of ours.
func eachLine(in io.Reader, each func(text []byte, whole bool) error) error {
	lines := bufio.NewReaderSize(in, maxLine)
	part := false
	for {
		text, err := lines.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if len(text) > 0 {
			if err := each(text, !full && !part); err != nil {
				return err
			}
		}
		part = full
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !full {
			return err
		}
	}
}

// present reports whether name is a regular file of the bag.
func (r *Reader) present(name string) (disk.Stat, bool) {
	st, err := r.root.Lstat(name)
	return st, err == nil && st.Mode.IsRegular()
}
