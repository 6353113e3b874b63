package bag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/clearance-project/clearance/backup/disk"
)

// Reader is a bag open for reading. It takes no lock, writes nothing, and works
// on a disk that cannot be written. What it lists is the bag of one moment: a
// writer that goes on meanwhile changes nothing in it, for payload files are
// never replaced and the lists are held open. What a killed writer had
// acknowledged and not finished is read from where it was left.
//
// Everything in the bag is hostile input: nothing that it says leads out of its
// folder, and what its lists say of a file proves nothing before the file was
// read and its sum is the one of the manifest. It may be used by several
// goroutines.
type Reader struct {
	root disk.Root
	path string
	id   string

	manifest, items, journal *list // nil where there is none
	folded                   bool  // the journal's lines are in the lists already
	tagged                   bool  // there is a tag manifest
	lists                    Lists
	why                      string
	unreadable               int

	sums   sumTable          // of the manifest
	newer  sumTable          // of the journal: what the manifest does not say yet
	listed []bool            // which rows of sums some line speaks of
	left   map[string]string // path → where a rename that was not finished left the file
	moved  map[string]bool   // paths from which an edited file was moved
}

// Lists says how far the lists of a bag can be trusted.
type Lists string

// How the lists of a bag may stand to its tag manifest.
const (
	ListsWhole   Lists = "whole"   // as the tag manifest has them
	ListsAltered Lists = "altered" // not as the tag manifest has them, or there is none
)

// BusyError says that another process was changing the lists of the bag all
// the time that we waited.
type BusyError struct{ Path string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot read the copy at %q: another Clearance process is writing its lists; try again in a moment", e.Path)
}

const (
	steadyTries   = 60
	untaggedTries = 5
	steadyPause   = 50 * time.Millisecond
)

// OpenReader opens a bag for reading. Errors: *NotABagError, *BusyError,
// *DestinationError, or ctx's.
func OpenReader(ctx context.Context, path string, o Options) (*Reader, error) {
	o.fill()
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the copy: %w", err)
	}
	under, err := o.openRoot(abs)
	if err != nil {
		return nil, unreadable(err)
	}
	r := &Reader{root: o.Wrap(under), path: abs, left: map[string]string{}, moved: map[string]bool{}}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Reader) open(ctx context.Context) error {
	id, err := identity(r.root, r.path)
	if err != nil {
		return err
	}
	r.id = id
	if err := r.holdSteady(ctx); err != nil {
		return err
	}
	if err := r.loadSums(); err != nil {
		return unreadable(err)
	}
	return unreadable(r.survey(ctx))
}

// identity is the id in a bag's bag-info.txt; *NotABagError where it has none of
// ours.
func identity(root disk.Root, path string) (string, error) {
	// Who opens a bag reads these whole: a sparse file would keep them for hours.
	for _, name := range []string{infoName, declarationName} {
		if st, err := root.Lstat(name); err == nil && st.Mode.IsRegular() && st.Size > maxSmall {
			return "", &NotABagError{Path: path, Why: "its " + name + " is too large"}
		}
	}
	text, err := readSmall(root, infoName)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, disk.ErrNotRegular) {
		return "", &NotABagError{Path: path, Why: "it has no bag-info.txt"}
	}
	if err != nil {
		return "", trouble(err)
	}
	id := ""
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, idLabel); ok {
			id = strings.TrimSpace(rest)
			break
		}
	}
	if !strings.HasPrefix(id, idPrefix) {
		return "", &NotABagError{Path: path, Why: "its bag-info.txt names no copy of Clearance's"}
	}
	return id, nil
}

// holdSteady opens the lists of one moment: nothing was renamed while they were
// opened.
func (r *Reader) holdSteady(ctx context.Context) error {
	var last listState
	untagged := 0
	for range steadyTries {
		before := r.state()
		if err := r.hold(); err != nil {
			return unreadable(err)
		}
		if before != last {
			last, untagged = before, 0
		}
		// Between two folds that follow one another it may look twice as if there
		// were no tag manifest: only where that stays so there is none.
		if untagged++; r.state() == before && (r.tagged || untagged == untaggedTries) {
			return nil
		}
		r.release()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(steadyPause):
		}
	}
	return &BusyError{Path: r.path}
}

// ID is the random id of the bag.
func (r *Reader) ID() string { return r.id }

// Path is where the bag was opened.
func (r *Reader) Path() string { return r.path }

// Lists says whether the lists are as the tag manifest has them; where not, why
// says what is wrong.
func (r *Reader) Lists() (l Lists, why string) { return r.lists, r.why }

// Unreadable is how many lines of the lists could not be understood. Each may
// have stood for an item.
func (r *Reader) Unreadable() int { return r.unreadable }

// Open opens a payload file: a regular file beneath the bag, no link followed.
func (r *Reader) Open(path string) (disk.File, error) {
	if !payloadPath(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	if at, ok := r.left[path]; ok {
		f, err := r.root.Open(at)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return r.root.Open(path)
}

// Size is how many bytes a payload file has now; an error where it is no regular
// file of the bag.
func (r *Reader) Size(path string) (int64, error) {
	if !payloadPath(path) {
		return 0, &fs.PathError{Op: "lstat", Path: path, Err: fs.ErrInvalid}
	}
	st, err := r.root.Lstat(path)
	if at, ok := r.left[path]; ok {
		if waiting, werr := r.root.Lstat(at); werr == nil {
			st, err = waiting, nil
		}
	}
	if err == nil && !st.Mode.IsRegular() {
		err = disk.ErrNotRegular
	}
	return st.Size, err
}

// ErrUnlisted says that the manifest has no line for a file.
var ErrUnlisted = errors.New("the list of sums does not name it")

// ErrTwoSums says that the manifest has two lines for a file, which differ.
var ErrTwoSums = errors.New("the list of sums gives it two sums")

// Sum is the sum of a payload file, as the manifest has it. Errors: ErrUnlisted,
// ErrTwoSums.
func (r *Reader) Sum(path string) (sum [32]byte, err error) {
	if sum, ok := r.newer.last(path); ok {
		return sum, nil
	}
	return r.sums.only(path)
}

// HasManifest reports whether the bag has a list of sums at all.
func (r *Reader) HasManifest() bool { return r.manifest != nil }

// Close closes the bag.
func (r *Reader) Close() error {
	r.release()
	return r.root.Close()
}

// list is a list of the bag, held open, as long as it was then.
type list struct {
	f    disk.File
	size int64
}

func (l *list) reader() io.Reader {
	if l == nil {
		return strings.NewReader("")
	}
	return io.NewSectionReader(l.f, 0, l.size)
}

func (r *Reader) release() {
	for _, l := range []*list{r.manifest, r.items, r.journal} {
		if l != nil {
			_ = l.f.Close() // it was only read
		}
	}
	r.manifest, r.items, r.journal = nil, nil, nil
}

// unreadable makes an error of reading a typed one.
func unreadable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return trouble(err)
}
