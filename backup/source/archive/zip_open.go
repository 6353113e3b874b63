package archive

import (
	"bufio"
	"compress/flate"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// errMismatch: the two headers of an entry tell of two files.
var errMismatch = errors.New("the archive contradicts itself about it")

// openZip opens an entry of a zip for reading from beginning to end.
func openZip(in io.ReaderAt, e *entry) (io.ReadCloser, error) {
	var head [lenLocal]byte
	if _, err := in.ReadAt(head[:], e.at); err != nil {
		return nil, fmt.Errorf("cannot read the archive: %w", err)
	}
	from := e.at + lenLocal + int64(le.Uint16(head[26:])) + int64(le.Uint16(head[28:]))
	if le.Uint32(head[:]) != sigLocal || le.Uint16(head[8:]) != e.method || le.Uint16(head[6:])&flagEncrypted != 0 || from+e.packed > e.end {
		return nil, errMismatch
	}
	packed := io.NewSectionReader(in, from, e.packed)
	z := &zipReader{entry: e, sum: crc32.NewIEEE(), in: packed, close: func() error { return nil }}
	if e.method == deflated {
		// ReadByte of a bufio.Reader: flate takes no more of it than it needs.
		inflate := flate.NewReader(bufio.NewReaderSize(packed, 64<<10))
		z.in, z.close = inflate, inflate.Close
	}
	return z, nil
}

// zipReader gives as many bytes as the archive says, and at their end an error
// unless they are the ones that were summed.
type zipReader struct {
	entry *entry
	in    io.Reader
	sum   hash.Hash32
	n     int64
	end   error
	close func() error
}

// ErrDamaged: the bytes are not those that were put in.
var ErrDamaged = errors.New("it is damaged in the archive: download that part again")

func (z *zipReader) Read(p []byte) (int, error) {
	if z.end != nil {
		return 0, z.end
	}
	n, err := z.in.Read(p)
	z.n += int64(n)
	z.sum.Write(p[:n])
	switch {
	case z.n > z.entry.size:
		z.end = fmt.Errorf("%w (it is larger than the archive says)", ErrDamaged)
		return 0, z.end
	case errors.Is(err, io.EOF):
		if z.n != z.entry.size || z.sum.Sum32() != z.entry.crc {
			z.end = ErrDamaged
			return 0, z.end
		}
		z.end = io.EOF
	case err != nil:
		z.end = err
		if broken(err) {
			z.end = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return n, z.end
}

// broken reports whether an error tells of the bytes, not of the disk.
func broken(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF)
}

func (z *zipReader) Close() error { return z.close() }
