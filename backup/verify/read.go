package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/backup/disk"
	"github.com/clearance-project/clearance/backup/ledger"
)

const (
	chunk = 1 << 20   // bytes of a large file read at once
	whole = 16 << 20  // bytes of a file that is kept in memory to be looked into
	again = 256 << 10 // bytes of a larger one that looking into it reads at once
	align = 4096      // what O_DIRECT asks of buffers and offsets, at most
)

// cold reads files past the cache. It is used by one goroutine.
type cold struct {
	root disk.Root
	look func(*ledger.Entry, io.ReaderAt) error // may be nil
	buf  []byte                                 // outside of Go's heap, and so aligned

	many  *disk.Many // nil: not yet, or never
	never bool
	reads []disk.Reading
}

// room makes the buffer hold n bytes and one more page, so that a read beyond
// the end can show that there is more.
func (c *cold) room(n int64) error {
	size := 64 << 10
	for int64(size) < n+align {
		size *= 2
	}
	if size <= len(c.buf) {
		return nil
	}
	c.free()
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("cannot get %d bytes of memory: %w", size, err)
	}
	c.buf = b
	return nil
}

// end gives back what c works with.
func (c *cold) end() {
	c.free()
	if c.many != nil {
		_ = c.many.Close() // there is nothing left that it could still do
	}
}

func (c *cold) free() {
	if c.buf != nil {
		_ = unix.Munmap(c.buf)
		c.buf = nil
	}
}

// outcome is what reading one file back showed.
type outcome struct {
	status Status
	why    error
	stat   disk.Stat
	direct bool
	odd    error // what looking into it found
}

func unknown(why error) outcome { return outcome{status: Unknown, why: why} }

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
			return unknown(err)
		}
		if f, err = c.root.Open(e.Path); err != nil {
			return absent(err)
		}
		out = c.readFile(ctx, f, e, false)
	}
	return closed(f, out)
}

func absent(err error) outcome {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return outcome{status: Missing, why: err}
	case errors.Is(err, disk.ErrNotRegular), errors.Is(err, disk.ErrLink), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENOTDIR):
		return outcome{status: Damaged, why: err}
	}
	return unknown(err)
}

func (c *cold) readFile(ctx context.Context, f disk.File, e *ledger.Entry, direct bool) outcome {
	before, out := lookAt(f, e)
	if out.status != OK {
		return out
	}
	if !direct {
		if err := uncache(f); err != nil {
			return unknown(err)
		}
	}
	sum, n, err := c.hash(ctx, f, e.Size)
	if err != nil {
		return unknown(err)
	}
	out = compare(f, e, before, sum, n)
	if out.status != OK {
		return out
	}
	out.direct = direct
	if out.odd, err = c.lookInto(f, e); err != nil {
		return unknown(err)
	}
	if !direct {
		_, _ = f.Drop() // the cache is for others
	}
	return out
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

// hash reads size bytes and asks for more. A file of up to whole bytes is in the
// buffer afterwards.
func (c *cold) hash(ctx context.Context, f disk.File, size int64) (sum [32]byte, n int64, err error) {
	if size <= whole {
		if err := c.room(size); err != nil {
			return sum, 0, err
		}
		n, err = c.fill(f, size)
		return sha256.Sum256(c.buf[:n]), n, err
	}
	if err := c.room(chunk); err != nil {
		return sum, 0, err
	}
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return sum, n, err
		}
		m, err := f.Read(c.buf[:chunk])
		h.Write(c.buf[:m])
		n += int64(m)
		if errors.Is(err, io.EOF) || err == nil && n == size && n%align != 0 {
			h.Sum(sum[:0])
			return sum, n, nil
		}
		if err != nil {
			return sum, n, err
		}
	}
}

// fill reads a file into the buffer. A read that ends within a page ended at the
// end of the file; what O_DIRECT would say to another is not asked.
func (c *cold) fill(f disk.File, size int64) (n int64, err error) {
	for n == 0 || n%align == 0 {
		m, err := f.Read(c.buf[n:min(int64(len(c.buf)), (size/align+1)*align)])
		n += int64(m)
		if errors.Is(err, io.EOF) || n > size {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// lookInto gives what Check finds. The error is of reading on.
func (c *cold) lookInto(f disk.File, e *ledger.Entry) (odd, err error) {
	if c.look == nil {
		return nil, nil
	}
	if e.Size <= whole {
		return c.look(e, bytes.NewReader(c.buf[:e.Size])), nil
	}
	at := &coldAt{f: f, buf: c.buf[:again]}
	odd = c.look(e, at)
	return odd, at.err
}

// coldAt reads parts of a large file again, whole pages at a time.
type coldAt struct {
	f    disk.File
	buf  []byte
	off  int64 // of what is in have
	have []byte
	err  error
}

func (c *coldAt) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		if at < c.off || at >= c.off+int64(len(c.have)) {
			if err := c.turn(at); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], c.have[at-c.off:])
	}
	return n, nil
}

// turn reads the part in which at lies.
func (c *coldAt) turn(at int64) error {
	c.off, c.have = at&^(align-1), nil
	n, err := c.f.ReadAt(c.buf, c.off)
	if err != nil && !errors.Is(err, io.EOF) && n%align == 0 { // else it is of the try to read on after the end
		c.err = err
		return err
	}
	if c.have = c.buf[:n]; at >= c.off+int64(n) {
		return io.EOF
	}
	return nil
}
