package scan

import (
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Reader is an open regular file, for one goroutine to read. Beside an os.File
// it has neither finaliser nor poller: they cost as much as a small file does.
type Reader struct {
	fd   int
	path string
	root *Root
}

// OpenReader is [Root.OpenFile] for files that are read from beginning to end.
func (r *Root) OpenReader(path string) (*Reader, Stat, error) {
	fd, st, err := r.openRegular(path)
	if err != nil {
		return nil, st, err
	}
	return &Reader{fd: fd, path: path, root: r}, st, nil
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	const most = 1 << 30 // Linux gives no more at once
	p = p[:min(len(p), most)]
	for {
		n, err := unix.Read(r.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: r.path, Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Stat is what the file is now.
func (r *Reader) Stat() (Stat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(r.fd, &st); err != nil {
		return Stat{}, &fs.PathError{Op: "fstat", Path: r.path, Err: err}
	}
	return r.root.stamped(&st), nil
}

// Close closes the file. It is called once.
func (r *Reader) Close() error { return unix.Close(r.fd) }
