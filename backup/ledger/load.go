package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/clearance-project/clearance/backup/disk"
)

// load reads the file, and writes it anew where that is due.
func (l *Ledger) load() error {
	if err := l.root.Remove(newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := l.root.Append(fileName, 0o600)
	if err != nil {
		return err
	}
	l.file = f
	if err := l.replay(f); err != nil {
		_ = f.Close()
		return err
	}
	// Not closed in order: what a reader sees now may be in the cache alone,
	// after a failed sync. Writing it anew makes it true or fails.
	if !l.closed || l.dead > 1<<20 && l.dead > l.size/2 {
		if err := l.rewrite(); err != nil {
			return err
		}
	}
	l.synced = l.size // closed in good order, or written anew just now
	return nil
}

// replay builds the table from the file.
func (l *Ledger) replay(f io.ReaderAt) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), maxBody+headSize)
	head, err := in.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(head) != magic {
		if len(head) == len(magic) {
			return errors.New("it is not a list of copies, or one of a newer version")
		}
		l.dropped = int64(len(head))
		return nil
	}
	l.size = int64(len(magic))
	if _, err := in.Discard(len(magic)); err != nil {
		return err
	}
	for {
		body, size, err := next(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, errTorn) || err == nil && !l.apply(body) {
			return l.drop(in)
		}
		if err != nil {
			return err
		}
		l.size += int64(size)
		if _, err := in.Discard(size); err != nil {
			return err
		}
	}
}

// drop counts what follows a damaged record. It is left out when the file is
// written anew.
func (l *Ledger) drop(in io.Reader) error {
	n, err := io.Copy(io.Discard, in)
	l.dropped, l.closed = n, false
	return err
}

// next peeks at the next record.
func next(in *bufio.Reader) (body []byte, size int, err error) {
	need := headSize
	for {
		b, err := in.Peek(need)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		if len(b) == 0 {
			return nil, 0, io.EOF
		}
		if len(b) < need {
			return nil, 0, errTorn
		}
		body, size, more, err := unframe(b)
		if err != nil || more == 0 {
			return body, size, err
		}
		need = more
	}
}

// apply takes one record, at l.size, into the table.
func (l *Ledger) apply(body []byte) bool {
	l.closed = false
	switch body[0] {
	case recItem:
		e, ok := parseEntry(body)
		if !ok {
			return false
		}
		sum := sumOf(&e.Key)
		l.listed(&sum, &e, l.size, len(body))
		delete(l.failures, sum)
	case recVerified:
		sum, _, _, ok := parseVerified(body)
		if !ok {
			return false
		}
		if n := l.table.find(&sum); n != noRow && l.table.row(n).off >= 0 {
			l.verified(n, l.size, len(body))
		}
	case recForget:
		sum, ok := parseSum(body)
		if !ok {
			return false
		}
		if n := l.table.find(&sum); n != noRow && l.table.row(n).off >= 0 {
			l.forgotten(n, len(body))
		}
	case recFailure:
		f, ok := parseFailure(body)
		if !ok {
			return false
		}
		sum := sumOf(&f.Key)
		l.failed(&sum, f)
	case recCleared:
		sum, ok := parseSum(body)
		if !ok {
			return false
		}
		delete(l.failures, sum)
	case recClosed:
		l.closed = len(body) == 1
		return l.closed
	default:
		return false
	}
	return true
}

// rewrite writes the live records to a new file and puts it in place.
func (l *Ledger) rewrite() error {
	out, err := l.root.Create(newName, 0o600)
	if err != nil {
		return err
	}
	err = l.writeTo(out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot write it anew: %w", err)
	}
	if err := l.root.Replace(newName, fileName); err != nil {
		return err
	}
	if err := l.root.SyncDir("."); err != nil {
		return err
	}
	f, err := l.root.Append(fileName, 0o600)
	if err != nil {
		return err
	}
	_ = l.file.Close() // the old one, only read from here on
	l.file, l.closed = f, true
	return l.reload(f)
}

// reload points the table at the new file.
func (l *Ledger) reload(f io.ReaderAt) error {
	dropped := l.dropped
	l.table, l.dead, l.size, l.failures = table{}, 0, 0, map[keySum]Failure{}
	if err := l.replay(f); err != nil {
		return err
	}
	if !l.closed {
		return errors.New("what was written cannot be read back")
	}
	l.dropped = dropped
	return nil
}

func (l *Ledger) writeTo(f disk.File) error {
	out := bufio.NewWriterSize(f, 1<<20)
	if _, err := out.WriteString(magic); err != nil {
		return err
	}
	var body, rec []byte
	put := func(b []byte, err error) error {
		if err == nil {
			body, rec = b, frame(rec[:0], b)
			_, err = out.Write(rec)
		}
		return err
	}
	items, verified := newWindow(l.file), newWindow(l.file)
	for n := range l.table.rows {
		r := *l.table.row(n)
		if r.off < 0 {
			continue
		}
		e, err := l.read(r, items, verified)
		if err != nil {
			return err
		}
		if err := put(putEntry(body[:0], &e)); err != nil {
			return err
		}
	}
	for _, f := range l.failures {
		if err := put(putFailure(body[:0], &f)); err != nil {
			return err
		}
	}
	if err := put(append(body[:0], recClosed), nil); err != nil {
		return err
	}
	return out.Flush()
}
