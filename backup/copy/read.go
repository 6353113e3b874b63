package copy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

const (
	bufferSize = 1 << 20
	tries      = 3
)

// itemError says that one item cannot be copied, and why.
type itemError struct {
	reason source.Reason
	err    error
}

func (e *itemError) Error() string { return fmt.Sprintf("%s: %v", e.reason, e.err) }
func (e *itemError) Unwrap() error { return e.err }

// sink takes the bytes of one reading.
type sink interface {
	io.Writer
	// Restart forgets what was written.
	Restart() error
}

// reading is what is known of an item once its bytes were read.
type reading struct {
	rev       string
	unsettled bool
	modTime   time.Time
	size      int64
}

var errMoved = errors.New("it changed while it was read")

// read gives the bytes of an item to to, whole and of one state, within three
// tries. It fails with an *itemError, with ctx's error, or with to's.
func read(ctx context.Context, it *source.Item, to sink, w *worker, now func() time.Time) (reading, error) {
	var last error
	for try := range tries {
		if try > 0 {
			if err := to.Restart(); err != nil {
				return reading{}, err
			}
		}
		r, err := readOnce(ctx, it, to, w, now)
		if err == nil {
			return r, nil
		}
		ie, ok := errors.AsType[*itemError](err)
		if !ok || ctx.Err() != nil || final(ie.reason) {
			return r, err
		}
		last = err
	}
	return reading{}, last
}

// final reports whether another try would see the same.
func final(r source.Reason) bool { return r == source.Vanished || r == source.Special }

func readOnce(ctx context.Context, it *source.Item, to sink, w *worker, now func() time.Time) (reading, error) {
	if it.File != nil {
		return readFile(ctx, it, to, w, now)
	}
	if it.Open == nil {
		return reading{}, &itemError{source.Unreadable, errors.New("its source gave no way to read it")}
	}
	var in io.ReadCloser
	var err, cerr error
	w.asking(func() { in, err = it.Open(ctx) })
	if err != nil {
		return reading{}, opening(err)
	}
	n, err := pump(ctx, in, -1, to, w)
	w.asking(func() { cerr = in.Close() })
	if err != nil {
		return reading{}, err
	}
	if cerr != nil {
		return reading{}, &itemError{source.Unreadable, cerr}
	}
	if it.Size >= 0 && n != it.Size {
		return reading{}, &itemError{source.Changing, fmt.Errorf("it has %d bytes, but %d were listed", n, it.Size)}
	}
	return reading{rev: it.Rev, unsettled: it.Unsettled, modTime: it.ModTime, size: n}, nil
}

func readFile(ctx context.Context, it *source.Item, to sink, w *worker, now func() time.Time) (reading, error) {
	var f *scan.Reader
	var before, after scan.Stat
	var err error
	w.asking(func() { f, before, err = it.File.OpenReader() })
	if err != nil {
		return reading{}, opening(err)
	}
	began := now() // the opening may take long, on a disk that has to spin up
	defer w.asking(func() { _ = f.Close() })
	n, err := pump(ctx, f, before.Size, to, w)
	if err != nil {
		return reading{}, err
	}
	w.asking(func() { after, err = f.Stat() })
	if err != nil {
		return reading{}, &itemError{source.Unreadable, err}
	}
	if before != after || n != after.Size {
		return reading{}, &itemError{source.Changing, errMoved}
	}
	return reading{
		rev: after.Rev(), unsettled: it.Unsettled || after.Unsettled(began),
		modTime: after.ModTime(), size: n,
	}, nil
}

func opening(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &itemError{source.Vanished, err}
	case errors.As(err, new(*scan.NotRegularError)):
		return &itemError{source.Special, err}
	}
	return &itemError{source.Unreadable, err}
}

// pump copies in to to: to its end, or where size is known (not -1) and in gives
// more, without end perhaps, until that shows. Errors of in are the item's.
func pump(ctx context.Context, in io.Reader, size int64, to io.Writer, w *worker) (n int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		buf := w.buf
		if size >= 0 {
			buf = buf[:min(int64(len(buf)), size-n+1)]
		}
		var m int
		var rerr error
		w.asking(func() { m, rerr = in.Read(buf) })
		if m > 0 {
			if _, err := to.Write(buf[:m]); err != nil {
				if _, ok := errors.AsType[*bag.TooLargeError](err); ok {
					return n, &itemError{source.TooLarge, err}
				}
				return n, err
			}
			n += int64(m)
		}
		switch {
		case errors.Is(rerr, io.EOF):
			return n, nil
		case rerr != nil:
			return n, &itemError{source.Unreadable, rerr}
		case size >= 0 && (n > size || n == size && m < len(buf)):
			return n, nil // asked for one byte more than there are, it gave none: that is its end
		}
	}
}
