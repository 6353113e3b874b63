package verify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

// Of a small file the reading takes less than waiting for it, so many are opened
// and then read at once. What cannot be read so is read by itself.

// asked is an open file and what it was before it is read.
type asked struct {
	e      *ledger.Entry
	f      disk.File
	before disk.Stat
}

// readAll reads files and tells what each showed, in no order. It ends at the
// first error of tell; what ctx kept from being read is not told of.
func (c *cold) readAll(ctx context.Context, part []ledger.Entry, tell func(*ledger.Entry, outcome) error) error {
	alone := make([]*ledger.Entry, 0, len(part))
	var errs []error
	if len(part) > 1 && c.atOnce() {
		files, err := c.ask(part, &alone, tell)
		errs = append(errs, err)
		for i := range files {
			errs = append(errs, c.answer(&files[i], &c.reads[i], &alone, tell))
		}
	} else {
		for i := range part {
			alone = append(alone, &part[i])
		}
	}
	for _, e := range alone {
		if ctx.Err() != nil || errors.Join(errs...) != nil {
			break
		}
		if out := c.read(ctx, e); ctx.Err() == nil {
			errs = append(errs, tell(e, out))
		}
	}
	return errors.Join(errs...)
}

// atOnce reports whether files can be read together.
func (c *cold) atOnce() bool {
	if c.many == nil && !c.never {
		var err error
		c.many, err = disk.NewMany(atOnce)
		c.never = err != nil
	}
	return c.many != nil
}

// ask opens files and reads them.
func (c *cold) ask(part []ledger.Entry, alone *[]*ledger.Entry, tell func(*ledger.Entry, outcome) error) ([]asked, error) {
	files, total := make([]asked, 0, len(part)), int64(0)
	var errs []error
	for i := range part {
		e := &part[i]
		f, err := c.root.OpenDirect(e.Path)
		switch {
		case errors.Is(err, disk.ErrNoDirect):
			*alone = append(*alone, e)
			continue
		case err != nil:
			errs = append(errs, tell(e, absent(err)))
			continue
		}
		before, out := lookAt(f, e)
		if out.status != OK {
			errs = append(errs, tell(e, closed(f, out)))
			continue
		}
		files, total = append(files, asked{e, f, before}), total+pages(e.Size)
	}
	slices.SortFunc(files, func(a, b asked) int { return cmp.Compare(a.before.Ino, b.before.Ino) })
	c.reads = c.reads[:0]
	err := c.room(total)
	at := int64(0)
	for i := range files {
		r := disk.Reading{Err: err}
		if err == nil {
			n := pages(files[i].e.Size)
			r.File, r.Into, at = files[i].f, c.buf[at:at+n], at+n
		}
		c.reads = append(c.reads, r)
	}
	if err == nil {
		c.many.Read(c.reads)
	}
	return files, errors.Join(errs...)
}

// pages is the length of a read that shows whether a file is longer than size.
func pages(size int64) int64 { return (size/align + 1) * align }

// answer judges what was read of a file. One of which not exactly as much came as
// there is, is read by itself.
func (c *cold) answer(a *asked, r *disk.Reading, alone *[]*ledger.Entry, tell func(*ledger.Entry, outcome) error) error {
	if r.Err != nil || int64(r.N) != a.e.Size {
		if err := a.f.Close(); err != nil {
			return tell(a.e, unknown(err))
		}
		*alone = append(*alone, a.e)
		return nil
	}
	text := r.Into[:r.N]
	out := compare(a.f, a.e, a.before, sha256.Sum256(text), a.e.Size)
	if out.status == OK && c.look != nil {
		out.odd = c.look(a.e, bytes.NewReader(text))
	}
	out.direct = true
	return tell(a.e, closed(a.f, out))
}

// lookAt says what an open file is, and whether that can be the one of e.
func lookAt(f disk.File, e *ledger.Entry) (disk.Stat, outcome) {
	st, err := f.Stat()
	switch {
	case err != nil:
		return st, unknown(err)
	case st.Size != e.Size:
		return st, outcome{status: Damaged, why: fmt.Errorf("it has %d bytes, not %d", st.Size, e.Size)}
	}
	return st, outcome{status: OK}
}

// compare judges n bytes that were read of a file, by their sum.
func compare(f disk.File, e *ledger.Entry, before disk.Stat, sum [32]byte, n int64) outcome {
	after, err := f.Stat()
	switch {
	case err != nil:
		return unknown(err)
	case !before.Same(after):
		return unknown(errors.New("it changed while it was read"))
	case n != e.Size:
		return outcome{status: Damaged, why: fmt.Errorf("%d bytes could be read, not %d", n, e.Size)}
	case sum != e.SHA256:
		return outcome{status: Damaged, why: errors.New("its content is not what was copied")}
	}
	return outcome{status: OK, stat: after}
}

// closed closes a file of which out is known.
func closed(f disk.File, out outcome) outcome {
	if err := f.Close(); err != nil && out.status == OK {
		return unknown(err)
	}
	return out
}
