package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/ledger"
)

// Earlier says how the files stand that the copy lists and the ledger does not
// hold: earlier versions of items that changed, what a person edited, the text
// that says what the folder is.
type Earlier struct {
	Files    int   // that were read back
	Bytes    int64 // read back, and right
	Problems []EarlierProblem
}

// EarlierProblem is a file that is not what the copy's own lists say.
type EarlierProblem struct {
	Path   string
	SHA256 [32]byte // that it should have: by items.jsonl where the manifest says another
	Size   int64    // as it is; 0 where it is gone
	Status Status
	Err    error
}

// RunEarlier reads back what the copy lists beyond the ledger. There is nothing
// but the copy's own lists to hold it against, so manifest-sha256.txt and
// items.jsonl must agree: who takes a file and every line of it away is not
// found out. No item that must be in the copy rests on this. The error is ctx's,
// the ledger's or the destination's.
func RunEarlier(ctx context.Context, b *bag.Bag, l *ledger.Ledger) (Earlier, error) {
	var e Earlier
	sums := map[string][32]byte{}
	for line, err := range b.Manifest() {
		if err != nil {
			return e, fmt.Errorf("cannot read the list of the copy: %w", err)
		}
		held, ok, err := l.ByContent(&line.SHA256)
		if err != nil {
			return e, err
		}
		if !ok || held.Path != line.Path {
			sums[line.Path] = line.SHA256
		}
	}
	told, err := contradicted(b, sums)
	if err != nil {
		return e, err
	}
	c := &cold{root: b.Root()}
	defer c.end()
	for path, sum := range sums {
		other, odd := told[path]
		if odd {
			sum = other
		}
		if err := e.read(ctx, c, path, sum); err != nil {
			return e, err
		}
	}
	return e, nil
}

// contradicted are the files of which items.jsonl tells another sum, which it is.
func contradicted(b *bag.Bag, sums map[string][32]byte) (map[string][32]byte, error) {
	told := map[string][32]byte{}
	for r, err := range b.Items() {
		if err != nil {
			return nil, fmt.Errorf("cannot read the list of the copy: %w", err)
		}
		if sum, ok := sums[r.Path]; ok && r.State != bag.Lost && r.SHA256 != sum {
			told[r.Path] = r.SHA256
		} else {
			delete(told, r.Path)
		}
	}
	return told, nil
}

func (e *Earlier) read(ctx context.Context, c *cold, path string, sum [32]byte) error {
	st, err := c.root.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out := c.read(ctx, &ledger.Entry{Path: path, SHA256: sum, Size: st.Size})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.Files++
	if out.status == OK {
		e.Bytes += st.Size
		return nil
	}
	e.Problems = append(e.Problems, EarlierProblem{Path: path, SHA256: sum, Size: st.Size, Status: out.status, Err: out.why})
	return nil
}

// PutAside takes what is damaged or gone off the copy's lists, so that
// sha256sum accepts the copy again once they are folded; a damaged file stays,
// under a name that says so.
func (e *Earlier) PutAside(b *bag.Bag) error {
	for _, p := range e.Problems {
		if p.Status == Unknown {
			continue
		}
		if _, err := b.Heal(p.Path, p.SHA256, p.Size); err != nil {
			return err
		}
	}
	return nil
}
