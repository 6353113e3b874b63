package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/clearance-project/clearance/backup/source"
)

// maxReels is how many passes through a tape are kept where they stopped.
const maxReels = 8

// tape is a tgz: read forward only.
type tape struct {
	in   io.ReaderAt
	size int64

	mu   sync.Mutex
	idle []*reel
}

// reel is one pass through what a tape unpacks to, as far as it came.
type reel struct {
	gz *gzip.Reader
	at int64
}

func (r *reel) Read(p []byte) (int, error) {
	n, err := r.gz.Read(p)
	r.at += int64(n)
	return n, err
}

func (t *tape) start() (*reel, error) {
	gz, err := gzip.NewReader(bufio.NewReaderSize(io.NewSectionReader(t.in, 0, t.size), 256<<10))
	if err != nil {
		return nil, tapeError(err)
	}
	return &reel{gz: gz}, nil
}

// tapeError says what an error of unpacking means.
func tapeError(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCut
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCut
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, tar.ErrHeader), broken(err):
		return fmt.Errorf("it is damaged: download it again (%w)", err)
	}
	return err
}

// seek gives the pass that stopped nearest before at, moved on to it.
func (t *tape) seek(ctx context.Context, at int64) (*reel, error) {
	t.mu.Lock()
	best := -1
	for i, r := range t.idle {
		if r.at <= at && (best < 0 || r.at > t.idle[best].at) {
			best = i
		}
	}
	var r *reel
	if best >= 0 {
		r = t.idle[best]
		t.idle = append(t.idle[:best], t.idle[best+1:]...)
	}
	t.mu.Unlock()
	if r == nil {
		var err error
		if r, err = t.start(); err != nil {
			return nil, err
		}
	}
	for r.at < at {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, r, min(at-r.at, 1<<20)); err != nil {
			return nil, tapeError(err)
		}
	}
	return r, nil
}

// rest keeps a pass for the next item. Of too many the one that is furthest back
// is let go.
func (t *tape) rest(r *reel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idle = append(t.idle, r)
	if len(t.idle) <= maxReels {
		return
	}
	back := 0
	for i := range t.idle {
		if t.idle[i].at < t.idle[back].at {
			back = i
		}
	}
	t.idle = append(t.idle[:back], t.idle[back+1:]...)
}

// open opens an entry for reading from beginning to end.
func (t *tape) open(ctx context.Context, e *entry) (io.ReadCloser, error) {
	r, err := t.seek(ctx, e.at)
	if err != nil {
		return nil, err
	}
	return &tapeReader{tape: t, reel: r, entry: e, left: e.size, sum: sha256.New()}, nil
}

type tapeReader struct {
	tape  *tape
	reel  *reel
	entry *entry
	left  int64
	sum   hash.Hash
	bad   bool
}

func (r *tapeReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		if [16]byte(r.sum.Sum(nil)) != r.entry.sum {
			return 0, ErrDamaged
		}
		return 0, io.EOF
	}
	n, err := r.reel.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.sum.Write(p[:n])
	if err != nil && r.left > 0 {
		r.bad = true
		return n, tapeError(err)
	}
	return n, nil
}

func (r *tapeReader) Close() error {
	if !r.bad {
		r.tape.rest(r.reel)
	}
	return nil
}

// tapeIndex reads a tgz to its end and lists it.
func tapeIndex(ctx context.Context, t *tape, see func(i int32, e *entry, content []byte)) ([]entry, error) {
	r, err := t.start()
	if err != nil {
		return nil, err
	}
	bounded := &bounded{ctx: ctx, in: r, reel: r, packed: t.size}
	tr := tar.NewReader(bounded)
	var entries []entry
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tapeFailure(err)
		}
		if len(entries) == maxEntries {
			return nil, ErrTooMany
		}
		e, file := tapeEntry(h, r.at)
		if !file {
			continue
		}
		if e.reason == "" {
			content, err := e.read(tr)
			if err != nil {
				return nil, tapeFailure(err)
			}
			if content != nil {
				see(int32(len(entries)), &e, content)
			}
		}
		entries = append(entries, e)
	}
	// The sum of all lies behind the last byte.
	if _, err := io.Copy(padding{}, bounded); err != nil {
		return nil, tapeFailure(err)
	}
	return entries, nil
}

// errBehind means that a tape goes on behind its end, as one does to which a
// second was added: what is there nobody lists.
var errBehind = errors.New("something lies behind its end that is not listed: unpack it, and give the folder")

// padding takes the zeros with which a tape is filled up, and nothing else.
type padding struct{}

func (padding) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, "\x00")) > 0 {
		return 0, errBehind
	}
	return len(p), nil
}

func tapeFailure(err error) error {
	if errors.Is(err, ErrBomb) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return tapeError(err)
}

// bounded ends a pass with the context, and where it unpacks to too much.
type bounded struct {
	ctx    context.Context
	in     io.Reader
	reel   *reel
	packed int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if !unpackable(b.reel.at, b.packed) {
		return 0, ErrBomb
	}
	return b.in.Read(p)
}

// tapeEntry takes what a header says; file is false for what is no file.
func tapeEntry(h *tar.Header, at int64) (e entry, file bool) {
	e = entry{size: h.Size, mod: h.ModTime.Unix(), at: at}
	path, folder, err := clean(h.Name, false)
	e.name = path
	if err != nil {
		e.name = h.Name[:min(len(h.Name), maxName)]
		e.refuse(source.UnsafeName, err)
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if folder {
			return e, false
		}
	case tar.TypeDir:
		return e, err != nil
	case tar.TypeXGlobalHeader:
		return e, false
	case tar.TypeSymlink, tar.TypeLink:
		e.refuse(source.ArchivedLink, nil)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		e.refuse(source.Special, nil)
	default:
		e.refuse(source.Unreadable, fmt.Errorf("the archive holds it in a form that is not known here (%q)", h.Typeflag))
	}
	for _, sparse := range []string{"GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.realsize"} {
		if _, is := h.PAXRecords[sparse]; is {
			e.refuse(source.Unreadable, errors.New("the archive holds it with holes, which is not known here"))
		}
	}
	return e, true
}

// read sums the bytes of an entry; content are those that a listing needs.
func (e *entry) read(in io.Reader) (content []byte, err error) {
	sum := sha256.New()
	if e.size > wantedSize(e.name, taped) {
		_, err = io.Copy(sum, in)
	} else if content, err = io.ReadAll(io.TeeReader(in, sum)); content == nil {
		content = []byte{}
	}
	e.sum = [16]byte(sum.Sum(nil))
	return content, err
}
