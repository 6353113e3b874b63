package eds

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Linked reads the file behind a file: URI of a store's item (a PHOTO that
// EDS put beside its database). The file must be a regular one beneath folder,
// with no symbolic link on the way out of it, and have at most max bytes.
// Errors: ErrRefused for another URI or place, ErrTooLarge, or the system's.
func Linked(folder, uri string, max int64) ([]byte, error) {
	rel, err := within(folder, uri)
	if err != nil {
		return nil, err
	}
	return beneath(folder, rel, max)
}

// Linked reads the file behind a URI of an item in the removed source's
// cache: it points to where the folder was before it went to the trash.
func (t Trashed) Linked(uri string, max int64) ([]byte, error) {
	rel, err := within(filepath.Join(filepath.Dir(filepath.Dir(t.Root)), t.UID), uri)
	if err != nil {
		return nil, err
	}
	return beneath(t.Root, rel, max)
}

func beneath(folder, rel string, max int64) ([]byte, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store's folder: %w", bare(err))
	}
	defer root.Close()
	f, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the linked file: %w", bare(err))
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the linked file: %w", bare(err))
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("cannot read the linked file: %w: it is no regular file", ErrRefused)
	case st.Size() > max:
		return nil, fmt.Errorf("cannot read the linked file of %d bytes: %w", st.Size(), ErrTooLarge)
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the linked file: %w", bare(err))
	}
	return b, nil
}

// within is the URI's path relative to the folder.
func within(folder, uri string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(uri))
	if err != nil || !strings.EqualFold(u.Scheme, "file") || (u.Host != "" && u.Host != "localhost") || !filepath.IsAbs(u.Path) {
		return "", fmt.Errorf("cannot read a link: %w: it names no file of this device", ErrRefused)
	}
	rel, err := filepath.Rel(filepath.Clean(folder), filepath.Clean(u.Path))
	if err != nil || !filepath.IsAbs(folder) || !filepath.IsLocal(rel) || rel == "." {
		return "", fmt.Errorf("cannot read a link: %w: it leads out of the store's folder", ErrRefused)
	}
	return rel, nil
}

// bare drops the path from an error: it may hold a person's name.
func bare(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
