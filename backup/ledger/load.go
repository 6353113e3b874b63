package ledger

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/source"
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
	if !l.closed || l.seed == nil || l.dead > 1<<20 && l.dead > l.size/2 {
		if err := l.rewrite(); err != nil {
			_ = l.file.Close()
			return err
		}
	}
	l.synced = l.size          // closed in good order, or written anew just now
	return l.root.SyncDir(".") // whoever wrote it anew may not have come to this
}

// replay builds the table from the file.
func (l *Ledger) replay(f io.ReaderAt) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), maxBody+headSize)
	head, err := in.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	first := string(head) == magic1
	if !first && string(head) != magic {
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
		if errors.Is(err, errTorn) || err == nil && !l.apply(body, first) {
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

// apply takes one record, at l.size, into the table. Without a seed there is
// nothing to be understood, but in a file of the first version.
func (l *Ledger) apply(body []byte, first bool) bool {
	l.closed = false
	if body[0] == recSeed {
		if first || l.seed != nil || len(body) != 1+seedSize {
			return false
		}
		l.seed = bytes.Clone(body[1:])
		return true
	}
	if l.seed == nil && !first {
		return false
	}
	switch body[0] {
	case recItem:
		return l.applyItem(body)
	case recVerified:
		sum, _, _, ok := parseVerified(body)
		if n := l.table.findLive(&sum); ok && n != noRow {
			l.verified(n, l.size, len(body))
		}
		return ok
	case recForget:
		sum, ok := parseSum(body)
		if n := l.table.findLive(&sum); ok && n != noRow {
			l.forgotten(n, len(body))
		}
		return ok
	case recFailure:
		f, ok := parseFailure(body)
		if ok {
			sum := l.sumOf(&f.Key)
			l.failed(&sum, f)
		}
		return ok
	case recCleared:
		sum, ok := parseSum(body)
		if ok {
			delete(l.failures, sum)
		}
		return ok
	case recPlace:
		at, ok := parsePlace(body)
		if ok {
			l.moved(at)
		}
		return ok
	case recReading:
		r, ok := parseReading(body)
		if ok {
			l.reading = r
		}
		return ok
	case recClosed:
		l.closed = len(body) == 1
		return l.closed
	}
	return false
}

func (l *Ledger) applyItem(body []byte) bool {
	it, ok := parseItem(body)
	if !ok {
		return false
	}
	var sum keySum
	if l.seed == nil {
		e, _ := parseEntry(body, nil)
		sum = l.sumOf(&e.Key)
	} else {
		var room [384]byte
		sum = keySumOf(append(append(room[:0], l.seed...), it.key...))
	}
	l.listed(&sum, l.size, len(body), revSum(it.rev), it.flags)
	if !l.outlives(&sum, it.flags&rowVerified != 0) {
		delete(l.failures, sum)
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
	l.free()
	l.seed, l.dead, l.size, l.more, l.failures = nil, 0, 0, 0, map[keySum]Failure{}
	l.at, l.reading = Destination{}, Reading{}
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
	out := recordWriter{out: bufio.NewWriterSize(f, 1<<20)}
	if _, err := out.out.WriteString(magic); err != nil {
		return err
	}
	seed := l.seed
	if seed == nil {
		seed = make([]byte, seedSize)
		if _, err := rand.Read(seed); err != nil {
			return err
		}
	}
	out.put(append([]byte{recSeed}, seed...), nil)
	if l.at != (Destination{}) {
		out.put(putPlace(nil, &l.at))
	}
	in, last := newWindows(l.file), source.Ref{}
	for n := range l.table.rows {
		r := l.table.row(n)
		if !r.live() {
			continue
		}
		e, err := l.read(r, in, &last)
		if err != nil {
			return err
		}
		out.put(putEntry(out.body[:0], &e))
	}
	for _, f := range l.failures {
		out.put(putFailure(out.body[:0], &f))
	}
	if l.reading != (Reading{}) {
		out.put(putReading(out.body[:0], &l.reading))
	}
	out.put([]byte{recClosed}, nil)
	return errors.Join(out.err, out.out.Flush())
}

// recordWriter writes records until the first error.
type recordWriter struct {
	out       *bufio.Writer
	body, rec []byte
	err       error
}

func (w *recordWriter) put(body []byte, err error) {
	if w.err != nil {
		return
	}
	if err == nil {
		w.body, w.rec = body, frame(w.rec[:0], body)
		_, err = w.out.Write(w.rec)
	}
	w.err = err
}
