package ledger

import (
	"errors"
	"fmt"
	"io/fs"
)

// append adds a record to what will be written and gives its place.
func (l *Ledger) append(body []byte) (int64, error) {
	l.body = body
	if l.broken != nil {
		return 0, l.broken
	}
	off := l.size + int64(len(l.buf))
	if off > maxFile-maxBody {
		return 0, l.fail(errors.New("cannot write the list of copies: it is full"))
	}
	l.buf = frame(l.buf, body)
	l.closed = false
	if len(l.buf) >= 256<<10 {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	return off, nil
}

// flush hands what waits to the system. It is not durable for that.
func (l *Ledger) flush() error {
	if l.broken != nil {
		return l.broken
	}
	if len(l.buf) == 0 {
		return nil
	}
	if n, err := l.file.Write(l.buf); err != nil {
		return l.fail(fmt.Errorf("cannot write the list of copies after %d bytes: %w", n, err))
	}
	l.size += int64(len(l.buf))
	l.buf = l.buf[:0]
	return nil
}

func (l *Ledger) fail(err error) error {
	l.broken = err
	return err
}

// Sync makes everything listed so far durable. After an error the ledger must
// be opened again.
func (l *Ledger) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sync()
}

func (l *Ledger) sync() error {
	if err := l.flush(); err != nil {
		return err
	}
	if l.synced == l.size {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return l.fail(fmt.Errorf("cannot make the list of copies durable: %w", err))
	}
	l.synced = l.size
	return nil
}

// Close makes the list durable and closes it. Nothing is held any more for
// those who ask.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.broken
	if err == nil && !l.closed {
		// The record that it was closed in order vouches for all before it, so it is
		// written when those are durable.
		if err = l.sync(); err == nil {
			if _, err = l.append([]byte{recClosed}); err == nil {
				err = l.sync()
			}
		}
	}
	if l.broken == nil {
		l.broken = fmt.Errorf("cannot use the list of copies: %w", fs.ErrClosed)
	}
	l.free()
	return errors.Join(err, l.file.Close(), l.lock.Close(), l.root.Close())
}
