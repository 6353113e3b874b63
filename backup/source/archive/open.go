package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// Shelf keeps what archives hold, by the stamps of their files: a tgz is read to
// its end to list it. The zero value is empty.
type Shelf struct {
	mu      sync.Mutex
	indexes map[string]*index
}

// Forget makes every archive be listed anew, whatever its stamps say.
func (s *Shelf) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indexes = nil
}

func (s *Shelf) get(path string, st scan.Stat) *index {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.indexes[path]; x != nil && x.stat == st {
		return x
	}
	return nil
}

func (s *Shelf) put(path string, x *index) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.indexes == nil {
		s.indexes = map[string]*index{}
	}
	s.indexes[path] = x
}

// volume is one open file of an export.
type volume struct {
	part
	root *scan.Root
	file *os.File
	stat scan.Stat
	*index
	tape *tape
}

// openVolume opens a part and lists it, if the shelf has not got it.
func openVolume(ctx context.Context, root *scan.Root, p part, s *Shelf, now func() time.Time) (*volume, error) {
	f, st, err := root.OpenFile(p.file)
	if err != nil {
		return nil, err
	}
	v := &volume{part: p, root: root, file: f, stat: st}
	if err := v.list(ctx, s, st.Unsettled(now())); err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be read: %w", p.file, err), f.Close())
	}
	return v, nil
}

// list lists what the file holds. Of one that was written a moment ago nothing is
// kept: it may change, and its stamps stay.
func (v *volume) list(ctx context.Context, s *Shelf, young bool) error {
	if v.loose != "" {
		v.index = &index{stat: v.stat, entries: []entry{{name: v.loose, size: v.stat.Size}}}
		return nil
	}
	at := filepath.Join(v.root.Path(), v.file.Name())
	if v.index = s.get(at, v.stat); v.index == nil {
		x, err := v.read(ctx)
		if err != nil {
			return err
		}
		if err := v.same(); err != nil {
			return err
		}
		if v.index = x; !young {
			s.put(at, x)
		}
	}
	if v.kind == taped {
		v.tape = &tape{in: v.file, size: v.stat.Size}
	}
	return nil
}

// read lists the file by what it is, not by how it is called.
func (v *volume) read(ctx context.Context) (*index, error) {
	in := patient{v.file, filepath.Join(v.root.Path(), v.file.Name())}
	head := make([]byte, 4)
	if n, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if n < len(head) {
		return nil, ErrCut
	}
	x := &index{stat: v.stat, facts: map[int32]facts{}, kept: map[int32][]byte{}}
	var err error
	switch {
	case isZip(head):
		x.kind = zipped
		if x.entries, err = zipIndex(ctx, in, v.stat.Size); err == nil {
			err = x.look(ctx, in)
		}
	case head[0] == 0x1f && head[1] == 0x8b:
		x.kind = taped
		x.entries, err = tapeIndex(ctx, &tape{in: in, size: v.stat.Size}, x.see)
	default:
		err = ErrForeign
	}
	return x, err
}

// patient is a file that is waited for no longer than any other: a dead mount
// never answers.
type patient struct {
	io.ReaderAt
	at string
}

func (p patient) ReadAt(b []byte, at int64) (int, error) {
	type answer struct {
		n   int
		err error
	}
	buf := buffers.Get().(*[]byte)
	if len(*buf) < len(b) {
		*buf = make([]byte, len(b))
	}
	own := (*buf)[:len(b)]
	a, answered := scan.Ask(p.at, scan.Patience, func() answer {
		n, err := p.ReaderAt.ReadAt(own, at)
		return answer{n, err}
	})
	if !answered {
		return 0, scan.ErrNoAnswer // the buffer is left behind too: it may be written to yet
	}
	n := copy(b, own[:a.n])
	buffers.Put(buf)
	return n, a.err
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// look reads the small files of a zip that listing needs. One that is damaged
// tells nothing, and fails when it is copied.
func (x *index) look(ctx context.Context, in io.ReaderAt) error {
	for i := range x.entries {
		e := &x.entries[i]
		if e.reason != "" || e.size > wantedSize(e.name, zipped) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := openZip(in, e)
		if err != nil {
			continue
		}
		content, err := io.ReadAll(r)
		if cerr := r.Close(); err == nil && cerr == nil {
			x.see(int32(i), e, content)
		}
	}
	return nil
}

// see notes what a small file says.
func (x *index) see(i int32, e *entry, content []byte) {
	base := strings.ToLower(filepath.Base(e.name))
	switch {
	case base == manifestName:
		x.browser = readManifest(content)
	case isDetails(base):
		x.kept[i] = content
	case isMarkdown(base):
		if refs, err := source.NoteReferences(content); len(refs) > 0 || err != nil {
			x.facts[i] = facts{refs: refs, unread: err}
		}
	case filepath.Ext(base) != ".json":
		x.keep(i, content)
	default:
		f, ok := readFacts(content)
		if !ok {
			return
		}
		x.facts[i] = f
		if f.of == note && x.kind == taped { // it is read as it is, and as a note to read
			x.keep(i, content)
		}
	}
}

func (x *index) keep(i int32, content []byte) {
	if x.inMemory += int64(len(content)); x.inMemory <= maxKept {
		x.kept[i] = content
	}
}

// same reports whether the file is still the one that was opened.
func (v *volume) same() error {
	st, err := scan.Fstat(v.file)
	if err != nil {
		return err
	}
	st.Fine = v.stat.Fine
	if st != v.stat {
		return ErrChanged
	}
	return nil
}

// open opens an entry for reading from beginning to end.
func (v *volume) open(ctx context.Context, i int32) (io.ReadCloser, error) {
	var in io.ReadCloser
	var err error
	e := &v.entries[i]
	switch content, kept := v.kept[i]; {
	case kept:
		in = io.NopCloser(bytes.NewReader(content))
	case e.reason != "":
		return nil, fmt.Errorf("cannot open %q: %s", e.name, e.reason)
	case v.kind == taped:
		in, err = v.tape.open(ctx, e)
	default:
		in, err = openZip(v.file, e)
	}
	if err != nil {
		return nil, err
	}
	return &checked{in, v}, nil
}

// checked closes with an error if the archive changed since it was listed.
type checked struct {
	io.ReadCloser
	v *volume
}

func (c *checked) Close() error { return errors.Join(c.ReadCloser.Close(), c.v.same()) }

// failed is what stands in place of an entry that cannot be taken.
func (e *entry) failed(it source.Item) *source.Failed {
	it.Size = -1
	return &source.Failed{Item: it, Reason: e.reason, Err: e.why}
}
