package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/disk"
)

// Item is one version of one item, on its way back.
type Item struct {
	bag.Record
	// Book is the folder, address book or calendar it comes from, as the bag
	// names it.
	Book string
	// Older is set for a version that is not the one that is meant: the newest, or
	// where the ledger has the item, the ledger's.
	Older bool
	// Proof is who says what its bytes must be.
	Proof Proof

	names []string // its path beneath a folder, see layout
	from  *bag.Reader
	bad   *ItemError // known before it is read
}

// Names is the item's path beneath a folder: its dataset, what it comes from,
// its own folders and name. The names are the original bytes where those are
// harmless; none is empty, ".", ".." or holds "/" or a zero byte. They are
// distinct for distinct paths, but items of two sources may share one.
func (it *Item) Names() []string { return it.names }

// Title is what a person would call it; raw bytes.
func (it *Item) Title() string {
	if it.Name != "" {
		return it.Name
	}
	return it.ID
}

// Bytes reads the item, at most limit bytes. Errors are *ItemError, or ctx's.
func (it *Item) Bytes(ctx context.Context, limit int64) ([]byte, error) {
	if it.Size > limit {
		return nil, &ItemError{TooLarge, fmt.Errorf("it has %d bytes, and %d are the most that can be taken", it.Size, limit)}
	}
	var out bytes.Buffer
	if err := it.CopyTo(ctx, &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// CopyTo writes the item's bytes to w. Only when it returns nil were they the
// right ones: what was written before is to be thrown away otherwise. Errors are
// *ItemError for the copy's, *writeError for w's, or ctx's.
func (it *Item) CopyTo(ctx context.Context, w io.Writer) error {
	if it.bad != nil {
		return it.bad
	}
	f, err := it.from.Open(it.Path)
	if err != nil {
		return it.unopened(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return &ItemError{Unreadable, err}
	}
	if st.Size != it.Size {
		return &ItemError{Damaged, fmt.Errorf("it has %d bytes and had %d", st.Size, it.Size)}
	}
	h := sha256.New()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	n, err := io.CopyBuffer(&sink{w: w}, io.TeeReader(&steady{ctx: ctx, in: io.LimitReader(f, it.Size+1)}, h), *buf)
	if _, ours := errors.AsType[*writeError](err); ours || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	if err != nil {
		return &ItemError{Unreadable, err}
	}
	if n != it.Size || [32]byte(h.Sum(nil)) != it.SHA256 {
		return &ItemError{Damaged, errors.New("its bytes are no longer those that were copied")}
	}
	return nil
}

// buffers are for reading: large ones, for there are few calls to make then.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 512<<10)
	return &b
}}

// whole reports whether a file of the size that the lists say is there at all: a
// list may say anything.
func (it *Item) whole() bool {
	n, err := it.from.Size(it.Path)
	return err == nil && n == it.Size
}

func (it *Item) unopened(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &ItemError{Missing, errors.New("it is no longer in the copy")}
	case errors.Is(err, disk.ErrLink), errors.Is(err, disk.ErrNotRegular), errors.Is(err, fs.ErrInvalid):
		return &ItemError{Damaged, err}
	}
	return &ItemError{Unreadable, err}
}

// steady reads until the context ends.
type steady struct {
	ctx context.Context
	in  io.Reader
}

func (s *steady) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.in.Read(p)
}

// writeError tells an error of the target's from one of the copy's.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

type sink struct{ w io.Writer }

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}
