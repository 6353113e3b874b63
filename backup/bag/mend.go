package bag

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
)

// ItemsName is the list of every version of every item, as [Recovered] names it.
const ItemsName = itemsName

// damagedLists names the files about the bag itself that are not what its tag
// manifest says. A fold changes them and it together, so somebody else did this.
func (b *Bag) damagedLists() (names []string, err error) {
	tags, err := readSmall(b.root, tagName)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for line := range strings.Lines(string(tags)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		said[name] = sum
	}
	for _, name := range tagged {
		sum, _, err := hashFile(b.root, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || said[name] != hex.EncodeToString(sum[:]) {
			names = append(names, name)
		}
	}
	return names, nil
}

// checkLists looks for damage of the lists, mends what is always the same, and
// has the next fold write the rest anew.
func (b *Bag) checkLists() error {
	names, err := b.damagedLists()
	if err != nil || len(names) == 0 {
		return err
	}
	b.found.Lists, b.stale = names, true
	if !slices.Contains(names, declarationName) {
		return nil
	}
	const temp = tempDir + "/declaration"
	if err := writeFile(b.root, temp, declaration, fileMode); err != nil {
		return err
	}
	return b.root.Replace(temp, declarationName)
}

// agreed is the manifest as the old one and items.jsonl tell it together, for a
// bag of which somebody changed one or both. Where they contradict each other
// the file itself decides; if it is neither, items.jsonl does, and sha256sum
// goes on to name the file.
func (b *Bag) agreed() (map[string][32]byte, error) {
	sums, err := b.listed()
	if err != nil {
		return nil, err
	}
	both := map[string]bool{}
	for l, err := range b.Manifest() {
		if err != nil {
			return nil, err
		}
		known, ok := sums[l.Path]
		switch {
		case ok && known == l.SHA256:
			both[l.Path] = true
		case !ok:
			sums[l.Path] = l.SHA256
		default:
			if is, _, err := hashFile(b.root, l.Path); err == nil && is == l.SHA256 {
				sums[l.Path] = l.SHA256
			}
		}
	}
	for path := range sums {
		there, err := b.present(path)
		if err != nil {
			return nil, err
		}
		if !there && !both[path] {
			delete(sums, path)
		}
	}
	return sums, nil
}

// listed are the payload files of items.jsonl and what every bag holds.
func (b *Bag) listed() (map[string][32]byte, error) {
	sums := map[string][32]byte{}
	for r, err := range b.Items() {
		switch {
		case err != nil:
			return nil, err
		case r.State == Lost:
			delete(sums, r.Path)
		default:
			sums[r.Path] = r.SHA256
		}
	}
	sum, _, err := hashFile(b.root, aboutName)
	if err == nil {
		sums[aboutName] = sum
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return sums, nil
}

// soundItems writes the lines of items.jsonl that can be read and that the
// manifest does not contradict.
func (c *changes) soundItems(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for r, err := range c.bag.Items() {
		if err != nil {
			return err
		}
		if r.State != Lost && c.agreed[r.Path] != r.SHA256 {
			continue
		}
		l := r.line()
		if err := out.Encode(&l); err != nil {
			return err
		}
	}
	return nil
}

// agreedLines gives the lines of the agreed manifest.
func (c *changes) agreedLines(each func(text []byte) error) error {
	for path, sum := range c.agreed {
		if err := each([]byte(manifestLine(sum, path))); err != nil {
			return err
		}
	}
	return nil
}

// Relist lists items again that the bag holds and items.jsonl no longer tells
// of, because somebody damaged it. [Bag.Fold] writes them down.
func (b *Bag) Relist(records []Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if len(records) == 0 {
		return nil
	}
	entries := make([]entry, 0, len(records))
	for i := range records {
		e := records[i].entry()
		e.Adopted = true
		entries = append(entries, e)
	}
	return b.fail(b.log(entries))
}

// Line is a line of the manifest.
type Line struct {
	Path   string
	SHA256 [32]byte
}

// Manifest reads manifest-sha256.txt as it stands. What is no line of ours is
// left out. An error ends it.
func (b *Bag) Manifest() iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		stop := errors.New("stop")
		err := b.eachManifestLine(func(text []byte) error {
			l := Line{Path: ManifestPath(text)}
			if _, err := hex.Decode(l.SHA256[:], text[:64]); err != nil {
				return err
			}
			if !yield(l, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(Line{}, trouble(err))
		}
	}
}

// eachManifestLine reads the manifest as it stands, line by line with its end;
// nothing where there is none.
func (b *Bag) eachManifestLine(each func(text []byte) error) error {
	f, err := b.root.Open(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		if len(text) > 0 && ManifestPath(text) != "" {
			if err := each(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
