package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"unsafe"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

const (
	chunk = 1 << 20
	align = 4096
)

// cold reads files past the cache. It is used by one goroutine.
type cold struct {
	root disk.Root
	buf  []byte // aligned for O_DIRECT
	keep int    // how much of the content to keep in head
	head []byte
}

func newCold(root disk.Root, keep int) *cold {
	raw := make([]byte, chunk+align)
	skip := (align - int(uintptr(unsafe.Pointer(&raw[0]))%align)) % align
	return &cold{root: root, buf: raw[skip : skip+chunk : skip+chunk], keep: keep}
}

// outcome is what reading one file back showed.
type outcome struct {
	status Status
	why    error
	stat   disk.Stat
}

// read reads the file of e whole and compares it.
func (c *cold) read(ctx context.Context, e *ledger.Entry) outcome {
	f, err := c.root.OpenDirect(e.Path)
	direct := err == nil
	if errors.Is(err, disk.ErrNoDirect) {
		f, err = c.root.Open(e.Path)
	}
	if err != nil {
		return absent(err)
	}
	out := c.readFile(ctx, f, e, direct)
	if direct && out.status == Unknown && errors.Is(out.why, syscall.EINVAL) {
		// Some file systems open with O_DIRECT and refuse to read so.
		if err := f.Close(); err != nil {
			return outcome{status: Unknown, why: err}
		}
		if f, err = c.root.Open(e.Path); err != nil {
			return absent(err)
		}
		out = c.readFile(ctx, f, e, false)
	}
	if err := f.Close(); err != nil && out.status == OK {
		return outcome{status: Unknown, why: err}
	}
	return out
}

func absent(err error) outcome {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return outcome{status: Missing, why: err}
	case errors.Is(err, disk.ErrNotRegular), errors.Is(err, disk.ErrLink), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENOTDIR):
		return outcome{status: Damaged, why: err}
	}
	return outcome{status: Unknown, why: err}
}

func (c *cold) readFile(ctx context.Context, f disk.File, e *ledger.Entry, direct bool) outcome {
	before, err := f.Stat()
	if err != nil {
		return outcome{status: Unknown, why: err}
	}
	if before.Size != e.Size {
		return outcome{status: Damaged, why: fmt.Errorf("it has %d bytes, not %d", before.Size, e.Size)}
	}
	if !direct {
		if err := uncache(f); err != nil {
			return outcome{status: Unknown, why: err}
		}
	}
	sum, n, err := c.hash(ctx, f)
	if err != nil {
		return outcome{status: Unknown, why: err}
	}
	after, err := f.Stat()
	if err != nil {
		return outcome{status: Unknown, why: err}
	}
	switch {
	case !before.Same(after):
		return outcome{status: Unknown, why: errors.New("it changed while it was read")}
	case n != e.Size:
		return outcome{status: Damaged, why: fmt.Errorf("%d bytes could be read, not %d", n, e.Size)}
	case sum != e.SHA256:
		return outcome{status: Damaged, why: errors.New("its content is not what was copied")}
	}
	return outcome{status: OK, stat: after}
}

// ErrCached says that a file could only be read from the cache.
var ErrCached = errors.New("the system kept it in memory, so the disk itself could not be read")

// uncache drops the cached pages. Pages that wait to be written are written
// first and dropped on a second go.
func uncache(f disk.File) error {
	for range 2 {
		left, err := f.Drop()
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	left, err := f.Drop()
	if err == nil && left > 0 {
		err = ErrCached
	}
	return err
}

func (c *cold) hash(ctx context.Context, f disk.File) (sum [32]byte, n int64, err error) {
	h := sha256.New()
	c.head = c.head[:0]
	for {
		if err := ctx.Err(); err != nil {
			return sum, n, err
		}
		m, err := f.Read(c.buf)
		h.Write(c.buf[:m])
		n += int64(m)
		if room := c.keep - len(c.head); room > 0 {
			c.head = append(c.head, c.buf[:min(m, room)]...)
		}
		if errors.Is(err, io.EOF) {
			h.Sum(sum[:0])
			return sum, n, nil
		}
		if err != nil {
			return sum, n, err
		}
	}
}
